//! A group: the jobs that share one transaction and one sync.
//!
//! Each job is decided against what the jobs before it in the group have changed, so several commands on one order may
//! stand in one group. Nothing is written here; the result is a list of writes, of answers, and of what to remember.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use wxpay_core::{AppId, MchId, OutRefundNo, OutTradeNo, TransactionId};

use super::{
    digest::Chain,
    inbox,
    job::{Answer, Job},
    pack::{Packer, pack, pack_log},
    record::{
        Address, Hold, StoredLog, StoredOrder, StoredRow, decode, encode, load_order, order_parts,
    },
    relay::{Entry, Relay, Status},
    trees::{
        ACCOUNT_PREFIX, INBOX_NEXT_KEY, Kind, OUTBOX_LOW_KEY, Trees, Writes, number_key,
        packed_key, refund_key, transaction_key,
    },
};
use crate::{
    Change, Command, DeadLetter, ExecuteError, Executed, Facts, LogEntry, Lookups, NotifyHead,
    NotifyId, Order, OrderKey, OutboxRow, Outcome, REASON_MAX_BYTES, Random, StoreError, Timestamp,
    decide,
    index::{Index, Mark},
};

/// Bytes that a row of the outbox may grow by: the reason of its last failure, the count of its tries, its hold.
const ROW_RESERVE_BYTES: usize = REASON_MAX_BYTES + 100;
/// The remembered low group is written again when it is so many groups behind.
const LOW_STEP: u64 = 256;

/// The numbers that go on from group to group.
pub(super) struct Counters {
    pub(super) next_group: u64,
    pub(super) next_notify: u64,
    /// The low group as it was written last.
    pub(super) low: u64,
    /// The hash of the log.
    pub(super) chain: Chain,
    /// Rows of the log.
    pub(super) rows: u64,
}

/// What happens to the outbox in memory once the group is on disk.
pub(super) enum RelayChange {
    Add(Address, Entry),
    Remove(Address),
    Set(Address, Status),
}

/// An order that the group touched.
struct Touched {
    before: Option<Mark>,
    stored: Option<StoredOrder>,
    changed: bool,
}

/// See the module.
pub(super) struct Group<'a> {
    pub(super) trees: &'a Trees,
    counters: &'a mut Counters,
    pub(super) now: Timestamp,
    pub(super) dead_letter: DeadLetter,
    number: u64,
    orders: HashMap<OrderKey, Touched>,
    numbers: HashMap<(MchId, OutTradeNo), OrderKey>,
    transactions: HashMap<TransactionId, OrderKey>,
    refunds: HashMap<(MchId, OutRefundNo), OrderKey>,
    accounts: HashSet<(MchId, AppId)>,
    pub(super) chunks: BTreeMap<(u64, u16), Vec<StoredRow>>,
    log: Packer,
    outbox: Packer,
    writes: Writes,
    pub(super) relay: Vec<RelayChange>,
    answers: Vec<Answer>,
}

/// A decided group.
pub(super) struct Decided {
    pub(super) writes: Writes,
    pub(super) answers: Vec<Answer>,
    pub(super) marks: Vec<(OrderKey, Option<Mark>, Mark)>,
    pub(super) relay: Vec<RelayChange>,
}

