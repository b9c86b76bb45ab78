//! The ledger as records, and records in.

use async_trait::async_trait;
use wxpay_core::{MchId, OutRefundNo, OutTradeNo, TransactionId};

use super::{MemoryStore, state::State};
use crate::{
    Cursor, Dump, DumpSize, Facts, InboxRecord, LogEntry, Lookups, NotifyId, Order, OrderKey,
    OrderRecord, OutboxPlace, OutboxRecord, RECORDS_MAX, Record, Snapshot, StoreError,
    dump::admit::{Holdings, Known, Take, load},
};

#[async_trait]
impl Dump for MemoryStore {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.with(|state| Ok(Box::new(state.clone()) as Box<dyn Snapshot>))
    }

    async fn dump_orders(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<OrderRecord>, StoreError> {
        self.with(|state| Ok(state.page_of_orders(after.as_ref(), limit)))
    }

    async fn dump_outbox(
        &self,
        after: Option<OutboxPlace>,
        limit: usize,
    ) -> Result<Vec<OutboxRecord>, StoreError> {
        self.with(|state| Ok(state.page_of_rows(after.as_ref(), limit)))
    }

    async fn dump_inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxRecord>, StoreError> {
        self.with(|state| Ok(state.page_of_notifies(after, limit)))
    }

    async fn dump_size(&self) -> Result<DumpSize, StoreError> {
        self.with(|state| Ok(state.size()))
    }

    async fn load(&self, records: Vec<Record>) -> Result<(), StoreError> {
        self.with(|state| load(records, state))?;
        self.woken();
        Ok(())
    }
}

/// A copy of everything: there is little in a test's ledger.
#[async_trait]
impl Snapshot for State {
    fn size(&self) -> DumpSize {
        Self::size(self)
    }

    async fn orders(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<OrderRecord>, StoreError> {
        Ok(self.page_of_orders(after.as_ref(), limit))
    }

    async fn outbox(
        &self,
        after: Option<OutboxPlace>,
        limit: usize,
    ) -> Result<Vec<OutboxRecord>, StoreError> {
        Ok(self.page_of_rows(after.as_ref(), limit))
    }

    async fn inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxRecord>, StoreError> {
        Ok(self.page_of_notifies(after, limit))
    }
}

impl State {
    fn page_of_orders(&self, after: Option<&Cursor>, limit: usize) -> Vec<OrderRecord> {
        let page = self.index.behind(after, limit.min(RECORDS_MAX));
        let records = page.iter().filter_map(|place| self.orders.get(&place.key));
        records.cloned().collect()
    }

    fn page_of_rows(&self, after: Option<&OutboxPlace>, limit: usize) -> Vec<OutboxRecord> {
        let mut found: Vec<&OutboxRecord> = self
            .outbox
            .values()
            .filter(|record| after.is_none_or(|after| record.place() > *after))
            .collect();
        found.sort_by_cached_key(|record| record.place());
        found.truncate(limit.min(RECORDS_MAX));
        found.into_iter().cloned().collect()
    }

    fn page_of_notifies(&self, after: u64, limit: usize) -> Vec<InboxRecord> {
        let behind = self.notifies.behind(after).take(limit.min(RECORDS_MAX));
        behind
            .map(|(n, notify)| InboxRecord { n, notify })
            .collect()
    }

    fn size(&self) -> DumpSize {
        DumpSize {
            orders: self.orders.len() as u64,
            outbox: self.outbox.len() as u64,
            inbox: self.notifies.accepted_len() as u64,
        }
    }
}

impl Take for State {
    fn own_number(&mut self, key: &OrderKey, number: OutTradeNo) {
        Self::own_number(self, key, number);
    }

    fn own_transaction(&mut self, key: &OrderKey, id: TransactionId) {
        Self::own_transaction(self, key, id);
    }

    fn own_refund(&mut self, key: &OrderKey, number: OutRefundNo) {
        Self::own_refund(self, key, number);
    }

    fn put_order(&mut self, order: Order, log: Vec<LogEntry>) {
        Self::put_order(self, order, log);
    }

    fn send(&mut self, record: OutboxRecord) {
        Self::send(self, record);
    }

    fn keep(&mut self, record: InboxRecord) {
        self.notifies.load(record.n, record.notify);
    }
}

impl Holdings for State {
    fn known(&mut self, record: &Record) -> Result<Known, StoreError> {
        Ok(match record {
            Record::Order(record) => Known::of(self.orders.get(&record.order.key), record),
            Record::Outbox(record) => Known::of(self.outbox_row(&record.row.id), record),
            Record::Inbox(record) => {
                let kept = self.notifies.get(NotifyId::Accepted(record.n));
                Known::of(kept.as_ref(), &record.notify)
            }
        })
    }

    fn order(&mut self, key: &OrderKey) -> Result<Option<Order>, StoreError> {
        Ok(Self::order(self, key).cloned())
    }

    fn look_up(&mut self, mch_id: &MchId, lookups: Lookups) -> Result<Facts, StoreError> {
        Ok(Self::look_up(self, mch_id, lookups))
    }

    fn is_past(&mut self, n: u64) -> bool {
        self.notifies.is_past(n)
    }
}
