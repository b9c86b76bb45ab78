//! Reading the trees: orders, logs, rows of the outbox, notifies. Who calls these holds the lock on what is synced.

use std::{cmp::Reverse, io, sync::PoisonError};

use super::{
    Live, Shared,
    head::Head,
    inbox,
    keys::{INBOX_NEXT_KEY, Kind, packed_key},
    locate::hash_of_order,
    pack::unpack_log,
    place::{Address, Place},
    ring,
    rows::read_log,
    trees::{Trees, damaged},
};
use crate::{
    Kept, LogEntry, NotifyHead, NotifyId, NotifyPlace, NotifyQuery, NotifySummary, Order, OrderKey,
    PAGE_MAX, StoreError, Verification,
};

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
        let found = self.find(live, key)?;
        Ok(found.map(|(order, _)| order))
    }

    /// An order, and where it is. As long as the ledger is not verified, what says where an order is, or that there is none,
    /// is held to the value after it.
    pub(super) fn find(
        &self,
        live: &Live,
        key: &OrderKey,
    ) -> Result<Option<(Order, Place)>, StoreError> {
        let locator = self.locator();
        if matches!(*self.verified.borrow(), Verification::Running(_)) {
            for place in locator.places_of(hash_of_order(key)) {
                check_link(&live.trees, &live.head, place.last_log)?;
            }
        }
        let found = locator.order(&live.trees, key)?;
        Ok(found.map(|(stored, place)| (stored.order, place)))
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

/// An order's log.
pub(super) fn load_log(
    shared: &Shared,
    live: &Live,
    key: &OrderKey,
) -> Result<Vec<LogEntry>, StoreError> {
    match shared.find(live, key)? {
        Some((_, place)) => load_log_from(live, key, place.last_log),
        None => Ok(Vec::new()),
    }
}

/// The log that ends with this row. Every value that it is in is held to the one after it.
pub(super) fn load_log_from(
    live: &Live,
    key: &OrderKey,
    last: Address,
) -> Result<Vec<LogEntry>, StoreError> {
    read_log(&live.trees, key, last, |at| {
        check_link(&live.trees, &live.head, at)
    })
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
    let wanted = |head: &NotifyHead, id| {
        let place = NotifyPlace { at: head.at, id };
        query.before.is_none_or(|before| place < before)
    };
    let mut found = Vec::new();
    if query.kept != Kept::Refused {
        let next = trees.number(INBOX_NEXT_KEY)?.unwrap_or(1);
        let mut n = next;
        let oldest = next.saturating_sub(inbox::SLOTS).max(1);
        while n > oldest && found.len() < limit {
            n -= 1;
            let id = NotifyId::Accepted(n);
            if let Some(head) = inbox::head(trees, n)?.filter(|head| wanted(head, id)) {
                found.push(head.summary(id));
            }
        }
    }
    let accepted = found.len();
    if query.kept != Kept::Accepted {
        with_ring(shared, |ring| {
            let mut n = ring.next();
            let oldest = n.saturating_sub(ring::SLOTS).max(1);
            while n > oldest && found.len() - accepted < limit {
                n -= 1;
                // One that a crash tore hides none of the others.
                let id = NotifyId::Refused(n);
                if let Some((head, _)) = ring.get(n)?.filter(|(head, _)| wanted(head, id)) {
                    found.push(head.summary(id));
                }
            }
            Ok(())
        })?;
    }
    found.sort_by_key(|notify| Reverse(notify.place()));
    found.truncate(limit);
    Ok(found)
}
