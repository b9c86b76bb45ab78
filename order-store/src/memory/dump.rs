//! The ledger as records, and records in.

use async_trait::async_trait;

use super::{MemoryStore, state::State};
use crate::{
    Cursor, Dump, DumpSize, InboxRecord, NotifyId, OrderRecord, OutboxPlace, OutboxRecord,
    RECORDS_MAX, Record, StoreError,
    dump::admit::{check_batch, check_owners, conflict, numbers_of},
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
        check_batch(&records)?;
        let mut fresh = Vec::new();
        for record in records {
            if self.is_new(&record, &fresh)? {
                fresh.push(record);
            }
        }
        for record in fresh {
            match record {
                Record::Order(record) => self.load_order(*record),
                Record::Outbox(record) => self.send(*record),
                Record::Inbox(record) => self.notifies.load(record.n, record.notify),
            }
        }
        Ok(())
    }

    /// Whether the record is to be written; no when the ledger has it as it is.
    fn is_new(&self, record: &Record, before: &[Record]) -> Result<bool, StoreError> {
        match record {
            Record::Order(record) => {
                let key = &record.order.key;
                match self.orders.get(key) {
                    Some(known) if *known == **record => Ok(false),
                    Some(_) => Err(conflict(format!(
                        "order {key}: it is there with other content"
                    ))),
                    None => {
                        let look = |lookups| Ok(self.look_up(&key.mch_id, lookups));
                        check_owners(&record.order, look).map(|()| true)
                    }
                }
            }
            Record::Outbox(record) => {
                let (id, key) = (&record.row.id, &record.row.key);
                match self.outbox_row(id) {
                    Some(known) if *known == **record => return Ok(false),
                    Some(_) => {
                        return Err(conflict(format!(
                            "outbox row {id}: it is there with other content"
                        )));
                    }
                    None => {}
                }
                let in_batch = before.iter().any(
                    |record| matches!(record, Record::Order(record) if record.order.key == *key),
                );
                if in_batch || self.order(key).is_some() {
                    Ok(true)
                } else {
                    Err(conflict(format!("outbox row {id}: its order is not there")))
                }
            }
            Record::Inbox(record) => {
                let n = record.n;
                if self.notifies.is_past(n) {
                    return Err(conflict(format!("notify a{n}: later ones have its place")));
                }
                match self.notifies.get(NotifyId::Accepted(n)) {
                    None => Ok(true),
                    Some(known) if known == record.notify => Ok(false),
                    Some(_) => Err(conflict(format!(
                        "notify a{n}: it is there with other content"
                    ))),
                }
            }
        }
    }

    fn load_order(&mut self, record: OrderRecord) {
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
