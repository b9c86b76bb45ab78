//! The bodies of the fuzz targets: plain functions that panic when something that must hold does not.
//!
//! `tests/corpus.rs` runs them over the committed corpora and a bounded number of mutations; the targets in `fuzz/` run
//! them under libFuzzer.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each user takes its own part"
)]
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, missing_docs)]

mod bill;
mod differential;
mod read;
mod refund;
mod verify;

pub use bill::bill;
pub use differential::differential;
pub use read::read;
pub use refund::refund;
pub use verify::{SIGNED, keys, verify};
