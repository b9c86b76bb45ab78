//! How the ledger is opened.

use std::{fmt, sync::Arc, time::Duration};

#[cfg(any(test, feature = "fault-points"))]
use super::fault::FaultHook;
use super::fault::Faults;
use crate::{Clock, DeadLetter, SystemClock, Verify, VerifyHook, VerifyProgress};

/// How a [`SledStore`](crate::SledStore) is opened.
#[derive(Clone)]
pub struct SledOptions {
    /// The clock of leases and waits. Facts of orders take their time from the commands.
    pub clock: Arc<dyn Clock>,
    /// What sled may cache, in bytes. Not a bound of the memory used: a process that loads much uses several times that.
    pub cache_bytes: u64,
    /// How long a write waits for a place in a full queue before it is [`StoreError::Busy`](crate::StoreError::Busy).
    pub busy_after: Duration,
    /// How long to wait for a folder that another process has open. A process that was killed may hold its lock a moment
    /// longer: a service that is started again at once should wait 5 s.
    pub lock_patience: Duration,
    /// When everything is read and checked.
    pub verify: Verify,
    /// Told how far that is.
    pub progress: Option<VerifyHook>,
    /// Asked before and after each step that a crash or failure can fall on. For tests.
    #[cfg(any(test, feature = "fault-points"))]
    pub faults: Option<FaultHook>,
    /// After how many failed tries a row of the outbox is set aside.
    pub dead_letter: DeadLetter,
}

/// The machine's clock, 64 MiB, one second for a place in the queue and for a lock, and [`DeadLetter::default`].
impl Default for SledOptions {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            cache_bytes: 64 << 20,
            busy_after: Duration::from_secs(1),
            dead_letter: DeadLetter::default(),
            lock_patience: Duration::from_secs(1),
            verify: Verify::AsNeeded,
            progress: None,
            #[cfg(any(test, feature = "fault-points"))]
            faults: None,
        }
    }
}

impl SledOptions {
    pub(super) fn how(&self) -> How {
        How {
            cache_bytes: self.cache_bytes,
            lock_patience: self.lock_patience,
            verify: self.verify,
            progress: self.progress.clone(),
            faults: Faults {
                #[cfg(any(test, feature = "fault-points"))]
                hook: self.faults.clone(),
            },
        }
    }
}

impl fmt::Debug for SledOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledOptions")
            .field("cache_bytes", &self.cache_bytes)
            .field("busy_after", &self.busy_after)
            .field("dead_letter", &self.dead_letter)
            .field("lock_patience", &self.lock_patience)
            .field("verify", &self.verify)
            .finish_non_exhaustive()
    }
}

/// The part of the options that opening a folder goes by.
#[derive(Clone)]
pub(super) struct How {
    pub(super) cache_bytes: u64,
    pub(super) lock_patience: Duration,
    pub(super) verify: Verify,
    pub(super) progress: Option<VerifyHook>,
    pub(super) faults: Faults,
}

impl How {
    pub(super) fn report(&self, progress: VerifyProgress) {
        tracing::info!(
            records = progress.records,
            of = progress.of_records,
            took = ?progress.took,
            "verifying the ledger"
        );
        if let Some(hook) = &self.progress {
            hook(progress);
        }
    }
}
