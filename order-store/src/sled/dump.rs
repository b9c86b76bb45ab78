//! The folder as records.

use async_trait::async_trait;

use super::{
    Live, Shared, inbox,
    job::Job,
    locate::Place,
    reads::load_log_from,
    record::{Address, StoredRow},
    settle::load_row,
    snapshot::SledSnapshot,
    store::SledStore,
    trees::{INBOX_NEXT_KEY, Trees},
};
use crate::{
    Cursor, Dump, DumpSize, InboxRecord, NotifyHead, Order, OrderKey, OrderRecord, OutboxPlace,
    OutboxRecord, RECORDS_MAX, Record, Snapshot, StoreError, Timestamp,
};

#[async_trait]
impl Dump for SledStore {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(SledSnapshot::take(&self.shared).await?))
    }

    async fn dump_orders(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<OrderRecord>, StoreError> {
        self.shared
            .read_aside(move |shared, live| orders(shared, live, after.as_ref(), limit))
            .await
    }

    async fn dump_outbox(
        &self,
        after: Option<OutboxPlace>,
        limit: usize,
    ) -> Result<Vec<OutboxRecord>, StoreError> {
        self.shared
            .read_aside(move |shared, live| outbox(shared, live, after.as_ref(), limit))
            .await
    }

    async fn dump_inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxRecord>, StoreError> {
        self.shared
            .read_aside(move |_, live| notifies(&live.trees, after, limit))
            .await
    }

    async fn dump_size(&self) -> Result<DumpSize, StoreError> {
        self.shared.read_aside(size).await
    }

    async fn load(&self, records: Vec<Record>) -> Result<(), StoreError> {
        self.ask(|reply| Job::Load(records, reply)).await?
    }
}

/// An order that the index has, so the ledger must have it too.
pub(super) fn order(
    shared: &Shared,
    live: &Live,
    key: &OrderKey,
) -> Result<(Order, Place), StoreError> {
    let found = shared.locator().order(&live.trees, key)?;
    let (stored, place) = found.ok_or_else(|| StoreError::Corrupt {
        what: format!("order {key} is gone"),
    })?;
    Ok((stored.order, place))
}

fn orders(
    shared: &Shared,
    live: &Live,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<OrderRecord>, StoreError> {
    let page = live.index.behind(after, limit.min(RECORDS_MAX));
    page.iter()
        .map(|Cursor { key, .. }| {
            let (order, place) = order(shared, live, key)?;
            let log = load_log_from(live, key, place.last_log)?;
            Ok(OrderRecord { order, log })
        })
        .collect()
}

fn outbox(
    shared: &Shared,
    live: &Live,
    after: Option<&OutboxPlace>,
    limit: usize,
) -> Result<Vec<OutboxRecord>, StoreError> {
    let from = after.map_or(Timestamp::from_millis(i64::MIN), |place| place.created_at);
    let rows = shared.relay().since(from);
    let load = |address| load_row(&live.trees, address);
    page_of_rows(rows.into_iter(), load, after, limit)
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

fn notifies(trees: &Trees, after: u64, limit: usize) -> Result<Vec<InboxRecord>, StoreError> {
    let next = trees.number(INBOX_NEXT_KEY)?.unwrap_or(1);
    page_of_notifies(next, |n| inbox::load(trees, n), after, limit)
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
