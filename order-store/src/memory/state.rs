//! What the ledger holds, and its changes.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use wxpay_core::{MchId, OutRefundNo, OutTradeNo, TransactionId};

use super::notifies::Notifies;
use crate::{
    Change, Claim, ClaimToken, Command, ExecuteError, Executed, Facts, LogEntry, Lookups, Order,
    OrderKey, OrderRecord, OutboxHold, OutboxId, OutboxRecord, OutboxRow, OutboxStatus, Random,
    StoreError, Timestamp, decide,
    index::{Index, Mark},
    lease::{Entry, Held, Relay},
    outbox::plain,
};

#[derive(Clone)]
pub(super) struct State {
    pub(super) orders: HashMap<OrderKey, OrderRecord>,
    numbers: HashMap<(MchId, OutTradeNo), OrderKey>,
    transactions: HashMap<TransactionId, OrderKey>,
    refunds: HashMap<(MchId, OutRefundNo), OrderKey>,
    pub(super) index: Index,
    pub(super) outbox: BTreeMap<u64, OutboxRecord>,
    rows: HashMap<OutboxId, u64>,
    relay: Relay<u64>,
    next_row: u64,
    pub(super) notifies: Notifies,
}

impl Default for State {
    fn default() -> Self {
        Self {
            orders: HashMap::new(),
            numbers: HashMap::new(),
            transactions: HashMap::new(),
            refunds: HashMap::new(),
            index: Index::default(),
            outbox: BTreeMap::new(),
            rows: HashMap::new(),
            relay: Relay::new(0),
            next_row: 0,
            notifies: Notifies::default(),
        }
    }
}

impl State {
    pub(super) fn execute(
        &mut self,
        command: &Command,
        random: &Random,
    ) -> Result<Executed, ExecuteError> {
        let key = command.key();
        let lookups = Lookups::of(self.order(key), command);
        let facts = self.look_up(&key.mch_id, lookups);
        let decision = decide(self.order(key), &facts, command, random);
        if let Some(change) = decision.change {
            self.change(change);
        }
        let outcome = decision.outcome?;
        let order = self
            .order(key)
            .expect("a command that is not refused has an order")
            .clone();
        Ok(Executed { outcome, order })
    }

