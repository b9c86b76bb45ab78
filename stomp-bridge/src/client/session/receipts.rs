//! The receipts that are waited for.

use crate::client::numbered::Numbered;
use std::time::{Duration, Instant};

struct Waiting<T> {
    token: T,
    sent: Instant,
}

/// By their ids, which count up: the first has waited longest, and most receipts come in about that
/// order.
pub(super) struct Receipts<T> {
    timeout: Duration,
    waiting: Numbered<Waiting<T>>,
    next_id: u64,
    /// When the last one came.
    last: Instant,
    /// When the last that was waited for was asked for, and when it came.
    answered: (Instant, Instant),
}

impl<T> Receipts<T> {
    pub(super) fn new(timeout: Duration, now: Instant) -> Self {
        Self {
            timeout,
            waiting: Numbered::default(),
            next_id: 1,
            last: now,
            answered: (now, now),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Waits for another one, which gets this id.
    pub(super) fn expect(&mut self, now: Instant, token: T) -> u64 {
        let (id, sent) = (self.next_id, now);
        self.next_id += 1;
        self.waiting.push(id, Waiting { token, sent });
        id
    }

    /// A receipt came. An unknown id is one that was not asked for: nothing hangs on it.
    pub(super) fn came(&mut self, now: Instant, id: u64) -> Option<T> {
        self.last = now;
        let done = self.waiting.take(id)?;
        self.answered = (done.sent, now);
        Some(done.token)
    }

    /// None will come for this one.
    pub(super) fn refused(&mut self, id: u64) -> Option<T> {
        self.waiting.take(id).map(|done| done.token)
    }

    /// The id of the only one, if there is one alone.
    pub(super) fn only(&self) -> Option<u64> {
        let (id, _) = self.waiting.front()?;
        (self.waiting.len() == 1).then_some(*id)
    }

    /// When the first one is late.
    pub(super) fn due(&self) -> Option<Instant> {
        let first = self.waiting.front();
        first.map(|(_, first)| first.sent + self.timeout)
    }

    /// Whether something at `at` came after the first was sent.
    pub(super) fn is_after_first(&self, at: Instant) -> bool {
        let first = self.waiting.front();
        first.is_some_and(|(_, first)| at > first.sent)
    }

    /// When the last receipt came.
    pub(super) fn last(&self) -> Instant {
        self.last
    }

    /// How long the last receipt took.
    pub(super) fn latency(&self) -> Duration {
        let (sent, came) = self.answered;
        came.saturating_duration_since(sent)
    }

    /// Waits for none any more.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = T> + use<T> {
        self.waiting.take_all().map(|waiting| waiting.token)
    }
}
