//! The whole ledger, out and in again: what `check`, `export` and `import` share, whatever the backend.
//!
//! A backend gives its records page by page and takes them batch by batch ([`Dump`]); what a dump looks like and what must
//! hold of it is decided here.

pub(crate) mod admit;
mod read;
mod record;
mod text;
mod write;

use async_trait::async_trait;

pub use self::{
    read::{import, verify},
    record::{
        DumpSize, InboxRecord, OrderRecord, OutboxHold, OutboxPlace, OutboxRecord, RECORDS_MAX,
        Record,
    },
    text::{DumpError, DumpSummary, Progress},
    write::export,
};
use crate::{Cursor, OrderStore, StoreError};

/// The ledger as it was at one moment, to be read page by page while the store goes on.
///
/// It is let go of when it is dropped. Until then a store may keep aside what is overwritten: read it through, and drop it.
#[async_trait]
pub trait Snapshot: Send + Sync {
    /// How many records it has, for a progress bar; accepted notifies at most so many.
    fn size(&self) -> DumpSize;

    /// As [`Dump::dump_orders`].
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read, [`StoreError::SnapshotLost`] when too much has changed since.
    async fn orders(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<OrderRecord>, StoreError>;

    /// As [`Dump::dump_outbox`].
    ///
    /// # Errors
    /// As [`Snapshot::orders`].
    async fn outbox(
        &self,
        after: Option<OutboxPlace>,
        limit: usize,
    ) -> Result<Vec<OutboxRecord>, StoreError>;

    /// As [`Dump::dump_inbox`].
    ///
    /// # Errors
    /// As [`Snapshot::orders`].
    async fn inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxRecord>, StoreError>;
}

/// Records out and records in.
///
/// The pages of `dump_…` are of the ledger as it is when each is read, and do not add up to one moment while somebody writes:
/// those of a [`Snapshot`] do.
#[async_trait]
pub trait Dump: OrderStore {
    /// The ledger as it is now. Writers wait for a page of it at the most.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Up to `limit` orders (at most [`RECORDS_MAX`]) behind `after`, oldest first: by `created_at`, then by key. An empty
    /// page is the end.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    async fn dump_orders(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<OrderRecord>, StoreError>;

    /// Up to `limit` rows of the outbox behind `after`, in the order of [`OutboxPlace`]. An empty page is the end.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    async fn dump_outbox(
        &self,
        after: Option<OutboxPlace>,
        limit: usize,
    ) -> Result<Vec<OutboxRecord>, StoreError>;

    /// Up to `limit` accepted notifies with a number above `after`, by number. An empty page is the end.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    async fn dump_inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxRecord>, StoreError>;

    /// How many records there are, for a progress bar.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    async fn dump_size(&self) -> Result<DumpSize, StoreError>;

    /// Writes a batch of at most [`RECORDS_MAX`] records, all or nothing, and answers when it is on disk.
    ///
    /// An order or a row that the store has with the same content is left alone, so that a batch can be loaded again. The
    /// numbers, transactions and refunds of an order get their indexes with it. A row of the outbox comes after its order. A
    /// notify keeps its number, and the next one that comes gets a higher one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the store has a record with other content, or one of an order's numbers, transactions or
    /// refunds belongs to another order; [`StoreError::Unsound`] when an order is not what its log tells, or a row of the
    /// outbox tells something else than its order.
    async fn load(&self, records: Vec<Record>) -> Result<(), StoreError>;
}
