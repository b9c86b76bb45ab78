//! What groups overwrite while a snapshot is read.
//!
//! Before a group is written, what it will overwrite is kept for each snapshot that is open: of an order in the log its place
//! alone, for rows of the log stay; else the record.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use super::{
    decided::Moved,
    inbox,
    keys::{Kind, parse_packed_key},
    place::{Home, Place},
    rows::load_at,
    trees::{Trees, Writes},
};
use crate::{NotifyHead, Order, OrderKey, StoreError};

/// What a key and its place in a table take, about.
const ENTRY_BYTES: usize = 160;

/// The snapshots that are open.
#[derive(Default)]
pub(super) struct Snapshots(Mutex<Vec<Weak<Mutex<Kept>>>>);

impl Snapshots {
    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Mutex<Kept>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what a group is about to overwrite. The lock on what is synced is held from before this until the group is.
    pub(super) fn keep(&self, trees: &Trees, writes: &Writes, moved: &[Moved]) {
        let mut open = self.lock();
        open.retain(|kept| {
            let Some(kept) = kept.upgrade() else {
                return false;
            };
            lock(&kept).keep(trees, writes, moved);
            true
        });
    }

    pub(super) fn open(&self, kept: &Arc<Mutex<Kept>>) {
        self.lock().push(Arc::downgrade(kept));
    }
}

pub(super) fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An order as it was.
pub(super) enum Before {
    /// There was none.
    Absent,
    /// It is in a row of the log still.
    InLog(Place),
    Whole(Box<Order>, Place),
}

pub(super) type Notify = (u64, NotifyHead, Vec<u8>);

/// What was overwritten since.
pub(super) struct Kept {
    /// The last group of the moment.
    last_group: u64,
    pub(super) orders: HashMap<OrderKey, Before>,
    /// Values of the outbox by group and chunk.
    pub(super) outbox: HashMap<(u64, u16), Vec<u8>>,
    /// What the slots of the inbox held.
    pub(super) notifies: HashMap<Vec<u8>, Option<Notify>>,
    bytes: usize,
    max_bytes: usize,
    /// Why it is of no use any more.
    gone: Option<String>,
}

impl Kept {
    pub(super) fn new(last_group: u64, max_bytes: usize) -> Self {
        Self {
            last_group,
            orders: HashMap::new(),
            outbox: HashMap::new(),
            notifies: HashMap::new(),
            bytes: 0,
            max_bytes,
            gone: None,
        }
    }

    fn keep(&mut self, trees: &Trees, writes: &Writes, moved: &[Moved]) {
        if self.gone.is_some() {
            return;
        }
        if let Err(error) = self.try_keep(trees, writes, moved) {
            self.give_up(error.to_string());
        } else if self.bytes > self.max_bytes {
            self.give_up("too much changed while it was read".to_owned());
        }
    }

    fn give_up(&mut self, why: String) {
        *self = Self::new(self.last_group, self.max_bytes);
        self.gone = Some(why);
    }

    fn try_keep(
        &mut self,
        trees: &Trees,
        writes: &Writes,
        moved: &[Moved],
    ) -> Result<(), StoreError> {
        for Moved { key, before, .. } in moved {
            if self.orders.contains_key(key) {
                continue;
            }
            let (before, bytes) = match before {
                None => (Before::Absent, 0),
                Some((_, place)) => match place.home {
                    Home::Log => (Before::InLog(*place), 0),
                    Home::Tree => {
                        let order = load_at(trees, *place)?.order;
                        let bytes = size_of::<Order>() * 2;
                        (Before::Whole(Box::new(order), *place), bytes)
                    }
                },
            };
            self.bytes += ENTRY_BYTES + bytes;
            self.orders.insert(key.clone(), before);
        }
        for (kind, key, _) in writes {
            match kind {
                Kind::Outbox => self.keep_rows(trees, key)?,
                Kind::Inbox if inbox::is_first(key) => self.keep_notify(trees, key)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn keep_rows(&mut self, trees: &Trees, key: &[u8]) -> Result<(), StoreError> {
        let place = parse_packed_key(key)?;
        if place.0 > self.last_group || self.outbox.contains_key(&place) {
            return Ok(());
        }
        if let Some(value) = trees.get(Kind::Outbox, key)? {
            self.bytes += ENTRY_BYTES + value.len();
            self.outbox.insert(place, value.to_vec());
        }
        Ok(())
    }

    fn keep_notify(&mut self, trees: &Trees, key: &[u8]) -> Result<(), StoreError> {
        if self.notifies.contains_key(key) {
            return Ok(());
        }
        let notify = inbox::in_slot(trees, key)?;
        let body = notify.as_ref().map_or(0, |(_, _, body)| body.len());
        self.bytes += ENTRY_BYTES + body;
        self.notifies.insert(key.to_vec(), notify);
        Ok(())
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &self.gone {
            Some(why) => Err(StoreError::SnapshotLost { why: why.clone() }),
            None => Ok(()),
        }
    }
}
