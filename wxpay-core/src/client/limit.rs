//! How many calls are under way at once.

use core::time::Duration;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::CallError;

/// Lets so many calls in, and the others wait, but not for long.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    places: Arc<Semaphore>,
    max_calls: usize,
    longest_wait: Duration,
}

impl Limit {
    pub(super) fn new(max_calls: usize, longest_wait: Duration) -> Self {
        let max_calls = max_calls.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(max_calls)),
            max_calls,
            longest_wait,
        }
    }

    /// A place, which is free again when it is dropped.
    pub(super) async fn enter(&self, most: Duration) -> Result<OwnedSemaphorePermit, CallError> {
        let waiting = self.places.clone().acquire_owned();
        match tokio::time::timeout(self.longest_wait.min(most), waiting).await {
            Ok(Ok(place)) => Ok(place),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(CallError::Busy {
                max_calls: self.max_calls,
            }),
        }
    }
}
