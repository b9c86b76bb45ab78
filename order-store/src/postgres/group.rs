//! A group: the commands that share one statement.
//!
//! Each is decided against what those before it have changed, so several on one order may stand in one group. It is pure: what
//! was read goes in, and out come the answers with what to write, or the lookups that are missing; then the whole group is
//! decided again.

use std::collections::{BTreeSet, HashMap};

use wxpay_core::{MchId, TransactionId};

use super::{
    rows::{LogRow, OutRow, Stored},
    unique::{Found, Unique},
    write::Writes,
};
use crate::{
    Change, Command, Day, Executed, Facts, Lookups, Order, OrderKey, OutboxHold, OutboxRecord,
    Outcome, Random, Refusal, decide,
    totals::{Sums, sums_of},
};

/// A command with the random bytes that it keeps however often it is decided.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) command: Command,
    pub(super) random: Random,
}

/// An answer that waits for the commit.
pub(super) type Answer = Result<Executed, Refusal>;

/// What becomes of a group.
pub(super) struct Decided {
    pub(super) answers: Vec<Answer>,
    pub(super) writes: Writes,
}

/// What is held of a transaction that was not looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// That it is no one's yet, as nearly always. It holds where the change writes the transaction: its index refuses it else, the
    /// group leaves no trace, and is decided again without this.
    New,
    /// Nothing.
    Unknown,
}

/// What each command surely, or most likely, wants to know: read together with the orders.
pub(super) fn likely(asks: &[Ask], unread: Unread) -> BTreeSet<Unique> {
    let mut wanted = BTreeSet::new();
    for Ask { command, .. } in asks {
        let mch_id = command.key().mch_id.clone();
        let unique = match command {
            Command::Create(create) => Unique::Number(mch_id, create.key.out_trade_no.clone()),
            Command::MarkPaid(_) if unread == Unread::New => continue,
            Command::MarkPaid(paid) => Unique::Transaction(paid.transaction_id.clone()),
            Command::BeginRefund(begin) => Unique::Refund(mch_id, begin.out_refund_no.clone()),
            _ => continue,
        };
        wanted.insert(unique);
    }
    wanted
}

/// Decides the group.
///
/// # Errors
/// The lookups that `found` has not.
pub(super) fn decide_group(
    found: &Found,
    asks: &[Ask],
    unread: Unread,
) -> Result<Decided, BTreeSet<Unique>> {
    let mut group = Group {
        found,
        unread,
        orders: HashMap::new(),
        owners: HashMap::new(),
        missing: BTreeSet::new(),
        writes: Writes::default(),
    };
    let answers = asks
        .iter()
        .map(|ask| group.take(ask))
        .collect::<Vec<Option<Answer>>>();
    if !group.missing.is_empty() {
        return Err(group.missing);
    }
    let answers = answers
        .into_iter()
        .map(|answer| answer.unwrap_or_else(|| unreachable!("nothing is missing")))
        .collect();
    Ok(Decided {
        answers,
        writes: group.finish(),
    })
}

/// An order that the group changed.
struct Touched {
    stored: Stored,
    before: Vec<(Day, Sums)>,
}

struct Group<'a> {
    found: &'a Found,
    unread: Unread,
    orders: HashMap<OrderKey, Touched>,
    owners: HashMap<Unique, OrderKey>,
    missing: BTreeSet<Unique>,
    writes: Writes,
}

