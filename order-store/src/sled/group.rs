//! A group: the jobs that share one transaction and one sync.
//!
//! Each job is decided against what the jobs before it in the group have changed, so several commands on one order may
//! stand in one group; and against what the group before has changed ([`Changes`]), which may not be on disk yet. Nothing is
//! written here; the result is a list of writes, of answers, and of what to remember.

use std::{
    collections::BTreeMap,
    sync::{Arc, MutexGuard},
};

use wxpay_core::{AppId, MchId, OutRefundNo, OutTradeNo, TransactionId};

use super::{
    counters::Counters,
    decided::{ByKey, Changes, Decided, Ground, Moved, RelayChange},
    inbox,
    job::{Answer, Done, Job},
    keys::{ACCOUNT_PREFIX, Kind, packed_key},
    locate::{Hash, Owned, hash_of_number, hash_of_order, hash_of_refund, hash_of_transaction},
    pack::{Packer, pack, pack_log},
    place::{Address, Home, Place},
    record::{Hold, StoredRow, encode, encode_into, encode_log, order_parts},
    relay::{Entry, Relay},
    rows::load_log_rows,
    trees::Writes,
};
use crate::{
    Change, Command, DeadLetter, ExecuteError, Facts, LogEntry, Lookups, NotifyHead, NotifyId,
    Order, OrderKey, OutboxRow, Outcome, REASON_MAX_BYTES, Random, StoreError, Timestamp, decide,
    index::Mark,
};

/// Bytes that a row of the outbox may grow by: the reason of its last failure, the count of its tries, its hold.
const ROW_RESERVE_BYTES: usize = REASON_MAX_BYTES + 100;
/// An order that the group touched.
struct Touched {
    before: Option<(Mark, Place)>,
    now: Option<(Arc<Order>, Place)>,
    changed: bool,
}

/// See the module.
pub(super) struct Group<'a> {
    pub(super) ground: Ground<'a>,
    counters: &'a mut Counters,
    pub(super) now: Timestamp,
    pub(super) dead_letter: DeadLetter,
    number: u64,
    orders: ByKey<OrderKey, Touched>,
    numbers: ByKey<(MchId, OutTradeNo), OrderKey>,
    transactions: ByKey<TransactionId, OrderKey>,
    refunds: ByKey<(MchId, OutRefundNo), OrderKey>,
    owned: Vec<(Owned, Hash, Hash)>,
    /// The account of the last order: mostly that of the next one.
    account: Option<(MchId, AppId)>,
    pub(super) chunks: BTreeMap<(u64, u16), Vec<StoredRow>>,
    log: Packer,
    outbox: Packer,
    /// The row that is being written.
    row: Vec<u8>,
    writes: Writes,
    pub(super) relay: Vec<RelayChange>,
    answers: Vec<Answer>,
}

