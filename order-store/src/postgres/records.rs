//! Pages of a dump: of the ledger as it is, asked of the pool, or of one moment, asked of the connection that holds it.

use tokio_postgres::Row;

use super::{
    inbox::record_at,
    key::{column, decode, key_at, to_i64, to_u64},
    link::Pool,
    relay::row_of,
    session::{Params, Session},
    sql::Sql,
};
use crate::{
    Cursor, DumpSize, InboxRecord, LogEntry, OrderRecord, OutboxHold, OutboxPlace, OutboxRecord,
    RECORDS_MAX, StoreError, Timestamp,
};

/// Whoever a page is asked of.
pub(super) trait Asked {
    async fn rows(&self, sql: Sql, params: Params<'_>) -> Result<Vec<Row>, StoreError>;
}

impl Asked for Pool {
    async fn rows(&self, sql: Sql, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        self.query(sql, params).await
    }
}

impl Asked for Session {
    async fn rows(&self, sql: Sql, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        Ok(self.query(sql, params).await?)
    }
}

pub(super) async fn orders(
    asked: &impl Asked,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<OrderRecord>, StoreError> {
    let (at, mch_id, number) = order_place(after);
    let params: Params<'_> = &[&at, &mch_id, &number, &page(limit)];
    orders_at(&asked.rows(Sql::DumpOrders, params).await?)
}

pub(super) async fn outbox(
    asked: &impl Asked,
    after: Option<&OutboxPlace>,
    limit: usize,
) -> Result<Vec<OutboxRecord>, StoreError> {
    let (at, mch_id, number, kind) = outbox_place(after);
    let params: Params<'_> = &[&at, &mch_id, &number, &kind, &page(limit)];
    let rows = asked.rows(Sql::DumpOutbox, params).await?;
    rows.iter().map(|row| outbox_at(row, 0)).collect()
}

pub(super) async fn inbox(
    asked: &impl Asked,
    after: u64,
    limit: usize,
) -> Result<Vec<InboxRecord>, StoreError> {
    let params: Params<'_> = &[&to_i64(after), &page(limit)];
    notifies_at(&asked.rows(Sql::DumpInbox, params).await?)
}

pub(super) async fn size(asked: &impl Asked) -> Result<DumpSize, StoreError> {
    size_at(&asked.rows(Sql::DumpSize, &[]).await?)
}

fn page(limit: usize) -> i64 {
    to_i64(limit.min(RECORDS_MAX))
}

/// What the statement of a page of orders begins behind.
fn order_place(after: Option<&Cursor>) -> (i64, &str, &str) {
    after.map_or((i64::MIN, "", ""), |Cursor { created_at, key }| {
        (
            created_at.millis(),
            key.mch_id.as_str(),
            key.out_trade_no.as_str(),
        )
    })
}

/// Likewise of rows of the outbox.
fn outbox_place(after: Option<&OutboxPlace>) -> (i64, &str, &str, i16) {
    after.map_or((i64::MIN, "", "", 0), |place| {
        (
            place.created_at.millis(),
            place.key.mch_id.as_str(),
            place.key.out_trade_no.as_str(),
            place.kind as i16,
        )
    })
}

/// Orders, each in as many rows as its log has.
fn orders_at(rows: &[Row]) -> Result<Vec<OrderRecord>, StoreError> {
    let mut records: Vec<OrderRecord> = Vec::new();
    for row in rows {
        let key = key_at(row, 0, 1)?;
        let entry: Option<LogEntry> = match column::<Option<&str>>(row, 3)? {
            Some(_) => Some(decode(row, 3)?),
            None => None,
        };
        match records.last_mut() {
            Some(record) if record.order.key == key => record.log.extend(entry),
            _ => records.push(OrderRecord {
                order: decode(row, 2)?,
                log: entry.into_iter().collect(),
            }),
        }
    }
    Ok(records)
}

fn notifies_at(rows: &[Row]) -> Result<Vec<InboxRecord>, StoreError> {
    rows.iter()
        .map(|row| {
            Ok(InboxRecord {
                n: to_u64(column(row, 0)?),
                notify: record_at(row, 1)?,
            })
        })
        .collect()
}

fn size_at(rows: &[Row]) -> Result<DumpSize, StoreError> {
    let row = rows.first().ok_or_else(|| StoreError::Corrupt {
        what: "no counts".to_owned(),
    })?;
    Ok(DumpSize {
        orders: to_u64(column(row, 0)?),
        outbox: to_u64(column(row, 1)?),
        inbox: to_u64(column(row, 2)?),
    })
}

/// A row of the outbox in five columns from here.
pub(super) fn outbox_at(row: &Row, at: usize) -> Result<OutboxRecord, StoreError> {
    let (ready_at, free): (Option<i64>, bool) = (column(row, at)?, column(row, at + 1)?);
    Ok(OutboxRecord {
        row: row_of(row, at + 2)?,
        hold: match ready_at {
            None => OutboxHold::Parked,
            Some(ready_at) if free && ready_at > 0 => {
                OutboxHold::Until(Timestamp::from_millis(ready_at))
            }
            Some(_) => OutboxHold::None,
        },
    })
}
