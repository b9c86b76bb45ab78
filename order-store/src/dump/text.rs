//! The text of a dump: its first line, its last, and what can be wrong with it.
//!
//! JSON, a line a record: a head, orders with their logs, rows of the outbox, accepted notifies, and an end with the number of
//! records and the SHA-256 of every byte before it.

use std::io;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::DumpSize;
use crate::{StoreError, secret::to_hex};

/// The version of the text that this program writes, and the newest that it reads.
pub(super) const VERSION: u32 = 1;
/// The most bytes of a line: far above an order with fifty refunds and its log.
pub(super) const LINE_MAX_BYTES: u64 = 4 << 20;

/// The first line and the last.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub(super) enum Frame {
    Ledger { version: u32 },
    End { records: u64, sha256: String },
}

/// Why a dump was not written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The store could not give or take records.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The text could not be read or written.
    #[error("the dump: {0}")]
    Io(#[from] io::Error),
    /// A line is no record, or stands where it must not.
    #[error("line {line} of the dump: {why}")]
    Line {
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// It was written by a later version.
    #[error("the dump has format {found}, this program knows formats up to {known}")]
    NewerFormat {
        /// The format found.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// It has no last line: it was cut off.
    #[error("the dump ends after line {lines} without its last line: it was cut off")]
    CutOff {
        /// How many lines there are.
        lines: u64,
    },
    /// The hash or the number of records in the last line is not that of the lines before it.
    #[error("the dump's last line does not fit the lines before it: they were changed")]
    Changed,
}

/// What a dump holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpSummary {
    /// The records in it.
    pub records: DumpSize,
    /// The SHA-256 of all lines but the last, in hex, as the last line has it. Two stores that say the same have the same.
    pub sha256: String,
}

/// How far a check, an export or an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Records that were done.
    pub done: u64,
    /// Records in all, where that is known.
    pub total: Option<u64>,
}

/// The hash over lines as they go by.
pub(super) struct Running(Sha256);

impl Running {
    pub(super) fn new() -> Self {
        Self(Sha256::new())
    }

    pub(super) fn take(&mut self, line: &[u8]) {
        self.0.update(line);
    }

    pub(super) fn end(self) -> String {
        to_hex(&self.0.finalize())
    }
}
