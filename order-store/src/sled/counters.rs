//! The numbers that go on from group to group, and those of them that are written.

use std::collections::HashSet;

use wxpay_core::{AppId, MchId};

use super::{
    digest::Chain,
    keys::{INBOX_NEXT_KEY, Kind, OUTBOX_LOW_KEY},
    trees::Writes,
};

/// The remembered low group is written again when it is so many groups behind.
const LOW_STEP: u64 = 256;

/// The numbers that go on from group to group.
pub(super) struct Counters {
    pub(super) next_group: u64,
    pub(super) next_notify: u64,
    /// The low group as it was written last.
    pub(super) low: u64,
    /// The hash of the log.
    pub(super) chain: Chain,
    /// Rows of the log.
    pub(super) rows: u64,
    /// The accounts that the folder remembers.
    pub(super) accounts: HashSet<(MchId, AppId)>,
}

/// The end of the log.
#[derive(Clone, Copy, Default)]
pub(super) struct Tip {
    pub(super) group: u64,
    pub(super) rows: u64,
    pub(super) chain: Chain,
}

impl Counters {
    pub(super) fn tip(&self) -> Tip {
        Tip {
            group: self.next_group - 1,
            rows: self.rows,
            chain: self.chain,
        }
    }

    /// Writes those that changed with a group; `low` is the lowest group that may hold rows of the outbox.
    pub(super) fn write(&mut self, writes: &mut Writes, low: u64) {
        if writes.iter().any(|(kind, ..)| *kind == Kind::Inbox) {
            let next = self.next_notify.to_be_bytes().to_vec();
            writes.push((Kind::Meta, INBOX_NEXT_KEY.to_vec(), Some(next)));
        }
        if low >= self.low + LOW_STEP {
            self.low = low;
            writes.push(low_write(low));
        }
    }
}

/// Remembers that no group below holds rows of the outbox.
pub(super) fn low_write(low: u64) -> (Kind, Vec<u8>, Option<Vec<u8>>) {
    let value = low.to_be_bytes().to_vec();
    (Kind::Meta, OUTBOX_LOW_KEY.to_vec(), Some(value))
}
