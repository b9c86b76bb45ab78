//! The ledger of one moment: a transaction that only reads, and sees what was there when it began.

use async_trait::async_trait;

use super::{
    key::to_i64,
    link::Loan,
    records::{notifies_at, order_place, orders_at, outbox_at, outbox_place, size_at},
    sql::Sql,
};
use crate::{
    Cursor, DumpSize, InboxRecord, OrderRecord, OutboxPlace, OutboxRecord, RECORDS_MAX, Snapshot,
    StoreError,
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
        let size = size_at(&session.query(Sql::DumpSize, &[]).await?)?;
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
        let place = order_place(after.as_ref());
        let limit = to_i64(limit.min(RECORDS_MAX));
        let session = &self.loan.session;
        let rows = session
            .query(Sql::DumpOrders, &[&place.0, &place.1, &place.2, &limit])
            .await?;
        orders_at(&rows)
    }

    async fn outbox(
        &self,
        after: Option<OutboxPlace>,
        limit: usize,
    ) -> Result<Vec<OutboxRecord>, StoreError> {
        let (at, mch_id, number, kind) = outbox_place(after.as_ref());
        let limit = to_i64(limit.min(RECORDS_MAX));
        let session = &self.loan.session;
        let rows = session
            .query(Sql::DumpOutbox, &[&at, &mch_id, &number, &kind, &limit])
            .await?;
        rows.iter().map(|row| outbox_at(row, 0)).collect()
    }

    async fn inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxRecord>, StoreError> {
        let limit = to_i64(limit.min(RECORDS_MAX));
        let session = &self.loan.session;
        let rows = session
            .query(Sql::DumpInbox, &[&to_i64(after), &limit])
            .await?;
        notifies_at(&rows)
    }
}
