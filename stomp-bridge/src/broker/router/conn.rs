//! Connections as the router knows them.

use super::queue::{AckMode, QueueId, Queued};
use super::{Router, Stored};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

/// A connection, by a number that is never used again.
pub(crate) type ConnId = u64;

/// Room that a connection keeps for its next messages.
const KEPT_CAPACITY: usize = 8;

/// A message on its way to a connection.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// The subscription.
    pub(crate) consumer: Arc<str>,
    /// Counts up per connection; ACK and NACK name it.
    pub(crate) tag: u64,
    pub(crate) mode: AckMode,
    pub(crate) redelivered: bool,
    pub(crate) message: Arc<Stored>,
}

#[derive(Debug)]
pub(super) struct Unacked {
    pub(super) queue: QueueId,
    pub(super) consumer: Arc<str>,
    pub(super) mode: AckMode,
    pub(super) queued: Queued,
}

#[derive(Debug, Default)]
pub(super) struct Conn {
    last_tag: u64,
    /// Handed to the connection, which did not take them yet.
    waiting: VecDeque<Delivery>,
    /// Taken and not yet written.
    writing: usize,
    /// It was told of what waits.
    pub(super) is_woken: bool,
    /// It has half of what it may have before it.
    pub(super) is_pressed: bool,
    /// It did not take what it asked for.
    pub(super) is_slow: bool,
    pub(super) consumers: BTreeMap<Arc<str>, QueueId>,
    pub(super) unacked: BTreeMap<u64, Unacked>,
    /// Queues that it declared: a second declaration is not looked at.
    pub(super) declared: BTreeSet<QueueId>,
}

impl Conn {
    pub(super) fn subscriptions(&self) -> usize {
        self.consumers.len()
    }

    pub(super) fn outgoing(&self) -> usize {
        self.waiting.len() + self.writing
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Delivery> {
        self.waiting.iter()
    }

    pub(super) fn last_tag(&self) -> u64 {
        self.last_tag
    }

    pub(super) fn next_tag(&mut self) -> u64 {
        self.last_tag += 1;
        self.last_tag
    }

    pub(super) fn push(&mut self, delivery: Delivery) {
        self.waiting.push_back(delivery);
    }
}

impl Router {
    pub(crate) fn add_connection(&mut self, conn: ConnId) {
        self.conns.insert(conn, Conn::default());
    }

    /// Removes a connection: its own queues go, what it did not acknowledge goes back in order.
    pub(crate) fn remove_connection(&mut self, conn: ConnId) {
        let Some(mut state) = self.conns.remove(&conn) else {
            return;
        };
        self.flow.forget(conn, self.now);
        for (consumer, queue) in &state.consumers {
            self.detach(conn, consumer, *queue);
        }
        let mut touched = BTreeSet::new();
        while let Some((_, out)) = state.unacked.pop_last() {
            if let Some(queue) = self.queues.get_mut(&out.queue) {
                queue.put_back(out.queued);
                touched.insert(out.queue);
            }
        }
        for queue in &state.declared {
            if self.queues.get(queue).is_some_and(|q| q.is_owned_by(conn)) {
                self.remove_queue(*queue);
            }
        }
        for queue in touched {
            self.trim(queue);
            self.pump(queue);
        }
        self.bury();
    }

    /// The messages that wait for a connection, after it wrote `written` of those it took before.
    /// `taken` is empty.
    pub(crate) fn take(&mut self, conn: ConnId, written: usize, taken: &mut VecDeque<Delivery>) {
        let limit = self.limits.max_outgoing / 2;
        let Some(state) = self.conns.get_mut(&conn) else {
            return;
        };
        let was_full = state.outgoing() >= limit;
        state.writing -= written;
        if was_full && state.outgoing() < limit {
            state.is_pressed = false;
            self.flow.relieve(conn, self.now);
            let queues: BTreeSet<_> = state.consumers.values().copied().collect();
            for queue in queues {
                self.pump(queue);
            }
        }
        let Some(state) = self.conns.get_mut(&conn) else {
            return;
        };
        state.is_woken = false;
        debug_assert!(taken.is_empty(), "what was taken before was dealt with");
        std::mem::swap(&mut state.waiting, taken);
        state.waiting.shrink_to(KEPT_CAPACITY);
        state.writing += taken.len();
    }

    /// Whether the connection is to be given up, since messages come faster than it reads.
    pub(crate) fn is_slow(&self, conn: ConnId) -> bool {
        self.conns.get(&conn).is_some_and(|c| c.is_slow)
    }

    /// Until when a publisher should let a consumer that fell behind catch up; it is woken if
    /// that comes sooner.
    pub(crate) fn hold(&mut self, conn: ConnId) -> Option<Instant> {
        self.flow.hold(conn, self.now)
    }

    /// Connections with news since the last call.
    pub(crate) fn take_woken(&mut self) -> Vec<ConnId> {
        self.flow.take_woken()
    }
}
