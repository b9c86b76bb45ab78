//! The folder as records.

use async_trait::async_trait;

use super::{
    Live, Shared, inbox,
    job::Job,
    keys::INBOX_NEXT_KEY,
    reads::load_log_from,
    records::{order, page_of_notifies, page_of_rows, size},
    settle::load_row,
    snapshot::SledSnapshot,
    store::SledStore,
    trees::Trees,
};
use crate::{
    Cursor, Dump, DumpSize, InboxRecord, OrderRecord, OutboxPlace, OutboxRecord, RECORDS_MAX,
    Record, Snapshot, StoreError, Timestamp,
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

fn notifies(trees: &Trees, after: u64, limit: usize) -> Result<Vec<InboxRecord>, StoreError> {
    let next = trees.number(INBOX_NEXT_KEY)?.unwrap_or(1);
    page_of_notifies(next, |n| inbox::load(trees, n), after, limit)
}
