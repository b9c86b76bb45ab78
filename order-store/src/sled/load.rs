//! Records as writes of a group: an import.

use std::collections::HashMap;

use wxpay_core::{MchId, OutRefundNo, OutTradeNo, TransactionId};

use super::{group::Group, inbox, record::StoredRow, relay::Relay, settle::load_row};
use crate::{
    Facts, InboxRecord, LogEntry, Lookups, NotifyHead, Order, OrderKey, OutboxId, OutboxRecord,
    Record, StoreError,
    dump::admit::{Holdings, Known, Take, load},
};

impl Group<'_> {
    /// All of the batch, or an error and nothing of it.
    pub(super) fn load(&mut self, records: Vec<Record>, relay: &Relay) -> Result<(), StoreError> {
        let rows = self.rows_of_orders(&records, relay)?;
        load(records, &mut Loading { group: self, rows })
    }

    /// The rows that the outbox has of the orders that the batch has rows of.
    fn rows_of_orders(
        &self,
        records: &[Record],
        relay: &Relay,
    ) -> Result<HashMap<OutboxId, OutboxRecord>, StoreError> {
        let keys = records.iter().filter_map(|record| match record {
            Record::Outbox(record) => Some(&record.row.key),
            _ => None,
        });
        relay
            .of_orders(keys)
            .into_iter()
            .map(|address| {
                let StoredRow { row, hold, .. } = load_row(self.ground.trees, address)?;
                Ok((row.id.clone(), OutboxRecord { row, hold }))
            })
            .collect()
    }
}

/// The folder, as far as the group has come.
struct Loading<'a, 'b> {
    group: &'a mut Group<'b>,
    rows: HashMap<OutboxId, OutboxRecord>,
}

impl Holdings for Loading<'_, '_> {
    fn known(&mut self, record: &Record) -> Result<Known, StoreError> {
        let trees = self.group.ground.trees;
        Ok(match record {
            Record::Order(record) => {
                let key = &record.order.key;
                match self.group.touch(key)? {
                    None => Known::Absent,
                    Some(order) if *order != record.order => Known::Other,
                    Some(_) => Known::of(Some(&self.group.log_before(key)?), &record.log),
                }
            }
            Record::Outbox(record) => Known::of(self.rows.get(&record.row.id), record),
            Record::Inbox(record) => {
                let kept = inbox::load(trees, record.n)?.map(|(head, body)| head.record(body));
                Known::of(kept.as_ref(), &record.notify)
            }
        })
    }

    fn order(&mut self, key: &OrderKey) -> Result<Option<Order>, StoreError> {
        Ok(self.group.touch(key)?.cloned())
    }

    fn look_up(&mut self, mch_id: &MchId, lookups: Lookups) -> Result<Facts, StoreError> {
        self.group.look_up(mch_id, lookups)
    }

    fn is_past(&mut self, n: u64) -> bool {
        n.saturating_add(inbox::SLOTS) < self.group.next_notify()
    }
}

impl Take for Loading<'_, '_> {
    fn own_number(&mut self, key: &OrderKey, number: OutTradeNo) {
        self.group.own_number(key, number);
    }

    fn own_transaction(&mut self, key: &OrderKey, id: TransactionId) {
        self.group.own_transaction(key, id);
    }

    fn own_refund(&mut self, key: &OrderKey, number: OutRefundNo) {
        self.group.own_refund(key, number);
    }

    fn put_order(&mut self, order: Order, log: Vec<LogEntry>) {
        self.group.put_order(order, log);
    }

    fn send(&mut self, record: OutboxRecord) {
        self.group.send(record.row, record.hold);
    }

    fn keep(&mut self, record: InboxRecord) {
        let (head, body) = NotifyHead::split(record.notify);
        self.group.keep_notify(record.n, &head, &body);
    }
}
