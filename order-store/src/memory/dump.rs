//! The ledger as records, and records in.

use async_trait::async_trait;
use wxpay_core::MchId;

use super::{MemoryStore, state::State};
use crate::{
    Cursor, Dump, DumpSize, Facts, InboxRecord, Lookups, NotifyId, Order, OrderKey, OrderRecord,
    OutboxPlace, OutboxRecord, RECORDS_MAX, Record, StoreError,
    dump::admit::{Holdings, Known, admit, numbers_of},
};

#[async_trait]
impl Dump for MemoryStore {
    async fn dump_orders(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<OrderRecord>, StoreError> {
        self.with(|state| {
            let keys = state.index.behind(after.as_ref(), limit.min(RECORDS_MAX));
            let records = keys.iter().filter_map(|key| state.orders.get(key));
            Ok(records.cloned().collect())
        })
    }

    async fn dump_outbox(
        &self,
        after: Option<OutboxPlace>,
        limit: usize,
    ) -> Result<Vec<OutboxRecord>, StoreError> {
        self.with(|state| {
            let mut found: Vec<&OutboxRecord> = state
                .outbox
                .values()
                .filter(|record| after.as_ref().is_none_or(|after| record.place() > *after))
                .collect();
            found.sort_by_cached_key(|record| record.place());
            found.truncate(limit.min(RECORDS_MAX));
            Ok(found.into_iter().cloned().collect())
        })
    }

    async fn dump_inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxRecord>, StoreError> {
        self.with(|state| {
            let behind = state.notifies.behind(after).take(limit.min(RECORDS_MAX));
            Ok(behind
                .map(|(n, notify)| InboxRecord { n, notify })
                .collect())
        })
    }

    async fn dump_size(&self) -> Result<DumpSize, StoreError> {
        self.with(|state| {
            Ok(DumpSize {
                orders: state.orders.len() as u64,
                outbox: state.outbox.len() as u64,
                inbox: state.notifies.accepted_len() as u64,
            })
        })
    }

    async fn load(&self, records: Vec<Record>) -> Result<(), StoreError> {
        self.with(|state| state.load(records))?;
        self.woken();
        Ok(())
    }
}

impl State {
    fn load(&mut self, records: Vec<Record>) -> Result<(), StoreError> {
        for record in admit(records, self)? {
            match record {
                Record::Order(record) => self.load_order(*record),
                Record::Outbox(record) => self.send(*record),
                Record::Inbox(record) => self.notifies.load(record.n, record.notify),
            }
        }
        Ok(())
    }

    pub(super) fn load_order(&mut self, record: OrderRecord) {
        let OrderRecord { order, log } = record;
        for number in numbers_of(&order) {
            self.own_number(&order.key, number);
        }
        for payment in &order.payments {
            self.own_transaction(&order.key, payment.transaction_id.clone());
        }
        for refund in &order.refunds {
            self.own_refund(&order.key, refund.out_refund_no.clone());
        }
        self.put_order(order, log);
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
