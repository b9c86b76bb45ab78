//! The ledger of one moment: a transaction that only reads, and sees what was there when it began.

use async_trait::async_trait;

use super::{link::Loan, records};
use crate::{
    Cursor, DumpSize, InboxRecord, OrderRecord, OutboxPlace, OutboxRecord, Snapshot, StoreError,
};

/// See [`Snapshot`]. Its connection ends with it, and so does the transaction.
pub(super) struct PostgresSnapshot {
    loan: Loan,
    size: DumpSize,
}

impl PostgresSnapshot {
    pub(super) async fn begin(loan: Loan) -> Result<Self, StoreError> {
        let session = &loan.session;
        session
            .batch("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .await?;
        let size = records::size(session).await?;
        Ok(Self { loan, size })
    }
}

#[async_trait]
impl Snapshot for PostgresSnapshot {
    fn size(&self) -> DumpSize {
        self.size
    }

    async fn orders(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<OrderRecord>, StoreError> {
        records::orders(&self.loan.session, after.as_ref(), limit).await
    }

    async fn outbox(
        &self,
        after: Option<OutboxPlace>,
        limit: usize,
    ) -> Result<Vec<OutboxRecord>, StoreError> {
        records::outbox(&self.loan.session, after.as_ref(), limit).await
    }

    async fn inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxRecord>, StoreError> {
        records::inbox(&self.loan.session, after, limit).await
    }
}
