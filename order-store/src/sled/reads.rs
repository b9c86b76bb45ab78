//! Reading the trees: orders, logs, rows of the outbox, notifies. Who calls these holds the lock on what is synced.

use std::{io, sync::PoisonError};

use super::{
    Shared,
    head::Head,
    inbox,
    pack::unpack_log,
    record::{Address, StoredLog, decode, load_order},
    ring,
    trees::{INBOX_NEXT_KEY, Kind, Trees, damaged, packed_key},
};
use crate::{
    Kept, LogEntry, NotifyId, NotifyQuery, NotifySummary, Order, OrderKey, PAGE_MAX, StoreError,
    Timestamp,
};

/// An order, held to the last row of its log.
pub(super) fn load(trees: &Trees, key: &OrderKey) -> Result<Option<Order>, StoreError> {
    let Some(stored) = load_order(trees, key)? else {
        return Ok(None);
    };
    load_log_row(trees, key, stored.last_log)?;
    Ok(Some(stored.order))
}

/// A row of the order's log; its value must have its place in the chain, and the row be the order's.
fn load_log_row(trees: &Trees, key: &OrderKey, at: Address) -> Result<StoredLog, StoreError> {
    let damaged = || StoreError::Corrupt {
        what: format!("row {at:?} of the log of {key}"),
    };
    let place = packed_key(at.group, at.chunk);
    let value = trees.get(Kind::Log, &place)?.ok_or_else(damaged)?;
    let (_, rows) = unpack_log(&value)?;
    let row = rows.get(usize::from(at.slot)).ok_or_else(damaged)?;
    let stored: StoredLog = decode(row, "row of the log")?;
    // Each row is behind the one before it, so a damaged chain cannot go round for ever.
    if stored.key != *key || stored.prev.is_some_and(|prev| prev >= at) {
        return Err(damaged());
    }
    Ok(stored)
}

/// Whether the value after this one follows from it; the last one is what the head says.
fn check_link(trees: &Trees, head: &Head, at: Address) -> Result<(), StoreError> {
    let place = packed_key(at.group, at.chunk);
    let log = trees.tree(Kind::Log);
    let read = |found: ::sled::Result<Option<_>>| found.map_err(|error| damaged(&error));
    let Some(value) = trees.get(Kind::Log, &place)? else {
        return Ok(());
    };
    let (Some(before), _) = unpack_log(&value)? else {
        // Values of format 1 have no hash; the verification of the whole log holds them to the next that has one.
        return Ok(());
    };
    let after = match read(log.get_gt(&place))? {
        Some((_, next)) => unpack_log(&next)?.0,
        None => Some(head.chain),
    };
    if after == Some(before.link(&place, &value)) {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        what: format!(
            "the log after group {}, chunk {}, does not follow",
            at.group, at.chunk
        ),
    })
}

/// Orders that the index has, so the ledger must have them too.
pub(super) fn load_all(trees: &Trees, keys: &[OrderKey]) -> Result<Vec<Order>, StoreError> {
    keys.iter()
        .map(|key| {
            load(trees, key)?.ok_or_else(|| StoreError::Corrupt {
                what: format!("order {key} is gone"),
            })
        })
        .collect()
}

/// An order's log. Every value that it is in is held to the one after it.
pub(super) fn load_log(
    trees: &Trees,
    head: &Head,
    key: &OrderKey,
) -> Result<Vec<LogEntry>, StoreError> {
    read_log(trees, key, |at| check_link(trees, head, at))
}

/// An order's log as its rows have it: for the committer, which has no head while a group is in the making.
pub(super) fn load_log_rows(trees: &Trees, key: &OrderKey) -> Result<Vec<LogEntry>, StoreError> {
    read_log(trees, key, |_| Ok(()))
}

fn read_log(
    trees: &Trees,
    key: &OrderKey,
    check: impl Fn(Address) -> Result<(), StoreError>,
) -> Result<Vec<LogEntry>, StoreError> {
    let mut entries = Vec::new();
    let mut next = load_order(trees, key)?.map(|stored| stored.last_log);
    while let Some(at) = next {
        let stored = load_log_row(trees, key, at)?;
        check(at)?;
        entries.push(stored.entry);
        next = stored.prev;
    }
    entries.reverse();
    Ok(entries)
}

pub(super) fn with_ring<T>(
    shared: &Shared,
    work: impl FnOnce(&mut ring::Ring) -> io::Result<T>,
) -> Result<T, StoreError> {
    let mut ring = shared.ring.lock().unwrap_or_else(PoisonError::into_inner);
    work(&mut ring).map_err(|error| StoreError::Io {
        what: ring::FILE.to_owned(),
        error,
    })
}

pub(super) fn list_notifies(
    shared: &Shared,
    trees: &Trees,
    query: NotifyQuery,
) -> Result<Vec<NotifySummary>, StoreError> {
    let limit = query.limit.min(PAGE_MAX);
    let wanted = |at: Timestamp| query.before.is_none_or(|before| at < before);
    let mut found = Vec::new();
    if query.kept != Kept::Refused {
        let next = trees.number(INBOX_NEXT_KEY)?.unwrap_or(1);
        let mut n = next;
        let oldest = next.saturating_sub(inbox::SLOTS).max(1);
        while n > oldest && found.len() < limit {
            n -= 1;
            if let Some(head) = inbox::head(trees, n)?.filter(|head| wanted(head.at)) {
                found.push(head.summary(NotifyId::Accepted(n)));
            }
        }
    }
    let accepted = found.len();
    if query.kept != Kept::Accepted {
        with_ring(shared, |ring| {
            let mut n = ring.next();
            while n > 1 && found.len() - accepted < limit {
                n -= 1;
                match ring.get(n)? {
                    Some((head, _)) if wanted(head.at) => {
                        found.push(head.summary(NotifyId::Refused(n)));
                    }
                    Some(_) => {}
                    None => break,
                }
            }
            Ok(())
        })?;
    }
    found.sort_by(|a, b| b.at.cmp(&a.at).then(b.id.cmp(&a.id)));
    found.truncate(limit);
    Ok(found)
}
