//! What a store says of its verification.

use std::{sync::Arc, time::Duration};

/// How far a verification is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyProgress {
    /// Records read.
    pub records: u64,
    /// Of so many.
    pub of_records: u64,
    /// In this time.
    pub took: Duration,
}

/// Told of a verification's progress: every 100 000 records, and at its end. It runs on the thread that verifies.
pub type VerifyHook = Arc<dyn Fn(VerifyProgress) + Send + Sync>;

/// Whether all that the store holds was read and found whole since it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Not yet.
    Running(VerifyProgress),
    /// It was.
    Whole(VerifyProgress),
    /// It was found damaged, and the store has failed.
    Failed {
        /// What is wrong.
        why: String,
    },
}

/// When a store is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// After a clean stop in the background, while it serves; after any other before it serves.
    #[default]
    AsNeeded,
    /// Always before it serves.
    First,
}