impl Group<'_> {
    /// Decides one command; nothing when a lookup is missing.
    fn take(&mut self, ask: &Ask) -> Option<Answer> {
        let Ask { command, random } = ask;
        let key = command.key();
        let mut lookups = Lookups::of(self.order(key), command);
        let assumed = lookups.transaction.take_if(|id| self.takes_for_new(id));
        let facts = self.facts(&key.mch_id, lookups)?;
        let decision = decide(self.order(key), &facts, command, random);
        if let Some(id) = assumed {
            let change = decision.change.as_ref();
            if change.is_none_or(|change| change.transaction.as_ref() != Some(&id)) {
                self.missing.insert(Unique::Transaction(id));
                return None;
            }
        }
        if let Some(change) = decision.change {
            self.change(change);
        }
        Some(decision.outcome.map(|outcome: Outcome| {
            Executed {
                outcome,
                order: self
                    .order(key)
                    .unwrap_or_else(|| unreachable!("a command that is not refused has an order"))
                    .clone(),
            }
        }))
    }

    fn order(&self, key: &OrderKey) -> Option<&Order> {
        let touched = self.orders.get(key).map(|touched| &touched.stored);
        let stored = touched.or_else(|| self.found.orders.get(key))?;
        Some(&stored.order)
    }

    fn facts(&mut self, mch_id: &MchId, lookups: Lookups) -> Option<Facts> {
        let mut facts = Facts::default();
        let mut complete = true;
        for number in lookups.numbers {
            match self.owner(Unique::Number(mch_id.clone(), number.clone())) {
                Some(Some(owner)) => drop(facts.number_owners.insert(number, owner)),
                Some(None) => {}
                None => complete = false,
            }
        }
        if let Some(id) = lookups.transaction {
            let owner = self.owner(Unique::Transaction(id));
            complete &= owner.is_some();
            facts.transaction_owner = owner.flatten();
        }
        if let Some(number) = lookups.refund {
            let owner = self.owner(Unique::Refund(mch_id.clone(), number));
            complete &= owner.is_some();
            facts.refund_owner = owner.flatten();
        }
        complete.then_some(facts)
    }

    fn takes_for_new(&self, id: &TransactionId) -> bool {
        let unique = Unique::Transaction(id.clone());
        self.unread == Unread::New
            && !self.owners.contains_key(&unique)
            && !self.found.owners.contains_key(&unique)
    }

    /// Whose it is; nothing when that was not read.
    #[allow(
        clippy::option_option,
        reason = "not read, read and no one's, and read are three things"
    )]
    fn owner(&mut self, unique: Unique) -> Option<Option<OrderKey>> {
        if let Some(owner) = self.owners.get(&unique) {
            return Some(Some(owner.clone()));
        }
        let owner = self.found.owners.get(&unique).cloned();
        if owner.is_none() {
            self.missing.insert(unique);
        }
        owner
    }

    fn change(&mut self, change: Change) {
        let Change {
            order,
            log,
            outbox,
            number,
            transaction,
            refund,
        } = change;
        let key = order.key.clone();
        for unique in [
            number.map(|number| Unique::Number(key.mch_id.clone(), number)),
            transaction.map(Unique::Transaction),
            refund.map(|number| Unique::Refund(key.mch_id.clone(), number)),
        ]
        .into_iter()
        .flatten()
        {
            self.writes.own(&key, &unique);
            self.owners.insert(unique, key.clone());
        }
        let touched = self.orders.entry(key.clone()).or_insert_with(|| {
            match self.found.orders.get(&key) {
                Some(stored) => Touched {
                    before: sums_of(&stored.order),
                    // A group is one change, however many commands it holds.
                    stored: Stored {
                        version: stored.version + 1,
                        ..stored.clone()
                    },
                },
                None => Touched {
                    before: Vec::new(),
                    stored: Stored {
                        order: order.clone(),
                        version: 1,
                        logged: 0,
                        sent: 0,
                    },
                },
            }
        });
        let stored = &mut touched.stored;
        stored.order = order;
        if let Some(entry) = log {
            self.writes
                .log
                .push(LogRow::new(&key, stored.logged, &entry));
            stored.logged += 1;
        }
        for row in outbox {
            let record = OutboxRecord {
                row,
                hold: OutboxHold::None,
            };
            self.writes.outbox.push(OutRow::new(stored.sent, record));
            stored.sent += 1;
        }
    }

    fn finish(self) -> Writes {
        let mut writes = self.writes;
        for touched in self.orders.into_values() {
            writes.put_order(&touched.stored, &touched.before);
        }
        writes.sort();
        writes
    }
}
