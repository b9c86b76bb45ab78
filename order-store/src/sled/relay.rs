//! The outbox in memory, addressed by group, chunk and slot.

pub(super) use crate::lease::{Entry, Held, Status};

use super::place::Address;

pub(super) type Relay = crate::lease::Relay<Address>;

impl Relay {
    /// The lowest group with a row.
    pub(super) fn lowest_group(&self) -> Option<u64> {
        self.first().map(|address| address.group)
    }
}
