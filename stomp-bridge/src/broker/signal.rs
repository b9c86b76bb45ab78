//! Tells one connection's task that there is news for it. What the news is stands in the router.

use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct Signal {
    news: Notify,
    /// Of its own, since a task that is writing hears this alone.
    slow: Notify,
    is_slow: AtomicBool,
}

impl Signal {
    pub(super) fn notify(&self) {
        self.news.notify_one();
    }

    /// The connection is to be given up, since messages come faster than it reads.
    pub(super) fn mark_slow(&self) {
        self.is_slow.store(true, Ordering::Release);
        self.slow.notify_one();
        self.notify();
    }

    pub(super) fn is_slow(&self) -> bool {
        self.is_slow.load(Ordering::Acquire)
    }

    /// Resolves when there was news since the last call. For one waiter.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// Resolves when the connection is to be given up. For one waiter.
    pub(super) async fn slow(&self) {
        while !self.is_slow() {
            self.slow.notified().await;
        }
    }
}
