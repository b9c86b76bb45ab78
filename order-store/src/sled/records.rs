//! Pages of a dump, of the ledger as it is or as it was.

use super::{
    Live, Shared, inbox,
    keys::INBOX_NEXT_KEY,
    place::{Address, Place},
    record::StoredRow,
};
use crate::{
    DumpSize, InboxRecord, NotifyHead, Order, OrderKey, OutboxPlace, OutboxRecord, RECORDS_MAX,
    StoreError, Timestamp,
};

/// An order that the index has, so the ledger must have it too.
pub(super) fn order(
    shared: &Shared,
    live: &Live,
    key: &OrderKey,
) -> Result<(Order, Place), StoreError> {
    shared.find(live, key)?.ok_or_else(|| StoreError::Corrupt {
        what: format!("order {key} is gone"),
    })
}

/// A page of rows that come by time, the first of them no later than `after`.
pub(super) fn page_of_rows(
    rows: impl Iterator<Item = (Timestamp, Address)>,
    load: impl Fn(Address) -> Result<StoredRow, StoreError>,
    after: Option<&OutboxPlace>,
    limit: usize,
) -> Result<Vec<OutboxRecord>, StoreError> {
    let limit = limit.min(RECORDS_MAX);
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
        let StoredRow { row, hold, .. } = load(address)?;
        let record = OutboxRecord { row, hold };
        if after.is_none_or(|after| record.place() > *after) {
            found.push(record);
        }
    }
    found.sort_by_cached_key(OutboxRecord::place);
    found.truncate(limit);
    Ok(found)
}

/// A page of notifies before the `next`.
pub(super) fn page_of_notifies(
    next: u64,
    load: impl Fn(u64) -> Result<Option<(NotifyHead, Vec<u8>)>, StoreError>,
    after: u64,
    limit: usize,
) -> Result<Vec<InboxRecord>, StoreError> {
    let oldest = next.saturating_sub(inbox::SLOTS).max(1);
    let mut found = Vec::new();
    for n in oldest.max(after.saturating_add(1))..next {
        if found.len() >= limit.min(RECORDS_MAX) {
            break;
        }
        if let Some((head, body)) = load(n)? {
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
