//! What callers and the committer share of an open ledger.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    },
    time::Duration,
};

use tokio::{sync::watch, task::spawn_blocking, time::timeout};

use super::{
    head::Head, kept::Snapshots, locate::Locator, relay::Relay, ring, trees::Trees,
    verification::Verification, verify::Audit,
};
use crate::{Clock, DeadLetter, FailureCause, StoreError, index::Index};

/// The longest wait for an answer: far beyond any sync that still succeeds.
pub(super) const ANSWER_PATIENCE: Duration = Duration::from_mins(1);

/// Why a store is dead.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) cause: FailureCause,
    pub(super) why: String,
}

impl Failure {
    pub(super) fn ended(why: &str) -> Self {
        Self {
            cause: FailureCause::Ended,
            why: why.to_owned(),
        }
    }

    pub(super) fn damaged(why: &str) -> Self {
        Self {
            cause: FailureCause::Damaged,
            why: why.to_owned(),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self {
            cause: FailureCause::of(&error),
            why: error.to_string(),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(Failure { cause, why }: Failure) -> Self {
        Self::Failed { cause, why }
    }
}

/// What is gone once the store is closed.
pub(super) struct Live {
    pub(super) trees: Trees,
    pub(super) index: Index,
    pub(super) head: Head,
}

/// What callers and the committer share.
pub(super) struct Shared {
    /// Held for writing from a transaction to its sync.
    pub(super) live: RwLock<Option<Live>>,
    /// Taken after `live`, where both are.
    pub(super) locator: RwLock<Locator>,
    pub(super) relay: Mutex<Relay>,
    pub(super) ring: Mutex<ring::Ring>,
    /// The verification that goes on in the background. Taken after `live`.
    pub(super) audit: Mutex<Option<Audit>>,
    /// What is kept for those who read one moment. Taken after `live`.
    pub(super) snapshots: Snapshots,
    pub(super) verified: watch::Sender<Verification>,
    pub(super) failed: OnceLock<Failure>,
    pub(super) wake: watch::Sender<u64>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) dead_letter: DeadLetter,
}

impl Shared {
    pub(super) fn locator(&self) -> RwLockReadGuard<'_, Locator> {
        self.locator.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn locator_mut(&self) -> RwLockWriteGuard<'_, Locator> {
        self.locator.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn relay(&self) -> MutexGuard<'_, Relay> {
        self.relay.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn audit(&self) -> MutexGuard<'_, Option<Audit>> {
        self.audit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nothing is answered but this.
    pub(super) fn fail(&self, failure: impl Into<Failure>) -> StoreError {
        let failure = self.failed.get_or_init(|| failure.into());
        tracing::error!(
            why = failure.why,
            "the ledger failed; it answers nothing until it is opened anew"
        );
        failure.clone().into()
    }

    pub(super) fn failed(&self) -> Option<StoreError> {
        self.failed.get().cloned().map(StoreError::from)
    }

    pub(super) fn shut(&self) -> Option<Live> {
        self.live
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    pub(super) fn read<T>(
        &self,
        look: impl FnOnce(&Live) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let live = self
            .live
            .read()
            .map_err(|_| self.fail(Failure::ended("the committer panicked")))?;
        if let Some(failed) = self.failed() {
            return Err(failed);
        }
        look(live.as_ref().ok_or(StoreError::Closed)?)
    }

    /// Reads on the blocking pool.
    pub(super) async fn read_aside<T: Send + 'static>(
        self: &Arc<Self>,
        look: impl FnOnce(&Self, &Live) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(self);
        let reading = spawn_blocking(move || shared.read(|live| look(&shared, live)));
        timeout(ANSWER_PATIENCE, reading)
            .await
            .map_err(|_| StoreError::NoAnswer)?
            .unwrap_or_else(|panic| {
                Err(StoreError::Corrupt {
                    what: format!("a read did not end: {panic}"),
                })
            })
    }
}
