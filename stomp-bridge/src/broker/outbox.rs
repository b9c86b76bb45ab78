//! Messages on their way to one connection. Its length is bounded by the router, which counts what
//! is handed over and not yet written.

use super::router::Delivery;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    deliveries: VecDeque<Delivery>,
    is_slow: bool,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, delivery: Delivery) {
        self.lock().deliveries.push_back(delivery);
        self.changed.notify_one();
    }

    /// The connection is to be given up.
    pub(super) fn mark_slow(&self) {
        self.lock().is_slow = true;
        self.changed.notify_one();
    }

    pub(super) fn is_slow(&self) -> bool {
        self.lock().is_slow
    }

    pub(super) fn take(&self) -> VecDeque<Delivery> {
        std::mem::take(&mut self.lock().deliveries)
    }

    /// Resolves when something changed since the last call. For one waiter.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Resolves when the connection is to be given up. For one waiter, which looks at
    /// [`take`](Self::take) afterwards.
    pub(super) async fn slow(&self) {
        while !self.is_slow() {
            self.changed.notified().await;
        }
    }
}
