//! Reading the trees: orders, logs, rows of the outbox, notifies. Who calls these holds the lock on what is synced.

use std::{io, sync::PoisonError};

use serde::de::DeserializeOwned;

use super::{
    Live, Shared,
    head::Head,
    inbox,
    locate::{Home, Place},
    pack::unpack_log,
    record::{Address, LastLog, StoredLog, StoredOrder, decode, load_record},
    ring,
    trees::{INBOX_NEXT_KEY, Kind, Trees, damaged, packed_key},
};
use crate::{
    Kept, LogEntry, NotifyId, NotifyQuery, NotifySummary, Order, OrderKey, PAGE_MAX, StoreError,
    Timestamp,
};

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

impl Shared {
    /// An order as it is on disk.
    pub(super) fn order(&self, live: &Live, key: &OrderKey) -> Result<Option<Order>, StoreError> {
        let found = self.locator().order(&live.trees, key)?;
        Ok(found.map(|(stored, _)| stored.order))
    }
}

/// Orders that the index has, so the ledger must have them too.
pub(super) fn load_all(
    shared: &Shared,
    live: &Live,
    keys: &[OrderKey],
) -> Result<Vec<Order>, StoreError> {
    keys.iter()
        .map(|key| {
            shared.order(live, key)?.ok_or_else(|| StoreError::Corrupt {
                what: format!("order {key} is gone"),
            })
        })
        .collect()
}

/// An order's log. Every value that it is in is held to the one after it.
pub(super) fn load_log(
    shared: &Shared,
    live: &Live,
    key: &OrderKey,
) -> Result<Vec<LogEntry>, StoreError> {
    let found = shared.locator().order(&live.trees, key)?;
    match found {
        Some((_, place)) => read_log(&live.trees, key, place.last_log, |at| {
            check_link(&live.trees, &live.head, at)
        }),
        None => Ok(Vec::new()),
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

fn read_log(
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
