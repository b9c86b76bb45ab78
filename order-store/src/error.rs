//! What can go wrong with a store.

use std::{io, path::PathBuf};

use crate::{OrderKey, OutboxId, Problem, Refusal};

/// Why a command has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The ledger said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The ledger could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an open store failed of, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureCause {
    /// The disk is full. What was acknowledged is on it: make room, or copy the folder to a larger disk, and open it anew.
    DiskFull,
    /// The disk, or the system below it, said no: it may be dying.
    Disk(io::ErrorKind),
    /// What was read is not what was written.
    Damaged,
    /// A part of the program ended that must not.
    Ended,
}

impl FailureCause {
    #[cfg(feature = "sled")]
    pub(crate) fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            io::ErrorKind::InvalidData => Self::Damaged,
            kind => Self::Disk(kind),
        }
    }
}

/// Why a store did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the folder open, or this one has already.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds something else.
    #[error("{} is not an order store: {why}", path.display())]
    NotAStore {
        /// The folder.
        path: PathBuf,
        /// What gives it away.
        why: String,
    },
    /// The folder was written by a later version.
    #[error("the store has format {found}, this program knows formats up to {known}")]
    NewerFormat {
        /// The format found.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// What was read cannot be what was written.
    #[error("the store is damaged: {what}")]
    Corrupt {
        /// What is wrong, and where.
        what: String,
    },
    /// The ledger has not what was acknowledged: something was lost, or is old again, or torn. Nothing is served from it.
    #[error(
        "the ledger is not whole: {what}; its last good group is {last_good_group}, and group {acknowledged_group} had been acknowledged"
    )]
    Lost {
        /// The last group of the log that is known to be what it was, since the one after it follows from it.
        last_good_group: u64,
        /// The last group that had been acknowledged, at least.
        acknowledged_group: u64,
        /// What is wrong.
        what: String,
    },
    /// The operating system said no while the store was opened, or of a file beside the ledger.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What it said.
        #[source]
        error: io::Error,
    },
    /// The disk has no room for what must be written beside the ledger. Nothing was changed.
    #[error("{purpose}: that needs {needed_bytes} bytes, and {available_bytes} are free")]
    NoSpace {
        /// What the space is for.
        purpose: &'static str,
        /// How much must be free.
        needed_bytes: u64,
        /// How much is.
        available_bytes: u64,
    },
    /// More changed than can be kept while a snapshot was read. The ledger is whole: take another one when less goes on.
    #[error("the snapshot is lost: {why}")]
    SnapshotLost {
        /// What came in between.
        why: String,
    },
    /// Too much is waiting; nothing was written. Ask again later.
    #[error("the store is busy")]
    Busy,
    /// No answer within the longest wait. It may be written all the same: ask again with the same facts.
    #[error("the store did not answer in time; the change may be written all the same")]
    NoAnswer,
    /// A write or sync failed before, so nothing that the store says can be trusted until it is opened anew.
    #[error("the store has failed and must be opened anew: {why}")]
    Failed {
        /// What it failed of.
        cause: FailureCause,
        /// What failed.
        why: String,
    },
    /// The database cannot be reached now. Nothing was written; ask again later.
    #[error("the database cannot be reached: {why}")]
    Unavailable {
        /// What stands in the way.
        why: String,
    },
    /// The database refused what it was asked for, and would again.
    #[error("the database refused it: {message} (SQLSTATE {code})")]
    Database {
        /// PostgreSQL's code of the error.
        code: String,
        /// What it said.
        message: String,
    },
    /// The database is set up to forget what it has acknowledged.
    #[error("the database is not safe for a ledger: {why}")]
    Unsafe {
        /// The setting.
        why: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The lease is over and someone else may have the row, or has settled it.
    #[error("the lease of {id} is lost")]
    LeaseLost {
        /// The row.
        id: OutboxId,
    },
    /// No row of that name is in the outbox.
    #[error("no row {id} in the outbox")]
    NoSuchRow {
        /// The name.
        id: OutboxId,
    },
    /// A record to be loaded is none that a ledger can have come to: what it says does not follow from the order's log. Nothing
    /// of its batch was written.
    #[error("cannot load order {key}: {problem}")]
    Unsound {
        /// The order.
        key: Box<OrderKey>,
        /// What does not follow.
        problem: Box<Problem>,
    },
    /// A record to be loaded is not the one that the store has. Nothing of its batch was written.
    #[error("cannot load {what}")]
    Conflict {
        /// Which record, and what stands against it.
        what: String,
    },
}
