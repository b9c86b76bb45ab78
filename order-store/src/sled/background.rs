//! The verification of a store that serves already.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{
    Failure, Shared,
    verify::{Nobody, REPORT_EVERY},
};
use crate::{StoreError, Verification, VerifyProgress};

/// Records read under one lock: about a millisecond.
const SLICE: usize = 256;

/// Goes on until it is done, or the store is closed, or found damaged; then the store fails.
pub(super) fn verify(
    shared: &Arc<Shared>,
    report: impl Fn(VerifyProgress),
    whole: impl FnOnce() -> Result<(), StoreError>,
) {
    let mut reported = 0;
    loop {
        let slice = catch_unwind(AssertUnwindSafe(|| {
            shared.read(|live| {
                let mut audit = shared.audit();
                let Some(running) = audit.as_mut() else {
                    return Ok(None);
                };
                let more = running.step(&live.trees, SLICE, &mut Nobody)?;
                let progress = running.progress();
                if !more {
                    *audit = None;
                }
                Ok(Some((more, progress)))
            })
        }));
        match slice {
            Ok(Ok(Some((true, progress)))) => {
                if progress.records >= reported + u64::from(REPORT_EVERY) {
                    reported = progress.records;
                    report(progress);
                    shared
                        .verified
                        .send_replace(Verification::Running(progress));
                }
            }
            Ok(Ok(Some((false, progress)))) => {
                report(progress);
                tracing::info!(records = progress.records, took = ?progress.took, "the ledger is verified");
                if let Err(error) = whole() {
                    tracing::warn!(%error, "the copy of the ledger could not be released");
                }
                shared.verified.send_replace(Verification::Whole(progress));
                return;
            }
            Ok(Ok(None) | Err(StoreError::Closed | StoreError::Failed { .. })) => return,
            Ok(Err(error)) => return give_up(shared, &error.to_string()),
            Err(_) => return give_up(shared, "reading the ledger to verify it panicked"),
        }
    }
}

fn give_up(shared: &Shared, why: &str) {
    shared.fail(Failure::damaged(why));
    shared.verified.send_replace(Verification::Failed {
        why: why.to_owned(),
    });
}
