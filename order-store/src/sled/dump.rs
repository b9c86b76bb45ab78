//! The folder as records, and records as writes of a group.

use std::collections::HashMap;

use wxpay_core::MchId;

use super::{
    Live, Shared,
    group::Group,
    inbox,
    reads::load_log,
    record::StoredRow,
    relay::Relay,
    settle::load_row,
    trees::{INBOX_NEXT_KEY, Trees},
};
use crate::{
    Cursor, DumpSize, Facts, InboxRecord, Lookups, NotifyHead, Order, OrderKey, OrderRecord,
    OutboxId, OutboxPlace, OutboxRecord, RECORDS_MAX, Record, StoreError, Timestamp,
    dump::admit::{Holdings, Known, admit, numbers_of},
};

pub(super) fn orders(
    shared: &Shared,
    live: &Live,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<OrderRecord>, StoreError> {
    let keys = live.index.behind(after, limit.min(RECORDS_MAX));
    keys.iter()
        .map(|key| {
            let order = shared
                .order(live, key)?
                .ok_or_else(|| StoreError::Corrupt {
                    what: format!("order {key} is gone"),
                })?;
            let log = load_log(shared, live, key)?;
            Ok(OrderRecord { order, log })
        })
        .collect()
}

pub(super) fn outbox(
    shared: &Shared,
    live: &Live,
    after: Option<&OutboxPlace>,
    limit: usize,
) -> Result<Vec<OutboxRecord>, StoreError> {
    let limit = limit.min(RECORDS_MAX);
    let from = after.map_or(Timestamp::from_millis(i64::MIN), |place| place.created_at);
    let rows = shared.relay().since(from);
    let mut found: Vec<OutboxRecord> = Vec::new();
    for (created_at, address) in rows {
        // Rows of one moment are sorted by their order, which only the row itself tells: all of them are read.
        let full = found.len() >= limit;
        if full
            && found
                .last()
                .is_some_and(|last| last.row.created_at < created_at)
        {
            break;
        }
        let StoredRow { row, hold, .. } = load_row(&live.trees, address)?;
        let record = OutboxRecord { row, hold };
        if after.is_none_or(|after| record.place() > *after) {
            found.push(record);
        }
    }
    found.sort_by_cached_key(OutboxRecord::place);
    found.truncate(limit);
    Ok(found)
}

pub(super) fn notifies(
    trees: &Trees,
    after: u64,
    limit: usize,
) -> Result<Vec<InboxRecord>, StoreError> {
    let next = trees.number(INBOX_NEXT_KEY)?.unwrap_or(1);
    let oldest = next.saturating_sub(inbox::SLOTS).max(1);
    let mut found = Vec::new();
    for n in oldest.max(after.saturating_add(1))..next {
        if found.len() >= limit.min(RECORDS_MAX) {
            break;
        }
        if let Some((head, body)) = inbox::load(trees, n)? {
            let notify = head.record(body);
            found.push(InboxRecord { n, notify });
        }
    }
    Ok(found)
}

pub(super) fn size(shared: &Shared, live: &Live) -> Result<DumpSize, StoreError> {
    let next = live.trees.number(INBOX_NEXT_KEY)?.unwrap_or(1);
    Ok(DumpSize {
        orders: live.index.len() as u64,
        outbox: shared.relay().len() as u64,
        inbox: (next - 1).min(inbox::SLOTS),
    })
}

impl Group<'_> {
    /// All of the batch, or an error and nothing of it.
    pub(super) fn load(&mut self, records: Vec<Record>, relay: &Relay) -> Result<(), StoreError> {
        let rows = self.rows_of_orders(&records, relay)?;
        let fresh = admit(records, &mut Loading { group: self, rows })?;
        for record in fresh {
            match record {
                Record::Order(record) => self.load_order(*record),
                Record::Outbox(record) => self.send(record.row, record.hold),
                Record::Inbox(record) => {
                    let (head, body) = NotifyHead::split(record.notify);
                    self.keep_notify(record.n, &head, &body);
                }
            }
        }
        Ok(())
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