impl<'a> Group<'a> {
    pub(super) fn new(
        trees: &'a Trees,
        counters: &'a mut Counters,
        now: Timestamp,
        dead_letter: DeadLetter,
    ) -> Self {
        Self {
            trees,
            now,
            dead_letter,
            number: counters.next_group,
            counters,
            orders: HashMap::new(),
            numbers: HashMap::new(),
            transactions: HashMap::new(),
            refunds: HashMap::new(),
            accounts: HashSet::new(),
            chunks: BTreeMap::new(),
            log: Packer::chained(),
            outbox: Packer::plain(),
            writes: Writes::new(),
            relay: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Decides one job. [`Job::Close`] is the committer's own.
    pub(super) fn take(
        &mut self,
        job: Job,
        relay: &mut Relay,
        random: impl FnOnce() -> Result<Random, StoreError>,
    ) {
        let answer = match job {
            Job::Execute(command, reply) => {
                let answer = self.execute(&command, random);
                Answer::Execute(reply, Box::new(answer))
            }
            Job::Settle(token, settlement, reply) => {
                Answer::Unit(reply, self.settle(&token, settlement, relay))
            }
            Job::Requeue(id, reply) => Answer::Unit(reply, self.requeue(&id, relay)),
            Job::Notify(record, reply) => {
                let (head, body) = NotifyHead::split(*record);
                let n = self.counters.next_notify;
                self.keep_notify(n, &head, &body);
                Answer::Notify(reply, Ok(NotifyId::Accepted(n)))
            }
            Job::Load(records, reply) => Answer::Unit(reply, self.load(records, relay)),
            Job::Close(_) => return,
        };
        self.answers.push(answer);
    }

    pub(super) fn keep_notify(&mut self, n: u64, head: &NotifyHead, body: &[u8]) {
        self.writes.extend(inbox::writes(n, head, body));
        self.counters.next_notify = self.counters.next_notify.max(n + 1);
    }

    pub(super) fn next_notify(&self) -> u64 {
        self.counters.next_notify
    }

    fn execute(
        &mut self,
        command: &Command,
        random: impl FnOnce() -> Result<Random, StoreError>,
    ) -> Result<Executed, ExecuteError> {
        let key = command.key();
        let order = self.touch(key)?;
        let lookups = Lookups::of(order, command);
        let facts = self.look_up(&key.mch_id, lookups)?;
        let decision = decide(self.order(key), &facts, command, &random()?);
        if let Some(change) = decision.change {
            self.change(change);
        }
        let outcome: Outcome = decision.outcome?;
        let order = self
            .order(key)
            .expect("a command that is not refused has an order")
            .clone();
        Ok(Executed { outcome, order })
    }

    /// The order as the group has it by now.
    pub(super) fn touch(&mut self, key: &OrderKey) -> Result<Option<&Order>, StoreError> {
        if !self.orders.contains_key(key) {
            let stored = load_order(self.trees, key)?;
            let touched = Touched {
                before: stored.as_ref().map(|stored| Mark::of(&stored.order)),
                stored,
                changed: false,
            };
            self.orders.insert(key.clone(), touched);
        }
        Ok(self.order(key))
    }

    fn order(&self, key: &OrderKey) -> Option<&Order> {
        let stored = self.orders.get(key)?.stored.as_ref()?;
        Some(&stored.order)
    }

    pub(super) fn look_up(&self, mch_id: &MchId, lookups: Lookups) -> Result<Facts, StoreError> {
        let mut facts = Facts::default();
        for number in lookups.numbers {
            let key = (mch_id.clone(), number);
            let owner = match self.numbers.get(&key) {
                Some(owner) => Some(owner.clone()),
                None => owner_of_number(self.trees, mch_id, &key.1)?,
            };
            if let Some(owner) = owner {
                facts.number_owners.insert(key.1, owner);
            }
        }
        if let Some(id) = lookups.transaction {
            facts.transaction_owner = match self.transactions.get(&id) {
                Some(owner) => Some(owner.clone()),
                None => owner_of_transaction(self.trees, &id)?,
            };
        }
        if let Some(number) = lookups.refund {
            let key = (mch_id.clone(), number);
            facts.refund_owner = match self.refunds.get(&key) {
                Some(owner) => Some(owner.clone()),
                None => owner_of_refund(self.trees, mch_id, &key.1)?,
            };
        }
        Ok(facts)
    }

    fn change(&mut self, change: Change) {
        let key = change.order.key.clone();
        if let Some(number) = change.number {
            self.own_number(&key, number);
        }
        if let Some(id) = change.transaction {
            self.own_transaction(&key, id);
        }
        if let Some(number) = change.refund {
            self.own_refund(&key, number);
        }
        self.put_order(change.order, change.log);
        for row in change.outbox {
            self.send(row, Hold::None);
        }
    }

    pub(super) fn own_number(&mut self, key: &OrderKey, number: OutTradeNo) {
        self.write_record(Kind::Attempts, number_key(&key.mch_id, &number), key);
        self.numbers
            .insert((key.mch_id.clone(), number), key.clone());
    }

    pub(super) fn own_transaction(&mut self, key: &OrderKey, id: TransactionId) {
        self.write_record(Kind::Transactions, transaction_key(&id), key);
        self.transactions.insert(id, key.clone());
    }

    pub(super) fn own_refund(&mut self, key: &OrderKey, number: OutRefundNo) {
        self.write_record(Kind::Refunds, refund_key(&key.mch_id, &number), key);
        self.refunds
            .insert((key.mch_id.clone(), number), key.clone());
    }

    /// Puts an order that was touched, with the rows that its log gets.
    pub(super) fn put_order(&mut self, order: Order, log: impl IntoIterator<Item = LogEntry>) {
        let key = order.key.clone();
        self.accounts
            .insert((key.mch_id.clone(), order.terms.appid.clone()));
        let mut last = self
            .orders
            .get(&key)
            .and_then(|touched| touched.stored.as_ref())
            .map(|stored| stored.last_log);
        for entry in log {
            let row = encode(&StoredLog {
                key: key.clone(),
                prev: last,
                entry,
            });
            let (chunk, slot) = self.log.place(row.len(), 0);
            self.log.push(row);
            last = Some(self.address(chunk, slot));
        }
        let touched = self
            .orders
            .get_mut(&key)
            .expect("the order was looked up before it was decided on");
        touched.stored = Some(StoredOrder {
            order,
            last_log: last.expect("an order is made with a row of its log"),
        });
        touched.changed = true;
    }

    pub(super) fn send(&mut self, row: OutboxRow, hold: Hold) {
        let (key, created_at) = (row.key.clone(), row.created_at);
        let mut stored = StoredRow {
            slot: self.outbox.next_slot(),
            row,
            hold,
        };
        let mut bytes = encode(&stored);
        let (chunk, slot) = self.outbox.place(bytes.len(), ROW_RESERVE_BYTES);
        if slot != stored.slot {
            // It begins the next value, and the first slot takes no more bytes than the one it had.
            stored.slot = slot;
            bytes = encode(&stored);
        }
        self.outbox.push(bytes);
        let entry = Entry::new(&key, created_at, hold.into());
        self.relay
            .push(RelayChange::Add(self.address(chunk, slot), entry));
    }

    fn address(&self, chunk: u16, slot: u16) -> Address {
        Address {
            group: self.number,
            chunk,
            slot,
        }
    }

    fn write_record<T: Serialize>(&mut self, kind: Kind, key: Vec<u8>, record: &T) {
        self.writes.push((kind, key, Some(encode(record))));
    }

    /// The whole group as writes.
    pub(super) fn finish(mut self, relay: &Relay, index: &Index) -> Decided {
        let mut marks = Vec::new();
        for (key, touched) in std::mem::take(&mut self.orders) {
            if let (true, Some(stored)) = (touched.changed, touched.stored) {
                for (key, value) in order_parts(&stored) {
                    self.writes.push((Kind::Orders, key, Some(value)));
                }
                marks.push((key, touched.before, Mark::of(&stored.order)));
            }
        }
        for (mch_id, appid) in std::mem::take(&mut self.accounts) {
            if !index.knows(&mch_id, &appid) {
                let mut key = ACCOUNT_PREFIX.to_vec();
                key.extend_from_slice(mch_id.as_str().as_bytes());
                key.push(0);
                key.extend_from_slice(appid.as_str().as_bytes());
                self.write_record(Kind::Meta, key, &(mch_id, appid));
            }
        }
        for ((group, chunk), rows) in std::mem::take(&mut self.chunks) {
            let value =
                (!rows.is_empty()).then(|| pack(&rows.iter().map(encode).collect::<Vec<_>>()));
            self.writes
                .push((Kind::Outbox, packed_key(group, chunk), value));
        }
        for (chunk, rows) in self.log.finish() {
            let key = packed_key(self.number, chunk);
            let value = pack_log(self.counters.chain, &rows);
            self.counters.chain = self.counters.chain.link(&key, &value);
            self.counters.rows += rows.len() as u64;
            self.counters.next_group = self.number + 1;
            self.writes.push((Kind::Log, key, Some(value)));
        }
        for (chunk, rows) in self.outbox.finish() {
            let key = packed_key(self.number, chunk);
            self.counters.next_group = self.number + 1;
            self.writes.push((Kind::Outbox, key, Some(pack(&rows))));
        }
        write_counters(&mut self.writes, self.counters, self.number, relay);
        Decided {
            writes: self.writes,
            answers: self.answers,
            marks,
            relay: self.relay,
        }
    }
}

fn write_counters(writes: &mut Writes, counters: &mut Counters, number: u64, relay: &Relay) {
    if writes.iter().any(|(kind, ..)| *kind == Kind::Inbox) {
        let next = counters.next_notify.to_be_bytes().to_vec();
        writes.push((Kind::Meta, INBOX_NEXT_KEY.to_vec(), Some(next)));
    }
    let low = relay.lowest_group().unwrap_or(number);
    if !writes.is_empty() && low >= counters.low + LOW_STEP {
        counters.low = low;
        writes.push(low_write(low));
    }
}

/// Remembers that no group below holds rows of the outbox.
pub(super) fn low_write(low: u64) -> (Kind, Vec<u8>, Option<Vec<u8>>) {
    let value = low.to_be_bytes().to_vec();
    (Kind::Meta, OUTBOX_LOW_KEY.to_vec(), Some(value))
}

/// The order that owns a number, by the index of attempts.
pub(super) fn owner_of_number(
    trees: &Trees,
    mch_id: &MchId,
    number: &OutTradeNo,
) -> Result<Option<OrderKey>, StoreError> {
    trees
        .get(Kind::Attempts, &number_key(mch_id, number))?
        .map(|value| decode(&value, "index of attempts"))
        .transpose()
}

/// The order that a transaction paid, by the index of transactions.
pub(super) fn owner_of_transaction(
    trees: &Trees,
    id: &TransactionId,
) -> Result<Option<OrderKey>, StoreError> {
    trees
        .get(Kind::Transactions, &transaction_key(id))?
        .map(|value| decode(&value, "index of transactions"))
        .transpose()
}

/// The order that has a refund, by the index of refunds.
pub(super) fn owner_of_refund(
    trees: &Trees,
    mch_id: &MchId,
    number: &OutRefundNo,
) -> Result<Option<OrderKey>, StoreError> {
    trees
        .get(Kind::Refunds, &refund_key(mch_id, number))?
        .map(|value| decode(&value, "index of refunds"))
        .transpose()
}
