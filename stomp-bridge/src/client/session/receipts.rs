//! The receipts that are waited for.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

struct Waiting<T> {
    id: u64,
    token: T,
    sent: Instant,
}

/// In the order of their ids, which count up: the first has waited longest, and most receipts come in
/// about that order.
pub(super) struct Receipts<T> {
    timeout: Duration,
    waiting: VecDeque<Waiting<T>>,
    next_id: u64,
    /// When the last one came.
    last: Instant,
    /// How long that one took.
    latency: Duration,
}

impl<T> Receipts<T> {
    pub(super) fn new(timeout: Duration, now: Instant) -> Self {
        Self {
            timeout,
            waiting: VecDeque::new(),
            next_id: 1,
            last: now,
            latency: Duration::ZERO,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Waits for another one, which gets this id.
    pub(super) fn expect(&mut self, now: Instant, token: T) -> u64 {
        let (id, sent) = (self.next_id, now);
        self.next_id += 1;
        self.waiting.push_back(Waiting { id, token, sent });
        id
    }

    /// A receipt came. An unknown id is one that was not asked for: nothing hangs on it.
    pub(super) fn came(&mut self, now: Instant, id: u64) -> Option<T> {
        self.last = now;
        let done = self.take(id)?;
        self.latency = now.saturating_duration_since(done.sent);
        Some(done.token)
    }

    /// None will come for this one.
    pub(super) fn refused(&mut self, id: u64) -> Option<T> {
        self.take(id).map(|done| done.token)
    }

    fn take(&mut self, id: u64) -> Option<Waiting<T>> {
        let at = self.waiting.binary_search_by_key(&id, |w| w.id).ok()?;
        self.waiting.remove(at)
    }

    /// The id of the only one, if there is one alone.
    pub(super) fn only(&self) -> Option<u64> {
        let first = self.waiting.front()?;
        (self.waiting.len() == 1).then_some(first.id)
    }

    /// When the first one is late.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.front().map(|first| first.sent + self.timeout)
    }

    /// Whether something at `at` came after the first was sent.
    pub(super) fn is_after_first(&self, at: Instant) -> bool {
        self.waiting.front().is_some_and(|first| at > first.sent)
    }

    /// When the last receipt came.
    pub(super) fn last(&self) -> Instant {
        self.last
    }

    /// How long the last receipt took.
    pub(super) fn latency(&self) -> Duration {
        self.latency
    }

    /// Waits for none any more.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = T> {
        let all = std::mem::take(&mut self.waiting);
        all.into_iter().map(|waiting| waiting.token)
    }
}
