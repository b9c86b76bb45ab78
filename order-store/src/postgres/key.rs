//! Keys of rows, and what stands in them.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;
use tokio_postgres::{Row, types::FromSql};
use wxpay_core::{MchId, OutTradeNo, TransactionId};

use crate::{OrderKey, StoreError, hash::fnv1a};

/// The first column of a key: one byte of a hash. As sled's, so that a ledger keeps its shards when it moves.
#[allow(
    clippy::cast_possible_truncation,
    reason = "one byte of the hash is what is wanted"
)]
fn shard(parts: [&str; 2]) -> i16 {
    i16::from(fnv1a(parts.map(str::as_bytes)) as u8)
}

pub(super) fn shard_of(key: &OrderKey) -> i16 {
    shard([key.mch_id.as_str(), key.out_trade_no.as_str()])
}

/// Of a number of the merchant's: an attempt's or a refund's.
pub(super) fn shard_of_number(mch_id: &MchId, number: &str) -> i16 {
    shard([mch_id.as_str(), number])
}

pub(super) fn shard_of_transaction(id: &TransactionId) -> i16 {
    shard(["", id.as_str()])
}

/// The place of a key among others, as every statement sorts them.
pub(super) fn place(key: &OrderKey) -> (i16, &str, &str) {
    (
        shard_of(key),
        key.mch_id.as_str(),
        key.out_trade_no.as_str(),
    )
}

pub(super) fn damaged(what: &str, error: &dyn ToString) -> StoreError {
    StoreError::Corrupt {
        what: format!("{what}: {}", error.to_string()),
    }
}

pub(super) fn column<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, StoreError> {
    row.try_get(at).map_err(|error| damaged("a column", &error))
}

/// The key in these two columns.
pub(super) fn key_at(
    row: &Row,
    mch_id: usize,
    out_trade_no: usize,
) -> Result<OrderKey, StoreError> {
    key_of(column(row, mch_id)?, column(row, out_trade_no)?)
}

pub(super) fn key_of(mch_id: &str, out_trade_no: &str) -> Result<OrderKey, StoreError> {
    let bad = |error: &dyn ToString| damaged("a key", error);
    Ok(OrderKey {
        mch_id: mch_id.parse::<MchId>().map_err(|error| bad(&error))?,
        out_trade_no: out_trade_no
            .parse::<OutTradeNo>()
            .map_err(|error| bad(&error))?,
    })
}

/// A record as it stands in its column.
pub(super) fn encode<T: Serialize>(record: &T) -> String {
    serde_json::to_string(record).unwrap_or_else(|_| unreachable!("records have text keys alone"))
}

/// The record in this column.
pub(super) fn decode<T: DeserializeOwned>(row: &Row, at: usize) -> Result<T, StoreError> {
    parse(column(row, at)?)
}

/// What is wrong is told by its kind and place alone: the parser's own words may quote a value.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| {
        let kind = match error.classify() {
            Category::Io | Category::Syntax => "no JSON",
            Category::Data => "a field that does not fit",
            Category::Eof => "cut short",
        };
        damaged("a record", &format!("{kind}, at byte {}", error.column()))
    })
}

/// A count or time as the database has it.
pub(super) fn to_i64(n: impl TryInto<i64>) -> i64 {
    n.try_into().unwrap_or(i64::MAX)
}

/// A count of the database's.
pub(super) fn to_u64(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Order;

    #[test]
    fn a_damaged_record_is_not_quoted() {
        for text in [
            r#"{"key":"hush-hush"}"#,
            r#""hush-hush""#,
            r#"{"hush-hush"#,
            r#"{"key":{"mch_id":"hush-hush"}}"#,
        ] {
            let error = parse::<Order>(text).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("a record: "), "{shown}");
            assert!(!shown.contains("hush"), "{shown}");
        }
    }
}
