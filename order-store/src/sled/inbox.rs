//! Accepted notifies: a ring of slots in the ledger, overwritten and never removed.

use super::{
    keys::Kind,
    record::{VALUE_MAX_BYTES, checked},
    trees::{Trees, Writes},
};
use crate::{ACCEPTED_MAX_BYTES, ACCEPTED_MAX_COUNT, NotifyHead, StoreError};

/// How many are kept.
pub(super) const SLOTS: u64 = ACCEPTED_MAX_COUNT;

const VERSION: u8 = 1;
/// Version, number of the notify, number of chunks, length of the head.
const FIRST_HEAD_BYTES: usize = 12;
/// Version, number of the notify, number of the chunk.
const NEXT_HEAD_BYTES: usize = 10;
const _: () = assert!(ACCEPTED_MAX_BYTES / (VALUE_MAX_BYTES - NEXT_HEAD_BYTES) < 64);

fn key(n: u64, chunk: u8) -> Vec<u8> {
    let mut key = (n % SLOTS).to_be_bytes().to_vec();
    key.push(chunk);
    key
}

/// What the `n`-th accepted notify is found by, as long as no later one has its slot.
pub(super) fn slot(n: u64) -> Vec<u8> {
    key(n, 0)
}

/// Whether this is where a notify begins.
pub(super) fn is_first(key: &[u8]) -> bool {
    key.last() == Some(&0)
}

/// The notify in this slot, with its number.
pub(super) fn in_slot(
    trees: &Trees,
    slot: &[u8],
) -> Result<Option<(u64, NotifyHead, Vec<u8>)>, StoreError> {
    let Some(value) = trees.get(Kind::Inbox, slot)? else {
        return Ok(None);
    };
    let number = checked(&value, "accepted notify")?
        .first_chunk()
        .ok_or_else(|| StoreError::Corrupt {
            what: format!("accepted notify in slot {}", slot.escape_ascii()),
        })?;
    let n = u64::from_be_bytes(*number);
    Ok(load(trees, n)?.map(|(head, body)| (n, head, body)))
}

/// What keeps the `n`-th accepted notify.
pub(super) fn writes(n: u64, head: &NotifyHead, body: &[u8]) -> Writes {
    let head = serde_json::to_vec(head).expect("a head has string keys");
    let head_bytes = u16::try_from(head.len()).expect("the texts of a head are cut");
    let room = VALUE_MAX_BYTES - FIRST_HEAD_BYTES - head.len();
    let (in_first, rest) = body.split_at(room.min(body.len()));
    let pieces = rest.chunks(VALUE_MAX_BYTES - NEXT_HEAD_BYTES);
    let mut first = vec![VERSION];
    first.extend_from_slice(&n.to_be_bytes());
    first.push(u8::try_from(1 + pieces.len()).expect("the body is cut"));
    first.extend_from_slice(&head_bytes.to_be_bytes());
    first.extend_from_slice(&head);
    first.extend_from_slice(in_first);
    let mut writes = vec![(Kind::Inbox, key(n, 0), Some(first))];
    for (chunk, piece) in (1..).zip(pieces) {
        let mut value = vec![VERSION];
        value.extend_from_slice(&n.to_be_bytes());
        value.push(chunk);
        value.extend_from_slice(piece);
        writes.push((Kind::Inbox, key(n, chunk), Some(value)));
    }
    writes
}

/// The head of the `n`-th accepted notify, the number of its chunks, and what its first chunk has of the body.
/// Nothing when there is none, or no more.
fn first(trees: &Trees, n: u64) -> Result<Option<(NotifyHead, u8, Vec<u8>)>, StoreError> {
    let damaged = || StoreError::Corrupt {
        what: format!("accepted notify {n}"),
    };
    let Some(value) = trees.get(Kind::Inbox, &key(n, 0))? else {
        return Ok(None);
    };
    let bytes = checked(&value, "accepted notify")?;
    let (number, bytes) = bytes.split_first_chunk().ok_or_else(damaged)?;
    if u64::from_be_bytes(*number) != n {
        return Ok(None);
    }
    let (&chunks, bytes) = bytes.split_first().ok_or_else(damaged)?;
    let (length, bytes) = bytes.split_first_chunk().ok_or_else(damaged)?;
    let (head, body) = bytes
        .split_at_checked(usize::from(u16::from_be_bytes(*length)))
        .ok_or_else(damaged)?;
    let head = serde_json::from_slice(head).map_err(|_| damaged())?;
    Ok(Some((head, chunks, body.to_vec())))
}

/// The head of the `n`-th accepted notify.
pub(super) fn head(trees: &Trees, n: u64) -> Result<Option<NotifyHead>, StoreError> {
    Ok(first(trees, n)?.map(|(head, ..)| head))
}

/// The `n`-th accepted notify.
pub(super) fn load(trees: &Trees, n: u64) -> Result<Option<(NotifyHead, Vec<u8>)>, StoreError> {
    let Some((head, chunks, mut body)) = first(trees, n)? else {
        return Ok(None);
    };
    for chunk in 1..chunks {
        let value = trees.get(Kind::Inbox, &key(n, chunk))?;
        let piece = value
            .as_deref()
            .and_then(|value| value.split_at_checked(NEXT_HEAD_BYTES))
            .filter(|(head, _)| head[1..9] == n.to_be_bytes())
            .ok_or_else(|| StoreError::Corrupt {
                what: format!("accepted notify {n}, chunk {chunk}"),
            })?;
        body.extend_from_slice(piece.1);
    }
    Ok(Some((head, body)))
}
