//! The outbox in memory: where its rows are and who has them. The rows themselves are read when they are claimed.
//!
//! For backends that one process owns. `A` is a row's address, and addresses grow in the order in which rows are written.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use crate::{OrderKey, OutboxHold, OutboxStatus, Timestamp, WAIT_MAX, hash::fnv1a};

/// A row's place in the life of the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ready,
    Leased {
        until: Timestamp,
        fence: u64,
    },
    /// Its lease held when it was settled, and the settlement is being written.
    Settling,
    PutOff {
        until: Timestamp,
    },
    Parked,
}

impl From<OutboxHold> for Status {
    fn from(hold: OutboxHold) -> Self {
        match hold {
            OutboxHold::None => Self::Ready,
            OutboxHold::Until(until) => Self::PutOff { until },
            OutboxHold::Parked => Self::Parked,
        }
    }
}

#[derive(Clone)]
pub(crate) struct Entry {
    /// Stands for the order's key. Two orders that share it only wait for each other.
    order: u64,
    created_at: Timestamp,
    status: Status,
}

impl Entry {
    pub(crate) fn new(key: &OrderKey, created_at: Timestamp, status: Status) -> Self {
        Self {
            order: order_hash(key),
            created_at,
            status,
        }
    }
}

fn order_hash(key: &OrderKey) -> u64 {
    fnv1a([
        key.mch_id.as_str().as_bytes(),
        key.out_trade_no.as_str().as_bytes(),
    ])
}

/// A row on loan.
pub(crate) struct Loan<A> {
    pub(crate) address: A,
    pub(crate) fence: u64,
    pub(crate) until: Timestamp,
}

/// The rows that are not sent yet, in the order in which they were written.
#[derive(Clone)]
pub(crate) struct Relay<A> {
    rows: BTreeMap<A, Entry>,
    next_fence: u64,
}

impl<A: Copy + Ord> Relay<A> {
    /// `first_fence` is higher than any that an earlier process can have given.
    pub(crate) fn new(first_fence: u64) -> Self {
        Self {
            rows: BTreeMap::new(),
            next_fence: first_fence,
        }
    }

    pub(crate) fn add(&mut self, address: A, entry: Entry) {
        self.rows.insert(address, entry);
    }

    pub(crate) fn remove(&mut self, address: A) {
        self.rows.remove(&address);
    }

    pub(crate) fn set(&mut self, address: A, status: Status) {
        if let Some(entry) = self.rows.get_mut(&address) {
            entry.status = status;
        }
    }

    /// Lends up to `limit` rows. Behind a row that is not free, the later rows of its order wait.
    pub(crate) fn claim(&mut self, now: Timestamp, lease: Duration, limit: usize) -> Vec<Loan<A>> {
        let until = now + lease.min(WAIT_MAX);
        let mut held = HashSet::new();
        let mut loans = Vec::new();
        for (address, entry) in &mut self.rows {
            if loans.len() == limit {
                break;
            }
            let free = match entry.status {
                Status::Ready => true,
                Status::Leased { until, .. } | Status::PutOff { until } => until <= now,
                Status::Settling | Status::Parked => false,
            };
            if !free || held.contains(&entry.order) {
                held.insert(entry.order);
                continue;
            }
            let fence = self.next_fence;
            self.next_fence += 1;
            entry.status = Status::Leased { until, fence };
            loans.push(Loan {
                address: *address,
                fence,
                until,
            });
        }
        loans
    }

    /// Whether the row is on loan under this fence; then it cannot be claimed until it is settled.
    ///
    /// A lease that ran out still holds as long as no one claimed the row since: no one else can have sent it.
    pub(crate) fn settle(&mut self, address: A, fence: u64) -> bool {
        match self.rows.get_mut(&address) {
            Some(entry) if matches!(entry.status, Status::Leased { fence: known, .. } if known == fence) =>
            {
                entry.status = Status::Settling;
                true
            }
            _ => false,
        }
    }

    /// The rows that were set aside, and with `put_off` those that were put off as well.
    pub(crate) fn held(&self, what: Held) -> impl Iterator<Item = A> {
        self.rows
            .iter()
            .filter(move |(_, entry)| match entry.status {
                Status::Parked => true,
                Status::PutOff { .. } => what == Held::ParkedOrPutOff,
                _ => false,
            })
            .map(|(address, _)| *address)
    }

    /// The address of the oldest row.
    pub(crate) fn first(&self) -> Option<A> {
        self.rows.keys().next().copied()
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The addresses of the rows of these orders, and perhaps of orders that share a hash with one of them.
    pub(crate) fn of_orders<'a>(&self, keys: impl Iterator<Item = &'a OrderKey>) -> Vec<A> {
        let wanted: HashSet<u64> = keys.map(order_hash).collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        self.rows
            .iter()
            .filter(|(_, entry)| wanted.contains(&entry.order))
            .map(|(address, _)| *address)
            .collect()
    }

    /// The addresses of the rows written at this time or later, by that time.
    pub(crate) fn since(&self, at: Timestamp) -> Vec<(Timestamp, A)> {
        let mut found: Vec<_> = self
            .rows
            .iter()
            .filter(|(_, entry)| entry.created_at >= at)
            .map(|(address, entry)| (entry.created_at, *address))
            .collect();
        found.sort_unstable();
        found
    }

    pub(crate) fn status(&self, now: Timestamp) -> OutboxStatus {
        let mut status = OutboxStatus::default();
        for entry in self.rows.values() {
            match entry.status {
                Status::Parked => {
                    status.parked += 1;
                    continue;
                }
                Status::Leased { until, .. } if until > now => status.leased += 1,
                Status::Settling => status.leased += 1,
                Status::PutOff { until } => {
                    status.waiting += 1;
                    status.put_off += usize::from(until > now);
                    status.next_retry = Some(status.next_retry.map_or(until, |at| at.min(until)));
                }
                Status::Ready | Status::Leased { .. } => status.waiting += 1,
            }
            let oldest = status
                .oldest
                .map_or(entry.created_at, |at| at.min(entry.created_at));
            status.oldest = Some(oldest);
        }
        status
    }
}

/// Which held rows are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    Parked,
    ParkedOrPutOff,
}
