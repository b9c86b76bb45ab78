//! Verification: the whole ledger against its head and its high-water mark.
//!
//! The log comes first: each of its values has the hash of all before it, so the walk names the last good group. Then every
//! other record is read, and the sums must be the head's. With that the ledger is, record by record, what one commit left,
//! and no older than the mark says.
//!
//! It goes in slices, and commits may come between them: what a commit changes behind the scan changes nothing that was
//! seen, and what it changes ahead of the scan is taken over into what must come out ([`Audit::note`]).

use std::time::Instant;

use ::sled::IVec;

use super::{
    digest::{Chain, digest},
    head::Head,
    keys::{HEAD_KEY, KINDS, Kind, parse_packed_key},
    pack::unpack_log,
    trees::{Applied, Trees, Writes, damaged},
};
use crate::{StoreError, VerifyProgress};

/// Records between two words on how far it is.
pub(super) const REPORT_EVERY: u32 = 100_000;

/// The log first, since it names what is good.
const ORDER: [Kind; KINDS] = [
    Kind::Log,
    Kind::Meta,
    Kind::Orders,
    Kind::Attempts,
    Kind::Transactions,
    Kind::Refunds,
    Kind::Outbox,
    Kind::Inbox,
];

/// Says that the ledger lost or tore something.
pub(super) fn lost(last_good_group: u64, mark: &Head, what: impl Into<String>) -> StoreError {
    StoreError::Lost {
        last_good_group,
        acknowledged_group: mark.group,
        what: what.into(),
    }
}

/// Sees each record that passes.
pub(super) trait Visit {
    fn record(
        &mut self,
        trees: &Trees,
        kind: Kind,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), StoreError>;
}

/// Sees nothing.
pub(super) struct Nobody;

