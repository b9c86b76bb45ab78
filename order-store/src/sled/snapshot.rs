//! The ledger of one moment, read page by page while the committer goes on.
//!
//! Nothing is copied when a snapshot is taken, but for the addresses of what the outbox holds. A page of it is what the
//! ledger has now, with what was [`kept`](super::kept) since in its place.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use super::{
    Live, Shared, inbox,
    kept::{Before, Kept, lock},
    keys::INBOX_NEXT_KEY,
    place::Address,
    reads::load_log_from,
    record::StoredRow,
    records::{order, page_of_notifies, page_of_rows, size},
    rows::load_at,
    settle::{load_row, row_at, rows_of},
};
use crate::{
    Cursor, DumpSize, InboxRecord, OrderRecord, OutboxPlace, OutboxRecord, RECORDS_MAX, Snapshot,
    StoreError, Timestamp,
};

/// The most bytes that are kept for one snapshot, counted roughly.
const KEPT_MAX_BYTES: usize = 256 << 20;

/// One moment of the ledger.
struct Moment {
    kept: Arc<Mutex<Kept>>,
    /// The rows of the outbox by time.
    rows: Vec<(Timestamp, Address)>,
    /// The number that the next accepted notify was to have.
    next_notify: u64,
    size: DumpSize,
}

impl Moment {
    fn take(shared: &Shared, live: &Live, max_bytes: usize) -> Result<Self, StoreError> {
        let kept = Arc::new(Mutex::new(Kept::new(live.head.group, max_bytes)));
        shared.snapshots.open(&kept);
        let rows = shared.relay().since(Timestamp::from_millis(i64::MIN));
        Ok(Self {
            kept,
            rows,
            next_notify: live.trees.number(INBOX_NEXT_KEY)?.unwrap_or(1),
            size: size(shared, live)?,
        })
    }

    fn kept(&self) -> Result<MutexGuard<'_, Kept>, StoreError> {
        let kept = lock(&self.kept);
        kept.check()?;
        Ok(kept)
    }

    fn orders(
        &self,
        shared: &Shared,
        live: &Live,
        mut after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<OrderRecord>, StoreError> {
        let kept = self.kept()?;
        let limit = limit.min(RECORDS_MAX);
        let mut found = Vec::new();
        while found.len() < limit {
            let page = live.index.behind(after.as_ref(), limit - found.len());
            let Some(last) = page.last() else {
                break;
            };
            after = Some(last.clone());
            for Cursor { key, .. } in &page {
                let (order, place) = match kept.orders.get(key) {
                    None => order(shared, live, key)?,
                    Some(Before::Absent) => continue,
                    Some(Before::InLog(place)) => (load_at(&live.trees, *place)?.order, *place),
                    Some(Before::Whole(order, place)) => ((**order).clone(), *place),
                };
                let log = load_log_from(live, key, place.last_log)?;
                found.push(OrderRecord { order, log });
            }
        }
        Ok(found)
    }

    fn outbox(
        &self,
        live: &Live,
        after: Option<&OutboxPlace>,
        limit: usize,
    ) -> Result<Vec<OutboxRecord>, StoreError> {
        let kept = self.kept()?;
        let from = after.map_or(0, |place| {
            self.rows.partition_point(|(at, _)| *at < place.created_at)
        });
        let load = |address: Address| -> Result<StoredRow, StoreError> {
            match kept.outbox.get(&(address.group, address.chunk)) {
                Some(value) => row_at(rows_of(value)?, address),
                None => load_row(&live.trees, address),
            }
        };
        page_of_rows(self.rows[from..].iter().copied(), load, after, limit)
    }

    fn notifies(
        &self,
        live: &Live,
        after: u64,
        limit: usize,
    ) -> Result<Vec<InboxRecord>, StoreError> {
        let kept = self.kept()?;
        let load = |n| match kept.notifies.get(&inbox::slot(n)) {
            Some(notify) => Ok(notify
                .clone()
                .and_then(|(number, head, body)| (number == n).then_some((head, body)))),
            None => inbox::load(&live.trees, n),
        };
        page_of_notifies(self.next_notify, load, after, limit)
    }
}

/// See [`Snapshot`].
pub(super) struct SledSnapshot {
    shared: Arc<Shared>,
    moment: Arc<Moment>,
}

impl SledSnapshot {
    pub(super) async fn take(shared: &Arc<Shared>) -> Result<Self, StoreError> {
        Self::take_within(shared, KEPT_MAX_BYTES).await
    }

    /// With room for so many bytes of what changes.
    pub(super) async fn take_within(
        shared: &Arc<Shared>,
        max_bytes: usize,
    ) -> Result<Self, StoreError> {
        let moment = shared
            .read_aside(move |shared, live| Moment::take(shared, live, max_bytes))
            .await?;
        Ok(Self {
            shared: Arc::clone(shared),
            moment: Arc::new(moment),
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Moment, &Shared, &Live) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let moment = Arc::clone(&self.moment);
        self.shared
            .read_aside(move |shared, live| look(&moment, shared, live))
            .await
    }
}

#[async_trait]
impl Snapshot for SledSnapshot {
    fn size(&self) -> DumpSize {
        self.moment.size
    }

    async fn orders(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<OrderRecord>, StoreError> {
        self.read(move |moment, shared, live| moment.orders(shared, live, after, limit))
            .await
    }

    async fn outbox(
        &self,
        after: Option<OutboxPlace>,
        limit: usize,
    ) -> Result<Vec<OutboxRecord>, StoreError> {
        self.read(move |moment, _, live| moment.outbox(live, after.as_ref(), limit))
            .await
    }

    async fn inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxRecord>, StoreError> {
        self.read(move |moment, _, live| moment.notifies(live, after, limit))
            .await
    }
}