    pub(super) fn look_up(&self, mch_id: &MchId, lookups: Lookups) -> Facts {
        let Lookups {
            numbers,
            transaction,
            refund,
        } = lookups;
        let number_owners = numbers
            .into_iter()
            .filter_map(|number| {
                let owner = self.numbers.get(&(mch_id.clone(), number.clone()))?;
                Some((number, owner.clone()))
            })
            .collect();
        let owner_of_refund =
            |number: OutRefundNo| self.refunds.get(&(mch_id.clone(), number)).cloned();
        Facts {
            number_owners,
            transaction_owner: transaction.and_then(|id| self.transactions.get(&id).cloned()),
            refund_owner: refund.and_then(owner_of_refund),
        }
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
            self.send(OutboxRecord {
                row,
                hold: OutboxHold::None,
            });
        }
    }

    pub(super) fn own_number(&mut self, key: &OrderKey, number: OutTradeNo) {
        self.numbers
            .insert((key.mch_id.clone(), number), key.clone());
    }

    pub(super) fn own_transaction(&mut self, key: &OrderKey, id: TransactionId) {
        self.transactions.insert(id, key.clone());
    }

    pub(super) fn own_refund(&mut self, key: &OrderKey, number: OutRefundNo) {
        self.refunds
            .insert((key.mch_id.clone(), number), key.clone());
    }

    pub(super) fn put_order(&mut self, order: Order, log: impl IntoIterator<Item = LogEntry>) {
        let key = order.key.clone();
        let after = Mark::of(&order);
        let before = if let Some(record) = self.orders.get_mut(&key) {
            let before = Mark::of(&record.order);
            record.order = order;
            record.log.extend(log);
            Some(before)
        } else {
            let log = log.into_iter().collect();
            self.orders.insert(key.clone(), OrderRecord { order, log });
            None
        };
        self.index.change(&key, before.as_ref(), &after);
    }

    pub(super) fn send(&mut self, record: OutboxRecord) {
        let at = self.next_row;
        self.next_row += 1;
        let OutboxRow {
            key,
            created_at,
            id,
            ..
        } = &record.row;
        let entry = Entry::new(key, *created_at, record.hold.into());
        self.relay.add(at, entry);
        self.rows.insert(id.clone(), at);
        self.outbox.insert(at, record);
    }

    pub(super) fn order(&self, key: &OrderKey) -> Option<&Order> {
        self.orders.get(key).map(|record| &record.order)
    }

    pub(super) fn of_number(&self, mch_id: &MchId, number: &OutTradeNo) -> Option<&Order> {
        self.order(self.numbers.get(&(mch_id.clone(), number.clone()))?)
    }

    pub(super) fn of_transaction(&self, id: &TransactionId) -> Option<&Order> {
        self.order(self.transactions.get(id)?)
    }

    pub(super) fn of_refund(&self, mch_id: &MchId, number: &OutRefundNo) -> Option<&Order> {
        self.order(self.refunds.get(&(mch_id.clone(), number.clone()))?)
    }

    pub(super) fn log(&self, key: &OrderKey) -> Vec<LogEntry> {
        let record = self.orders.get(key);
        record.map(|record| record.log.clone()).unwrap_or_default()
    }

    pub(super) fn orders_of(&self, keys: &[OrderKey]) -> Vec<Order> {
        keys.iter()
            .filter_map(|key| self.order(key))
            .cloned()
            .collect()
    }

    pub(super) fn outbox_len(&self) -> usize {
        self.outbox.len()
    }

    pub(super) fn outbox_row(&self, id: &OutboxId) -> Option<&OutboxRecord> {
        self.outbox.get(self.rows.get(id)?)
    }

    pub(super) fn claim(&mut self, now: Timestamp, lease: Duration, limit: usize) -> Vec<Claim> {
        let loans = self.relay.claim(now, lease, limit);
        loans
            .into_iter()
            .filter_map(|loan| {
                let row = self.outbox.get(&loan.address)?.row.clone();
                let token = ClaimToken {
                    id: row.id.clone(),
                    address: loan.address.into(),
                    fence: loan.fence,
                };
                Some(Claim {
                    row,
                    token,
                    until: loan.until,
                })
            })
            .collect()
    }

    /// The row that this token still holds.
    fn settle(&mut self, token: &ClaimToken) -> Result<u64, StoreError> {
        u64::try_from(token.address)
            .ok()
            .filter(|at| self.relay.settle(*at, token.fence))
            .ok_or_else(|| StoreError::LeaseLost {
                id: token.id.clone(),
            })
    }

    pub(super) fn ack(&mut self, token: &ClaimToken) -> Result<(), StoreError> {
        let at = self.settle(token)?;
        self.relay.remove(at);
        self.outbox.remove(&at);
        self.rows.remove(&token.id);
        Ok(())
    }

    /// Counts a failed try and holds the row as `hold` says of the number of tries.
    pub(super) fn fail(
        &mut self,
        token: &ClaimToken,
        reason: &str,
        hold: impl FnOnce(u32) -> OutboxHold,
    ) -> Result<(), StoreError> {
        let at = self.settle(token)?;
        if let Some(record) = self.outbox.get_mut(&at) {
            record.row.attempts = record.row.attempts.saturating_add(1);
            record.row.last_error = Some(plain(reason));
            record.hold = hold(record.row.attempts);
            self.relay.set(at, record.hold.into());
        }
        Ok(())
    }

    pub(super) fn requeue(&mut self, id: &OutboxId) -> Result<(), StoreError> {
        let held: Vec<u64> = self.relay.held(Held::ParkedOrPutOff).collect();
        let at = self.rows.get(id).filter(|at| held.contains(at)).copied();
        let Some((at, record)) = at.and_then(|at| Some((at, self.outbox.get_mut(&at)?))) else {
            return Err(StoreError::NoSuchRow { id: id.clone() });
        };
        record.row.attempts = 0;
        record.row.last_error = None;
        record.hold = OutboxHold::None;
        self.relay.set(at, OutboxHold::None.into());
        Ok(())
    }

    pub(super) fn held(&self, what: Held, limit: usize) -> Vec<OutboxRow> {
        self.relay
            .held(what)
            .take(limit)
            .filter_map(|at| Some(self.outbox.get(&at)?.row.clone()))
            .collect()
    }

    pub(super) fn outbox_status(&self, now: Timestamp) -> OutboxStatus {
        self.relay.status(now)
    }
}
