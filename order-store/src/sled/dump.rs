//! The folder as records, and records as writes of a group.

use std::collections::HashMap;

use super::{
    Live, Shared,
    group::Group,
    inbox,
    reads::{load, load_log},
    record::StoredRow,
    relay::Relay,
    settle::load_row,
    trees::{INBOX_NEXT_KEY, Trees},
};
use crate::{
    Cursor, DumpSize, InboxRecord, NotifyHead, OrderRecord, OutboxId, OutboxPlace, OutboxRecord,
    RECORDS_MAX, Record, StoreError, Timestamp,
    dump::admit::{check_batch, check_owners, conflict, numbers_of},
};

pub(super) fn orders(
    live: &Live,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<OrderRecord>, StoreError> {
    let keys = live.index.behind(after, limit.min(RECORDS_MAX));
    keys.iter()
        .map(|key| {
            let order = load(&live.trees, key)?.ok_or_else(|| StoreError::Corrupt {
                what: format!("order {key} is gone"),
            })?;
            let log = load_log(&live.trees, key)?;
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
        check_batch(&records)?;
        let mut fresh = Vec::new();
        let held = self.held_rows(&records, relay)?;
        for record in records {
            if self.is_new(&record, &held, &fresh)? {
                fresh.push(record);
            }
        }
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

    /// The rows of the outbox that are of the orders that the batch has rows of.
    fn held_rows(
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
                let StoredRow { row, hold, .. } = load_row(self.trees, address)?;
                Ok((row.id.clone(), OutboxRecord { row, hold }))
            })
            .collect()
    }

    /// Whether the record is to be written; no when the store has it as it is.
    fn is_new(
        &mut self,
        record: &Record,
        held: &HashMap<OutboxId, OutboxRecord>,
        before: &[Record],
    ) -> Result<bool, StoreError> {
        match record {
            Record::Order(record) => {
                let key = &record.order.key;
                if let Some(known) = self.touch(key)? {
                    let same = *known == record.order && load_log(self.trees, key)? == record.log;
                    return if same {
                        Ok(false)
                    } else {
                        Err(conflict(format!(
                            "order {key}: it is there with other content"
                        )))
                    };
                }
                check_owners(&record.order, |lookups| self.look_up(&key.mch_id, lookups))?;
                Ok(true)
            }
            Record::Outbox(record) => {
                let id = &record.row.id;
                let key = &record.row.key;
                match held.get(id) {
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
                if in_batch || self.touch(key)?.is_some() {
                    Ok(true)
                } else {
                    Err(conflict(format!("outbox row {id}: its order is not there")))
                }
            }
            Record::Inbox(record) => {
                let n = record.n;
                if n == 0 || n.saturating_add(inbox::SLOTS) < self.next_notify() {
                    return Err(conflict(format!("notify a{n}: later ones have its place")));
                }
                match inbox::load(self.trees, n)? {
                    None => Ok(true),
                    Some((head, body)) if head.clone().record(body.clone()) == record.notify => {
                        Ok(false)
                    }
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
