//! The outbox in memory: where its rows are and who has them. The rows themselves are read when they are claimed.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use super::record::{Address, Hold};
use crate::{OrderKey, OutboxStatus, Timestamp, WAIT_MAX, hash::fnv1a};

/// A row's place in the life of the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
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

impl From<Hold> for Status {
    fn from(hold: Hold) -> Self {
        match hold {
            Hold::None => Self::Ready,
            Hold::Until(until) => Self::PutOff { until },
            Hold::Parked => Self::Parked,
        }
    }
}

pub(super) struct Entry {
    /// Stands for the order's key. Two orders that share it only wait for each other.
    order: u64,
    created_at: Timestamp,
    status: Status,
}

impl Entry {
    pub(super) fn new(key: &OrderKey, created_at: Timestamp, status: Status) -> Self {
        Self {
            order: fnv1a([
                key.mch_id.as_str().as_bytes(),
                key.out_trade_no.as_str().as_bytes(),
            ]),
            created_at,
            status,
        }
    }
}

/// A row on loan.
pub(super) struct Loan {
    pub(super) address: Address,
    pub(super) fence: u64,
    pub(super) until: Timestamp,
}

/// The rows that are not sent yet, in the order in which they were written.
pub(super) struct Relay {
    rows: BTreeMap<Address, Entry>,
    next_fence: u64,
}

impl Relay {
    /// `first_fence` is higher than any that an earlier process can have given.
    pub(super) fn new(first_fence: u64) -> Self {
        Self {
            rows: BTreeMap::new(),
            next_fence: first_fence,
        }
    }

    pub(super) fn add(&mut self, address: Address, entry: Entry) {
        self.rows.insert(address, entry);
    }

    pub(super) fn remove(&mut self, address: Address) {
        self.rows.remove(&address);
    }

    pub(super) fn set(&mut self, address: Address, status: Status) {
        if let Some(entry) = self.rows.get_mut(&address) {
            entry.status = status;
        }
    }

    /// Lends up to `limit` rows. Behind a row that is not free, the later rows of its order wait.
    pub(super) fn claim(&mut self, now: Timestamp, lease: Duration, limit: usize) -> Vec<Loan> {
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
    pub(super) fn settle(&mut self, address: Address, fence: u64) -> bool {
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
    pub(super) fn held(&self, what: Held) -> impl Iterator<Item = Address> {
        self.rows
            .iter()
            .filter(move |(_, entry)| match entry.status {
                Status::Parked => true,
                Status::PutOff { .. } => what == Held::ParkedOrPutOff,
                _ => false,
            })
            .map(|(address, _)| *address)
    }

    /// The lowest group with a row.
    pub(super) fn lowest_group(&self) -> Option<u64> {
        self.rows.keys().next().map(|address| address.group)
    }

    pub(super) fn status(&self, now: Timestamp) -> OutboxStatus {
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
pub(super) enum Held {
    Parked,
    ParkedOrPutOff,
}
