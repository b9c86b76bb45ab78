//! A queue and its consumers.

use super::declaration::{Arguments, Declaration};
use super::{ConnId, Stored};
use crate::broker::config::BrokerLimits;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A queue, by a number that is never used again.
pub(super) type QueueId = u64;

/// How a consumer acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AckMode {
    Auto,
    /// One ACK stands for all before it in the subscription.
    Client,
    ClientIndividual,
}

#[derive(Debug, Clone)]
pub(super) struct Queued {
    pub(super) message: Arc<Stored>,
    pub(super) redelivered: bool,
}

#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) conn: ConnId,
    pub(super) name: Arc<str>,
    pub(super) mode: AckMode,
    /// Unacknowledged messages at once; `None` is no bound.
    pub(super) prefetch: Option<usize>,
    pub(super) unacked: usize,
    /// Deliveries of the connection up to this one belong to an earlier subscription of that name.
    pub(super) after_tag: u64,
}

impl Consumer {
    pub(super) fn may_take_one(&self) -> bool {
        self.mode == AckMode::Auto || self.prefetch.is_none_or(|most| self.unacked < most)
    }
}

/// What a queue has that others can name.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: Arc<str>,
    pub(super) declaration: Declaration,
    /// The declaration's and the policy's bounds, the smaller of both.
    pub(super) bounds: Arguments,
    /// The one connection that may use it.
    pub(super) owner: Option<ConnId>,
    /// When it goes, while nobody reads it.
    pub(super) expires_at: Option<Instant>,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) messages: VecDeque<Queued>,
    pub(super) body_bytes: usize,
    /// Of all that the messages take.
    pub(super) bytes: usize,
    pub(super) consumers: Vec<Consumer>,
    /// Whose turn it is.
    turn: usize,
    /// Exchanges and keys.
    pub(super) bindings: Vec<(Arc<str>, String)>,
    /// `None`: a subscription's own.
    pub(super) named: Option<Box<Named>>,
}

impl Queue {
    pub(super) fn named(named: Named) -> Self {
        Self {
            named: Some(Box::new(named)),
            ..Self::default()
        }
    }

    pub(super) fn is_owned_by(&self, conn: ConnId) -> bool {
        self.named.as_ref().is_some_and(|n| n.owner == Some(conn))
    }

    /// Another connection's own.
    pub(super) fn is_locked_for(&self, conn: ConnId) -> bool {
        let owner = self.named.as_ref().and_then(|n| n.owner);
        owner.is_some_and(|owner| owner != conn)
    }

    pub(super) fn goes_with_its_last_consumer(&self) -> bool {
        let auto_delete = |n: &Named| n.declaration.auto_delete;
        self.named.as_deref().is_none_or(auto_delete)
    }

    pub(super) fn expires(&self) -> Option<Duration> {
        self.named.as_ref()?.bounds.expires
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn push(&mut self, queued: Queued) {
        self.count(&queued);
        self.messages.push_back(queued);
    }

    /// Back to the front, marked as delivered before.
    pub(super) fn put_back(&mut self, mut queued: Queued) {
        queued.redelivered = true;
        self.count(&queued);
        self.messages.push_front(queued);
    }

    fn count(&mut self, queued: &Queued) {
        self.body_bytes += queued.message.body().len();
        self.bytes += queued.message.size();
    }

    /// Takes the oldest message if there are too many.
    pub(super) fn overflow(&mut self, limits: &BrokerLimits) -> Option<Queued> {
        let bounds = self.named.as_ref().map(|n| &n.bounds);
        let max_length = bounds.and_then(|b| b.max_length);
        let max_length_bytes = bounds.and_then(|b| b.max_length_bytes);
        let is_full = self.messages.len() > limits.max_queue_messages
            || self.bytes > limits.max_queue_bytes
            || max_length.is_some_and(|most| self.messages.len() > most)
            || max_length_bytes.is_some_and(|most| self.body_bytes > most);
        if is_full { self.pop() } else { None }
    }

    fn pop(&mut self) -> Option<Queued> {
        let oldest = self.messages.pop_front()?;
        self.body_bytes -= oldest.message.body().len();
        self.bytes -= oldest.message.size();
        Some(oldest)
    }

    /// The oldest message and, in turn, a consumer that may take it and that `has_room`.
    pub(super) fn next_consumer(
        &mut self,
        has_room: impl Fn(&Consumer) -> bool,
    ) -> Option<(&Consumer, Queued)> {
        let count = self.consumers.len();
        let free = |at: &usize| {
            let consumer = &self.consumers[*at];
            consumer.may_take_one() && has_room(consumer)
        };
        let at = (0..count).map(|i| (self.turn + i) % count).find(free)?;
        let queued = self.pop()?;
        self.turn = (at + 1) % count;
        let consumer = &mut self.consumers[at];
        consumer.unacked += usize::from(consumer.mode != AckMode::Auto);
        Some((consumer, queued))
    }

    /// One of the consumer's messages is no longer unacknowledged.
    pub(super) fn release(&mut self, conn: ConnId, name: &str, tag: u64) {
        let mut found = self.consumers.iter_mut().filter(|c| c.conn == conn);
        if let Some(consumer) = found.find(|c| &*c.name == name && c.after_tag < tag) {
            consumer.unacked -= 1;
        }
    }
}
