//! How records are written: a byte of version, then the [`encoding`].

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    encoding,
    keys::order_key,
    place::{Address, Home},
};
pub(super) use crate::OutboxHold as Hold;
use crate::{LogEntry, Order, OrderKey, OutboxRow, StoreError};

/// The version of values that hold records or pieces of them: the only one so far.
const VERSION: u8 = 1;
/// Records in JSON: read, and written no more.
const JSON_VERSION: u8 = 1;
/// Records in the [`encoding`].
const RECORD_VERSION: u8 = 2;
/// What most records need, so that writing one seldom moves it.
const RECORD_BYTES: usize = 1_000;
/// The most bytes of a value. A leaf of sled's holds up to 16 values and is written whole; one above 128 KiB becomes a
/// file of its own that sled never syncs. So values are small.
pub(super) const VALUE_MAX_BYTES: usize = 5_700;
/// An order that makes its row longer is kept in the tree of orders, where it is overwritten: each row of an order with many
/// refunds would have all of them again.
const ORDER_ROW_MAX_BYTES: usize = 2_000;

/// An order, and where the last row of its log is.
#[derive(Deserialize)]
pub(super) struct StoredOrder {
    pub(super) order: Order,
    pub(super) last_log: Address,
}

/// A [`StoredOrder`] that is written.
#[derive(Serialize)]
struct OrderRow<'a> {
    order: &'a Order,
    last_log: Address,
}

/// A row of the log: what happened, where the order's row before it is, and in most rows the order as it then was.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredLog {
    /// Whose row it is; nothing where the order itself says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<OrderKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prev: Option<Address>,
    pub(super) entry: LogEntry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) order: Option<Order>,
}

impl StoredLog {
    pub(super) fn key(&self) -> Result<&OrderKey, StoreError> {
        self.order
            .as_ref()
            .map(|order| &order.key)
            .or(self.key.as_ref())
            .ok_or_else(|| StoreError::Corrupt {
                what: "a row of the log that is no order's".to_owned(),
            })
    }
}

/// Of a row of the log what finds an order: what happened is passed over.
#[derive(Deserialize)]
pub(super) struct LastLog {
    #[serde(default)]
    pub(super) key: Option<OrderKey>,
    #[serde(default)]
    pub(super) prev: Option<Address>,
    #[serde(default)]
    pub(super) order: Option<Order>,
}

/// A [`StoredLog`] that is written.
#[derive(Serialize)]
pub(super) struct LogRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a OrderKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<Address>,
    entry: &'a LogEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a Order>,
}

/// A row with the order in it, or, when that is too long to be written with every row, without it. It takes the place of what
/// is in `row`.
pub(super) fn encode_log(
    row: &mut Vec<u8>,
    prev: Option<Address>,
    entry: &LogEntry,
    order: &Order,
    home: Home,
) -> Home {
    if home == Home::Log {
        encode_into(
            row,
            &LogRow {
                key: None,
                prev,
                entry,
                order: Some(order),
            },
        );
        if row.len() <= ORDER_ROW_MAX_BYTES {
            return home;
        }
    }
    encode_into(row, &bare(prev, entry, &order.key));
    Home::Tree
}

/// A row without the order in it.
pub(super) fn encode_bare_log(prev: Option<Address>, entry: &LogEntry, key: &OrderKey) -> Vec<u8> {
    encode(&bare(prev, entry, key))
}

fn bare<'a>(prev: Option<Address>, entry: &'a LogEntry, key: &'a OrderKey) -> LogRow<'a> {
    LogRow {
        key: Some(key),
        prev,
        entry,
        order: None,
    }
}

/// A row of the outbox, with what became of its tries.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StoredRow {
    pub(super) slot: u16,
    pub(super) row: OutboxRow,
    #[serde(default, skip_serializing_if = "Hold::is_none")]
    pub(super) hold: Hold,
}

/// A record of the current version.
pub(super) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(RECORD_BYTES);
    encode_into(&mut bytes, record);
    bytes
}

/// The same in the place of what is in `bytes`.
pub(super) fn encode_into<T: Serialize>(bytes: &mut Vec<u8>, record: &T) {
    bytes.clear();
    bytes.push(RECORD_VERSION);
    encoding::to_writer(bytes, record).expect("records have neither floats nor bytes");
}

/// Reads what [`encode`] wrote, in this version or an earlier one; `what` names it for people.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, StoreError> {
    let damaged = |error: &dyn std::error::Error| StoreError::Corrupt {
        what: format!("{what}: {error}"),
    };
    match bytes.split_first() {
        Some((&RECORD_VERSION, record)) => {
            encoding::from_slice(record).map_err(|error| damaged(&error))
        }
        Some((&JSON_VERSION, json)) => {
            serde_json::from_slice(json).map_err(|error| damaged(&error))
        }
        Some((&newer, _)) if newer > RECORD_VERSION => Err(StoreError::NewerFormat {
            found: newer.into(),
            known: RECORD_VERSION.into(),
        }),
        _ => Err(StoreError::Corrupt {
            what: format!("{what} has no version"),
        }),
    }
}

/// What follows the version of a value.
pub(super) fn checked<'a>(bytes: &'a [u8], what: &str) -> Result<&'a [u8], StoreError> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        Some((&newer, _)) if newer > VERSION => Err(StoreError::NewerFormat {
            found: newer.into(),
            known: VERSION.into(),
        }),
        _ => Err(StoreError::Corrupt {
            what: format!("{what} has no version"),
        }),
    }
}

/// An order's record in parts of at most [`VALUE_MAX_BYTES`]. The first says how many there are.
pub(super) fn order_parts(order: &Order, last_log: Address) -> Vec<(Vec<u8>, Vec<u8>)> {
    let bytes = encode(&OrderRow { order, last_log });
    let pieces: Vec<&[u8]> = bytes.chunks(VALUE_MAX_BYTES - 2).collect();
    let count = u8::try_from(pieces.len()).expect("attempts, payments and refunds are bounded");
    (0..count)
        .zip(pieces)
        .map(|(part, piece)| {
            let value = [&[VERSION, count], piece].concat();
            (order_key(&order.key, part), value)
        })
        .collect()
}
