//! The kinds of records, each with a tree of its own, and the keys in them.

use crate::{OrderKey, StoreError, hash::fnv1a};

/// One tree for each kind of record; in this order they go into every transaction. Folders that format 2 began have records in
/// the trees of attempts, transactions and refunds, which are read no more: [`locate`](super::locate) knows these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Meta,
    Orders,
    Attempts,
    Transactions,
    Refunds,
    Log,
    Outbox,
    Inbox,
}

/// How many kinds there are.
pub(super) const KINDS: usize = 8;

impl Kind {
    /// In the order of the trees.
    pub(super) const ALL: [Self; KINDS] = [
        Self::Meta,
        Self::Orders,
        Self::Attempts,
        Self::Transactions,
        Self::Refunds,
        Self::Log,
        Self::Outbox,
        Self::Inbox,
    ];

    /// The name of its tree.
    pub(super) const fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

const NAMES: [&str; KINDS] = [
    "meta",
    "orders",
    "attempts",
    "transactions",
    "refunds",
    "log",
    "outbox",
    "inbox",
];

/// The format of the folder.
pub(super) const FORMAT_KEY: &[u8] = b"format";
/// The [`Head`].
pub(super) const HEAD_KEY: &[u8] = b"head";
/// The lowest group that may hold rows of the outbox.
pub(super) const OUTBOX_LOW_KEY: &[u8] = b"outbox_low";
/// The number of the next accepted notify.
pub(super) const INBOX_NEXT_KEY: &[u8] = b"inbox_next";
/// What leads the key of an account.
pub(super) const ACCOUNT_PREFIX: &[u8] = b"account\0";

#[allow(
    clippy::cast_possible_truncation,
    reason = "one byte of the hash is what is wanted"
)]
fn shard(parts: [&[u8]; 2]) -> u8 {
    fnv1a(parts) as u8
}

fn sharded(parts: [&[u8]; 2]) -> Vec<u8> {
    let mut key = Vec::with_capacity(4 + parts[0].len() + parts[1].len());
    key.push(shard(parts));
    key.extend_from_slice(parts[0]);
    key.push(0);
    key.extend_from_slice(parts[1]);
    key
}

/// The key of one part of an order's record.
pub(super) fn order_key(key: &OrderKey, part: u8) -> Vec<u8> {
    let mut bytes = sharded([
        key.mch_id.as_str().as_bytes(),
        key.out_trade_no.as_str().as_bytes(),
    ]);
    bytes.extend_from_slice(&[0, part]);
    bytes
}

/// The key of a packed value of the log or the outbox.
pub(super) fn packed_key(group: u64, chunk: u16) -> Vec<u8> {
    let mut key = group.to_be_bytes().to_vec();
    key.extend_from_slice(&chunk.to_be_bytes());
    key
}

/// The group and chunk that [`packed_key`] was made of.
pub(super) fn parse_packed_key(key: &[u8]) -> Result<(u64, u16), StoreError> {
    let (group, chunk) = key.split_at_checked(8).unwrap_or_default();
    match (group.try_into(), chunk.try_into()) {
        (Ok(group), Ok(chunk)) => Ok((u64::from_be_bytes(group), u16::from_be_bytes(chunk))),
        _ => Err(StoreError::Corrupt {
            what: format!("packed key {}", key.escape_ascii()),
        }),
    }
}
