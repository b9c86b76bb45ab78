//! What the routes and the notify sender share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::{
    clock::Clock,
    faults::{Faults, FaultsChange},
    gateway::{Gateway, Random},
};

/// One running simulator. The locks are held for pure decisions only, never across an await.
#[derive(Debug)]
pub(crate) struct Shared {
    gateway: Mutex<Gateway>,
    faults: Mutex<Faults>,
    pub(crate) clock: Clock,
    /// Woken when a notify may have come due.
    pub(crate) due: Notify,
    stop: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(gateway: Gateway) -> Self {
        Self {
            gateway: Mutex::new(gateway),
            faults: Mutex::new(Faults::default()),
            clock: Clock::new(),
            due: Notify::new(),
            stop: watch::Sender::new(false),
        }
    }

    pub(crate) fn gateway(&self) -> MutexGuard<'_, Gateway> {
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change_faults(&self, change: FaultsChange) -> Faults {
        let mut faults = self.faults();
        *faults = faults.changed(change);
        *faults
    }

    /// Asks everything to stop.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until everything was asked to stop.
    pub(crate) async fn stopped(&self) {
        // The sender lives as long as `self`, so this cannot fail.
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }
}

/// Fresh random bytes for one decision.
pub(crate) fn random() -> Result<Random, getrandom::Error> {
    let mut bytes = [0; Random::LEN];
    getrandom::fill(&mut bytes)?;
    Ok(Random::new(bytes))
}
