//! Reading the trees: orders, logs, rows of the outbox, notifies. Who calls these holds the lock on what is synced.

use std::{io, sync::PoisonError};

use super::{
    Shared, inbox,
    pack::unpack,
    record::{StoredLog, decode, load_order},
    ring,
    trees::{INBOX_NEXT_KEY, Kind, Trees, packed_key},
};
use crate::{
    Kept, LogEntry, NotifyId, NotifyQuery, NotifySummary, Order, OrderKey, PAGE_MAX, StoreError,
    Timestamp,
};

pub(super) fn load(trees: &Trees, key: &OrderKey) -> Result<Option<Order>, StoreError> {
    Ok(load_order(trees, key)?.map(|stored| stored.order))
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

pub(super) fn load_log(trees: &Trees, key: &OrderKey) -> Result<Vec<LogEntry>, StoreError> {
    let mut entries = Vec::new();
    let mut at = load_order(trees, key)?.map(|stored| stored.last_log);
    while let Some(address) = at {
        let damaged = || StoreError::Corrupt {
            what: format!("row {address:?} of the log of {key}"),
        };
        let value = trees
            .get(Kind::Log, &packed_key(address.group, address.chunk))?
            .ok_or_else(damaged)?;
        let rows = unpack(&value, "log")?;
        let row = rows.get(usize::from(address.slot)).ok_or_else(damaged)?;
        let stored: StoredLog = decode(row, "row of the log")?;
        // Each row is behind the one before it, so a damaged chain cannot go round for ever.
        if stored.key != *key || stored.prev.is_some_and(|prev| prev >= address) {
            return Err(damaged());
        }
        entries.push(stored.entry);
        at = stored.prev;
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