impl<'a> Group<'a> {
    pub(super) fn new(
        ground: Ground<'a>,
        counters: &'a mut Counters,
        now: Timestamp,
        dead_letter: DeadLetter,
    ) -> Self {
        Self {
            ground,
            now,
            dead_letter,
            number: counters.next_group,
            counters,
            orders: ByKey::default(),
            numbers: ByKey::default(),
            transactions: ByKey::default(),
            refunds: ByKey::default(),
            owned: Vec::new(),
            account: None,
            chunks: BTreeMap::new(),
            log: Packer::chained(),
            outbox: Packer::plain(),
            row: Vec::new(),
            writes: Writes::new(),
            relay: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Decides one job. [`Job::Close`] is the committer's own.
    pub(super) fn take<'r>(
        &mut self,
        job: Job,
        relay: impl FnOnce() -> MutexGuard<'r, Relay>,
        random: impl FnOnce() -> Result<Random, StoreError>,
    ) {
        let answer = match job {
            Job::Execute(command, reply) => {
                let answer = self.execute(&command, random);
                Answer::Execute(reply, answer)
            }
            Job::Settle(token, settlement, reply) => {
                Answer::Unit(reply, self.settle(&token, settlement, &mut relay()))
            }
            Job::Requeue(id, reply) => Answer::Unit(reply, self.requeue(&id, &mut relay())),
            Job::Notify(record, reply) => {
                let (head, body) = NotifyHead::split(*record);
                let n = self.counters.next_notify;
                self.keep_notify(n, &head, &body);
                Answer::Notify(reply, Ok(NotifyId::Accepted(n)))
            }
            Job::Load(records, reply) => Answer::Unit(reply, self.load(records, &relay())),
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
    ) -> Result<Done, ExecuteError> {
        let key = command.key();
        let order = self.touch(key)?;
        let lookups = Lookups::of(order, command);
        let facts = self.look_up(&key.mch_id, lookups)?;
        let decision = decide(self.order(key), &facts, command, &random()?);
        if let Some(change) = decision.change {
            self.change(change);
        }
        let outcome: Outcome = decision.outcome?;
        let (order, _) = self
            .orders
            .get(key)
            .and_then(|touched| touched.now.clone())
            .expect("a command that is not refused has an order");
        Ok(Done { outcome, order })
    }

    /// The order as the group has it by now.
    pub(super) fn touch(&mut self, key: &OrderKey) -> Result<Option<&Order>, StoreError> {
        if !self.orders.contains_key(key) {
            let Ground { trees, changes, .. } = self.ground;
            let changed = changes
                .orders
                .get(key)
                .and_then(|(order, place)| Some((order.upgrade()?, *place)));
            let now = match changed {
                Some(changed) => Some(changed),
                None => self
                    .ground
                    .locator()
                    .order(trees, key)?
                    .map(|(stored, place)| (Arc::new(stored.order), place)),
            };
            let touched = Touched {
                before: now.as_ref().map(|(order, place)| (Mark::of(order), *place)),
                now,
                changed: false,
            };
            self.orders.insert(key.clone(), touched);
        }
        Ok(self.order(key))
    }

    fn order(&self, key: &OrderKey) -> Option<&Order> {
        let (order, _) = self.orders.get(key)?.now.as_ref()?;
        Some(order)
    }

    /// The log of an order that was touched, as it was before the group. The group before must be on disk.
    pub(super) fn log_before(&self, key: &OrderKey) -> Result<Vec<LogEntry>, StoreError> {
        let before = self
            .orders
            .get(key)
            .and_then(|touched| touched.before.as_ref());
        match before {
            Some((_, place)) => load_log_rows(self.ground.trees, key, place.last_log),
            None => Ok(Vec::new()),
        }
    }

    pub(super) fn look_up(&self, mch_id: &MchId, lookups: Lookups) -> Result<Facts, StoreError> {
        let Ground { trees, changes, .. } = self.ground;
        let mut facts = Facts::default();
        for number in lookups.numbers {
            let key = (mch_id.clone(), number);
            let known = self.numbers.get(&key).or(changes.numbers.get(&key));
            let owner = owner(known, || {
                let locator = self.ground.locator();
                locator.owner_of_number(trees, mch_id, &key.1)
            })?;
            if let Some(owner) = owner {
                facts.number_owners.insert(key.1, owner);
            }
        }
        if let Some(id) = lookups.transaction {
            let known = self.transactions.get(&id);
            facts.transaction_owner = owner(known.or(changes.transactions.get(&id)), || {
                self.ground.locator().owner_of_transaction(trees, &id)
            })?;
        }
        if let Some(number) = lookups.refund {
            let key = (mch_id.clone(), number);
            let known = self.refunds.get(&key).or(changes.refunds.get(&key));
            facts.refund_owner = owner(known, || {
                let locator = self.ground.locator();
                locator.owner_of_refund(trees, mch_id, &key.1)
            })?;
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
        // An order is found by its own number as it is.
        if number != key.out_trade_no {
            let hash = hash_of_number(&key.mch_id, &number);
            self.owned.push((Owned::Number, hash, hash_of_order(key)));
        }
        self.numbers
            .insert((key.mch_id.clone(), number), key.clone());
    }

    pub(super) fn own_transaction(&mut self, key: &OrderKey, id: TransactionId) {
        let hash = hash_of_transaction(&id);
        self.owned
            .push((Owned::Transaction, hash, hash_of_order(key)));
        self.transactions.insert(id, key.clone());
    }

    pub(super) fn own_refund(&mut self, key: &OrderKey, number: OutRefundNo) {
        let hash = hash_of_refund(&key.mch_id, &number);
        self.owned.push((Owned::Refund, hash, hash_of_order(key)));
        self.refunds
            .insert((key.mch_id.clone(), number), key.clone());
    }

    /// Puts an order that was touched, with the rows that its log gets. The last of them has the order in it.
    pub(super) fn put_order(&mut self, order: Order, log: impl IntoIterator<Item = LogEntry>) {
        self.remember(&order);
        let mut touched = self
            .orders
            .remove(&order.key)
            .expect("the order was looked up before it was decided on");
        let mut last = touched.now.take().map(|(_, place)| place.last_log);
        // Without a row of its log, as with a new due time, the order goes where it can be overwritten.
        let mut home = Home::Tree;
        let mut log = log.into_iter().peekable();
        while let Some(entry) = log.next() {
            let wanted = match log.peek() {
                Some(_) => Home::Tree,
                None => Home::Log,
            };
            let found = encode_log(&mut self.row, last, &entry, &order, wanted);
            let (chunk, slot) = self.log.place(self.row.len(), 0);
            self.log.push(&self.row);
            last = Some(self.address(chunk, slot));
            home = found;
        }
        let place = Place {
            last_log: last.expect("an order is made with a row of its log"),
            home,
        };
        touched.changed = true;
        let key = order.key.clone();
        touched.now = Some((Arc::new(order), place));
        self.orders.insert(key, touched);
    }

    /// The folder keeps the names of accounts; they are few.
    fn remember(&mut self, order: &Order) {
        let known = |(mch_id, appid): &(MchId, AppId)| {
            *mch_id == order.key.mch_id && *appid == order.terms.appid
        };
        if self.account.as_ref().is_some_and(known) {
            return;
        }
        let account = (order.key.mch_id.clone(), order.terms.appid.clone());
        self.account = Some(account.clone());
        if !self.counters.accounts.contains(&account) {
            let (mch_id, appid) = &account;
            let name = [mch_id.as_str().as_bytes(), appid.as_str().as_bytes()].join(&0);
            let key = [ACCOUNT_PREFIX, &name].concat();
            self.writes.push((Kind::Meta, key, Some(encode(&account))));
            self.counters.accounts.insert(account);
        }
    }

    pub(super) fn send(&mut self, row: OutboxRow, hold: Hold) {
        let (key, created_at) = (row.key.clone(), row.created_at);
        let mut stored = StoredRow {
            slot: self.outbox.next_slot(),
            row,
            hold,
        };
        encode_into(&mut self.row, &stored);
        let (chunk, slot) = self.outbox.place(self.row.len(), ROW_RESERVE_BYTES);
        if slot != stored.slot {
            // It begins the next value, and the first slot takes no more bytes than the one it had.
            stored.slot = slot;
            encode_into(&mut self.row, &stored);
        }
        self.outbox.push(&self.row);
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

    /// The whole group as writes, and what the next one has to know of it.
    pub(super) fn finish<'r>(
        mut self,
        relay: impl FnOnce() -> MutexGuard<'r, Relay>,
    ) -> (Decided, Changes) {
        let mut moved = Vec::new();
        let mut changes = Changes {
            numbers: self.numbers,
            transactions: self.transactions,
            refunds: self.refunds,
            ..Changes::default()
        };
        for (key, touched) in self.orders {
            let (true, Some((order, place))) = (touched.changed, touched.now) else {
                continue;
            };
            if place.home == Home::Tree {
                for (key, value) in order_parts(&order, place.last_log) {
                    self.writes.push((Kind::Orders, key, Some(value)));
                }
            }
            changes
                .orders
                .insert(key.clone(), (Arc::downgrade(&order), place));
            moved.push(Moved {
                key,
                before: touched.before,
                after: (Mark::of(&order), place),
                _order: order,
            });
        }
        for ((group, chunk), rows) in &self.chunks {
            let value = (!rows.is_empty()).then(|| pack(&rows.iter().map(encode).collect()));
            self.writes
                .push((Kind::Outbox, packed_key(*group, *chunk), value));
        }
        changes.chunks = self.chunks;
        let counters = self.counters;
        for (chunk, rows) in self.log.finish() {
            let key = packed_key(self.number, chunk);
            let value = pack_log(counters.chain, &rows);
            counters.chain = counters.chain.link(&key, &value);
            counters.rows += u64::from(rows.count());
            counters.next_group = self.number + 1;
            self.writes.push((Kind::Log, key, Some(value)));
        }
        for (chunk, rows) in self.outbox.finish() {
            let key = packed_key(self.number, chunk);
            counters.next_group = self.number + 1;
            self.writes.push((Kind::Outbox, key, Some(pack(&rows))));
        }
        if !self.writes.is_empty() {
            changes.number = Some(self.number);
            // The rows of the group before may not be in the relay yet.
            let low = relay().lowest_group().unwrap_or(self.number);
            let low = low.min(self.ground.changes.number.unwrap_or(low));
            counters.write(&mut self.writes, low);
        }
        let decided = Decided {
            writes: self.writes,
            answers: self.answers,
            moved,
            owned: self.owned,
            relay: self.relay,
            tip: counters.tip(),
        };
        (decided, changes)
    }
}

/// Who is known to own something, or is found to.
fn owner(
    known: Option<&OrderKey>,
    find: impl FnOnce() -> Result<Option<Order>, StoreError>,
) -> Result<Option<OrderKey>, StoreError> {
    match known {
        Some(owner) => Ok(Some(owner.clone())),
        None => Ok(find()?.map(|order| order.key)),
    }
}