impl Visit for Nobody {
    fn record(&mut self, _: &Trees, _: Kind, _: &[u8], _: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A verification under way.
pub(super) struct Audit {
    /// The head when it began.
    head: Head,
    mark: Head,
    /// What must come out, and what came so far.
    expected: [u64; KINDS],
    seen: [u64; KINDS],
    /// The tree it is in, by [`ORDER`], and the last key read of it.
    tree: usize,
    last_key: Option<IVec>,
    log: Walk,
    records: u64,
    started: Instant,
}

/// A walk along the log.
#[derive(Default)]
struct Walk {
    chain: Chain,
    group: u64,
    /// The last group that is whole, as far as the walk came: the one after it follows from it.
    good: u64,
    rows: u64,
    /// The chain at the end of the mark's group and of the head's.
    at_mark: Option<Chain>,
    at_head: Option<(Chain, u64)>,
}

impl Walk {
    /// Up to, and without, this group.
    fn reach(&mut self, group: u64, head: &Head, mark: &Head) {
        if group > mark.group && self.at_mark.is_none() {
            self.at_mark = Some(self.chain);
        }
        if group > head.group && self.at_head.is_none() {
            self.at_head = Some((self.chain, self.rows));
        }
    }
}

impl Audit {
    pub(super) fn new(head: &Head, mark: &Head) -> Self {
        Self {
            head: *head,
            mark: *mark,
            expected: head.sums,
            seen: [0; KINDS],
            tree: 0,
            last_key: None,
            log: Walk::default(),
            records: 0,
            started: Instant::now(),
        }
    }

    /// What can be said at once: the ledger is not older than its mark.
    pub(super) fn compare(head: &Head, mark: &Head) -> Result<(), StoreError> {
        if head.commits < mark.commits {
            return Err(lost(
                head.group,
                mark,
                format!(
                    "it ends with commit {}, and commit {} had been made durable",
                    head.commits, mark.commits
                ),
            ));
        }
        if head.commits == mark.commits && head != mark {
            return Err(lost(
                head.group.min(mark.group).saturating_sub(1),
                mark,
                format!("its commit {} is not the one that was made", head.commits),
            ));
        }
        Ok(())
    }

    pub(super) fn progress(&self) -> VerifyProgress {
        VerifyProgress {
            records: self.records,
            of_records: self.head.records.max(self.records),
            took: self.started.elapsed(),
        }
    }

    /// Reads up to `limit` records; says whether there may be more.
    pub(super) fn step(
        &mut self,
        trees: &Trees,
        limit: usize,
        visit: &mut impl Visit,
    ) -> Result<bool, StoreError> {
        let mut left = limit;
        while let Some(&kind) = ORDER.get(self.tree) {
            for record in trees.records(kind, self.last_key.take()) {
                let (key, value) = record.map_err(|error| self.unreadable(kind, &error))?;
                self.take(trees, kind, &key, &value, visit)?;
                left -= 1;
                if left == 0 {
                    self.last_key = Some(key);
                    return Ok(true);
                }
            }
            self.end(kind)?;
            self.tree += 1;
        }
        Ok(false)
    }

    fn take(
        &mut self,
        trees: &Trees,
        kind: Kind,
        key: &[u8],
        value: &[u8],
        visit: &mut impl Visit,
    ) -> Result<(), StoreError> {
        if kind == Kind::Meta && key == HEAD_KEY {
            return Ok(());
        }
        let sum = &mut self.seen[kind as usize];
        *sum = sum.wrapping_add(digest(kind, key, value));
        self.records += 1;
        if kind == Kind::Log {
            self.follow(key, value)?;
        }
        visit.record(trees, kind, key, value)
    }

    fn follow(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let (group, chunk) = parse_packed_key(key)?;
        if group != self.log.group {
            self.log.reach(group, &self.head, &self.mark);
            self.marked()?;
            self.log.good = self.log.group;
        }
        let torn = |error| self.torn(format!("group {group}, chunk {chunk}: {error}"));
        let (before, rows) = unpack_log(value).map_err(torn)?;
        let rows = rows.count().map_err(torn)?;
        if before.is_some_and(|before| before != self.log.chain) {
            return Err(self.torn(format!(
                "group {group}, chunk {chunk}, does not follow what is before it"
            )));
        }
        self.log.chain = self.log.chain.link(key, value);
        self.log.rows += u64::from(rows);
        self.log.group = group;
        Ok(())
    }

    fn marked(&self) -> Result<(), StoreError> {
        match self.log.at_mark {
            Some(chain) if chain != self.mark.chain => {
                Err(self.torn("the log is not the one that was acknowledged".to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, kind: Kind) -> Result<(), StoreError> {
        if kind == Kind::Log {
            self.log.reach(u64::MAX, &self.head, &self.mark);
            self.marked()?;
            if self.log.at_head != Some((self.head.chain, self.head.rows)) {
                return Err(self.torn("the log does not end as its head says".to_owned()));
            }
            self.log.good = self.log.group;
        }
        if self.seen[kind as usize] == self.expected[kind as usize] {
            return Ok(());
        }
        let name = kind.name();
        Err(self.torn(format!("records of {name} are missing, old or wrong")))
    }

    fn torn(&self, what: String) -> StoreError {
        lost(self.log.good, &self.mark, what)
    }

    fn unreadable(&self, kind: Kind, error: &::sled::Error) -> StoreError {
        let StoreError::Corrupt { what } = damaged(error) else {
            unreachable!("that is what `damaged` makes");
        };
        self.torn(format!("{} cannot be read: {what}", kind.name()))
    }

    /// A commit changed records: ahead of the scan they will be seen as they are now.
    pub(super) fn note(&mut self, writes: &Writes, applied: &Applied) {
        let place = |kind: Kind| ORDER.iter().position(|other| *other == kind);
        for ((kind, key, _), (old, new)) in writes.iter().zip(&applied.changes) {
            let ahead = match place(*kind).cmp(&Some(self.tree)) {
                std::cmp::Ordering::Less => false,
                std::cmp::Ordering::Greater => true,
                std::cmp::Ordering::Equal => self
                    .last_key
                    .as_ref()
                    .is_none_or(|last| key.as_slice() > last.as_ref()),
            };
            if ahead {
                let sum = &mut self.expected[*kind as usize];
                *sum = sum.wrapping_sub(*old).wrapping_add(*new);
            }
        }
    }

    /// Verifies everything before anything is served.
    pub(super) fn run(
        mut self,
        trees: &Trees,
        visit: &mut impl Visit,
        mut report: impl FnMut(VerifyProgress),
    ) -> Result<(), StoreError> {
        while self.step(trees, REPORT_EVERY as usize, visit)? {
            report(self.progress());
        }
        report(self.progress());
        Ok(())
    }
}
