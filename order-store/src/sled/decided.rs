//! What a group comes to, and what it is decided against.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, Weak},
};

use wxpay_core::{MchId, OutRefundNo, OutTradeNo, TransactionId};

use super::{
    counters::Tip,
    digest::BuildDigester,
    job::Answer,
    locate::{Hash, Locator, Owned},
    place::{Address, Place},
    record::StoredRow,
    relay::{Entry, Status},
    trees::{Trees, Writes},
};
use crate::{Order, OrderKey, index::Mark};

pub(super) type ByKey<K, V> = HashMap<K, V, BuildDigester>;

/// A decided group.
#[derive(Default)]
pub(super) struct Decided {
    pub(super) writes: Writes,
    pub(super) answers: Vec<Answer>,
    pub(super) moved: Vec<Moved>,
    /// What orders own from now on, and by the hash of which.
    pub(super) owned: Vec<(Owned, Hash, Hash)>,
    pub(super) relay: Vec<RelayChange>,
    /// The end of the log after it.
    pub(super) tip: Tip,
}

/// What happens to the outbox in memory once the group is on disk.
pub(super) enum RelayChange {
    Add(Address, Entry),
    Remove(Address),
    Set(Address, Status),
}

/// An order that the group changed.
pub(super) struct Moved {
    pub(super) key: OrderKey,
    pub(super) before: Option<(Mark, Place)>,
    pub(super) after: (Mark, Place),
    /// Kept as long as the order may not be on disk: see [`Changes`].
    pub(super) _order: Arc<Order>,
}

/// What a group changed that the next one has to know of, as long as it is not on disk.
#[derive(Default)]
pub(super) struct Changes {
    /// The group's number, once there was one.
    pub(super) number: Option<u64>,
    /// Who decides the next group finds an order here, or, once it is gone, where it then is: on disk.
    pub(super) orders: ByKey<OrderKey, (Weak<Order>, Place)>,
    pub(super) numbers: ByKey<(MchId, OutTradeNo), OrderKey>,
    pub(super) transactions: ByKey<TransactionId, OrderKey>,
    pub(super) refunds: ByKey<(MchId, OutRefundNo), OrderKey>,
    pub(super) chunks: BTreeMap<(u64, u16), Vec<StoredRow>>,
}

impl Changes {
    /// The rows of a value of the outbox, if the group changed it.
    pub(super) fn chunk(&self, address: Address) -> Option<&[StoredRow]> {
        let rows = self.chunks.get(&(address.group, address.chunk))?;
        Some(rows)
    }
}

/// What a group is decided against.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) trees: &'a Trees,
    pub(super) locator: &'a RwLock<Locator>,
    /// What the group before changed.
    pub(super) changes: &'a Changes,
}

impl Ground<'_> {
    pub(super) fn locator(&self) -> RwLockReadGuard<'_, Locator> {
        self.locator.read().unwrap_or_else(PoisonError::into_inner)
    }
}
