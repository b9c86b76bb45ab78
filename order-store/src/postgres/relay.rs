//! The outbox as it stands: its rows, who has them, and what an operator does with them.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::Row;

use super::{
    key::{column, damaged, decode, key_of, shard_of, to_i64},
    link::Pool,
    options::LeaseClock,
    sql::Sql,
    wake::now_of,
};
use crate::{
    OrderKey, OutboxId, OutboxRow, OutboxStatus, PAGE_MAX, RelayId, StoreError, Timestamp,
    outbox::plain,
};

/// How far the rows of each kind are counted: readiness wants to know of 10 000.
const STATUS_MAX: i64 = 20_000;
/// How long closing may wait for a database that is away.
const RELEASE_LIMIT: Duration = Duration::from_secs(2);

/// Who has a row on loan: the relay, for people to read, and behind it the store that gave the loan.
pub(super) fn owner(relay: &RelayId, store: &str) -> String {
    format!("{} {store}", plain(relay.as_str()))
}

/// Ends the loans that a store gave and that were not settled. Where that fails they end with their leases.
pub(super) async fn release(pool: &Pool, store: &str) {
    let released = timeout(RELEASE_LIMIT, pool.query(Sql::Release, &[&store])).await;
    if !matches!(released, Ok(Ok(_))) {
        tracing::debug!("loans end with their leases");
    }
}

/// A row with its tries, in three columns from here.
pub(super) fn row_of(row: &Row, at: usize) -> Result<OutboxRow, StoreError> {
    let mut found: OutboxRow = decode(row, at + 2)?;
    found.attempts = u32::try_from(column::<i64>(row, at)?).unwrap_or(u32::MAX);
    found.last_error = column(row, at + 1)?;
    Ok(found)
}

/// The order that a row's name begins with.
pub(super) fn key_in(id: &OutboxId) -> Option<OrderKey> {
    // A merchant's number may have slashes of its own: it is what is left.
    let mut from_the_end = id.as_str().rsplitn(4, '/').skip(2);
    let number = from_the_end.next()?;
    key_of(from_the_end.next()?, number).ok()
}

pub(super) async fn parked(pool: &Pool, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
    let rows = pool
        .query(Sql::Parked, &[&to_i64(limit.min(PAGE_MAX))])
        .await?;
    rows.iter().map(|row| row_of(row, 0)).collect()
}

pub(super) async fn requeue(pool: &Pool, id: &OutboxId) -> Result<(), StoreError> {
    let missing = || StoreError::NoSuchRow { id: id.clone() };
    let key = key_in(id).ok_or_else(missing)?;
    let shard = shard_of(&key);
    let (mch_id, number) = (key.mch_id.as_str(), key.out_trade_no.as_str());
    let rows = pool
        .query(Sql::HeldBack, &[&shard, &mch_id, &number])
        .await?;
    let mut held_back = false;
    for row in &rows {
        held_back |= column::<&str>(row, 0)? == id.as_str() && column(row, 1)?;
    }
    if !held_back {
        return Err(missing());
    }
    // It was held back a moment ago. A repeat that finds it free finds what the try without an answer has done, or someone else.
    pool.query(Sql::Requeue, &[&shard, &mch_id, &number, &id.as_str()])
        .await
        .map(drop)
}

pub(super) async fn status(pool: &Pool, clock: &LeaseClock) -> Result<OutboxStatus, StoreError> {
    let rows = pool
        .query(Sql::OutboxStatus, &[&now_of(clock), &STATUS_MAX])
        .await?;
    let row = rows
        .first()
        .ok_or_else(|| damaged("the outbox", &"no counts"))?;
    let count = |at| -> Result<usize, StoreError> {
        Ok(usize::try_from(column::<i64>(row, at)?).unwrap_or(0))
    };
    let time = |at| -> Result<Option<Timestamp>, StoreError> {
        Ok(column::<Option<i64>>(row, at)?.map(Timestamp::from_millis))
    };
    Ok(OutboxStatus {
        waiting: count(0)?,
        put_off: count(1)?,
        leased: count(2)?,
        parked: count(3)?,
        oldest: time(4)?,
        next_retry: time(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutboxKind;

    #[test]
    fn the_order_is_found_in_a_rows_name() {
        for (mch_id, number) in [
            ("1473426802", "order-1"),
            ("a/b", "o"),
            ("/", "paid"),
            ("paid/x/", "o_1"),
        ] {
            let key = OrderKey {
                mch_id: mch_id.parse().unwrap(),
                out_trade_no: number.parse().unwrap(),
            };
            assert_eq!(
                key_in(&OutboxId::paid(&key, OutboxKind::OrderPay)),
                Some(key)
            );
        }
        for none in ["", "a", "a/b", "a/b/c", "///"] {
            assert_eq!(key_in(&OutboxId::from_text(none)), None, "{none}");
        }
    }
}
