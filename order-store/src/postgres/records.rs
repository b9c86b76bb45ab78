//! Records of a dump in rows of a query.

use tokio_postgres::Row;

use super::{
    inbox::record_at,
    key::{column, decode, key_at, to_u64},
    relay::row_of,
};
use crate::{
    Cursor, DumpSize, InboxRecord, OrderRecord, OutboxHold, OutboxPlace, OutboxRecord, StoreError,
    Timestamp,
};

/// What the statement of a page of orders begins behind.
pub(super) fn order_place(after: Option<&Cursor>) -> (i64, &str, &str) {
    after.map_or((i64::MIN, "", ""), |Cursor { created_at, key }| {
        (
            created_at.millis(),
            key.mch_id.as_str(),
            key.out_trade_no.as_str(),
        )
    })
}

/// Likewise of rows of the outbox.
pub(super) fn outbox_place(after: Option<&OutboxPlace>) -> (i64, &str, &str, i16) {
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
pub(super) fn orders_at(rows: &[Row]) -> Result<Vec<OrderRecord>, StoreError> {
    let mut records: Vec<OrderRecord> = Vec::new();
    for row in rows {
        let key = key_at(row, 0, 1)?;
        let entry = decode(row, 3)?;
        match records.last_mut() {
            Some(record) if record.order.key == key => record.log.push(entry),
            _ => records.push(OrderRecord {
                order: decode(row, 2)?,
                log: vec![entry],
            }),
        }
    }
    Ok(records)
}

pub(super) fn notifies_at(rows: &[Row]) -> Result<Vec<InboxRecord>, StoreError> {
    rows.iter()
        .map(|row| {
            Ok(InboxRecord {
                n: to_u64(column(row, 0)?),
                notify: record_at(row, 1)?,
            })
        })
        .collect()
}

pub(super) fn size_at(rows: &[Row]) -> Result<DumpSize, StoreError> {
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
