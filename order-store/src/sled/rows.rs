//! Reading rows of the log, and the orders in them.

use serde::de::DeserializeOwned;

use super::{
    keys::{Kind, order_key},
    place::{Address, Home, Place},
    record::{LastLog, StoredLog, StoredOrder, checked, decode},
    trees::Trees,
};
use crate::{LogEntry, OrderKey, StoreError};

/// A row of some order's log.
fn load_row(trees: &Trees, at: Address) -> Result<StoredLog, StoreError> {
    read_row(trees, at, |row: &StoredLog| row.prev)
}

fn read_row<T: DeserializeOwned>(
    trees: &Trees,
    at: Address,
    prev: impl FnOnce(&T) -> Option<Address>,
) -> Result<T, StoreError> {
    let rows = trees.log(at.group, at.chunk)?.ok_or_else(|| no_row(at))?;
    let row = rows.get(at.slot)?.ok_or_else(|| no_row(at))?;
    let stored: T = decode(row, "row of the log")?;
    // Each row is behind the one before it, so a damaged chain cannot go round for ever.
    if prev(&stored).is_some_and(|prev| prev >= at) {
        return Err(no_row(at));
    }
    Ok(stored)
}

fn no_row(at: Address) -> StoreError {
    StoreError::Corrupt {
        what: format!("row {at:?} of the log"),
    }
}

/// The order that a place has.
pub(super) fn load_at(trees: &Trees, place: Place) -> Result<StoredOrder, StoreError> {
    let at = place.last_log;
    let row = read_row(trees, at, |row: &LastLog| row.prev)?;
    match (place.home, row.order) {
        (Home::Log, Some(order)) => Ok(StoredOrder {
            order,
            last_log: at,
        }),
        (Home::Log, None) => Err(no_row(at)),
        (Home::Tree, order) => {
            let key = order.map(|order| order.key).or(row.key);
            let key = key.ok_or_else(|| no_row(at))?;
            load_record(trees, &key)?
                .filter(|stored| stored.last_log == at)
                .ok_or_else(|| StoreError::Corrupt {
                    what: format!("order {key} is not that of the last row of its log"),
                })
        }
    }
}

/// Reads an order's record; `first` is the value of its first part.
pub(super) fn join_order(
    trees: &Trees,
    key: &[u8],
    first: &[u8],
) -> Result<StoredOrder, StoreError> {
    let what = || format!("order {}", key.escape_ascii());
    let damaged = || StoreError::Corrupt { what: what() };
    let (&count, piece) = checked(first, &what())?.split_first().ok_or_else(damaged)?;
    let mut bytes = piece.to_vec();
    let mut key = key.to_vec();
    for part in 1..count {
        *key.last_mut().ok_or_else(damaged)? = part;
        let value = trees.get(Kind::Orders, &key)?.ok_or_else(damaged)?;
        bytes.extend_from_slice(value.get(2..).ok_or_else(damaged)?);
    }
    decode(&bytes, &what())
}

/// Reads an order's record in the tree of orders by its key.
pub(super) fn load_record(
    trees: &Trees,
    key: &OrderKey,
) -> Result<Option<StoredOrder>, StoreError> {
    let bytes = order_key(key, 0);
    match trees.get(Kind::Orders, &bytes)? {
        Some(first) => join_order(trees, &bytes, &first).map(Some),
        None => Ok(None),
    }
}

/// The log that ends with this row, as its rows have it: for the committer, which has no head while a group is in the making.
pub(super) fn load_log_rows(
    trees: &Trees,
    key: &OrderKey,
    last: Address,
) -> Result<Vec<LogEntry>, StoreError> {
    read_log(trees, key, last, |_| Ok(()))
}

pub(super) fn read_log(
    trees: &Trees,
    key: &OrderKey,
    last: Address,
    check: impl Fn(Address) -> Result<(), StoreError>,
) -> Result<Vec<LogEntry>, StoreError> {
    let mut entries = Vec::new();
    let mut next = Some(last);
    while let Some(at) = next {
        let stored = load_row(trees, at)?;
        if stored.key()? != key {
            return Err(no_row(at));
        }
        check(at)?;
        entries.push(stored.entry);
        next = stored.prev;
    }
    entries.reverse();
    Ok(entries)
}
