//! A queue and its consumers.

use super::{AckMode, ConnId, Stored};
use crate::broker::config::BrokerLimits;
use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Debug, Clone)]
pub(super) struct Queued {
    pub(super) message: Arc<Stored>,
    pub(super) redelivered: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Consumer {
    pub(super) conn: ConnId,
    pub(super) subscription: Arc<str>,
    pub(super) mode: AckMode,
    /// Unacknowledged messages at once; `None` is no bound.
    pub(super) prefetch: Option<usize>,
    pub(super) unacked: usize,
}

impl Consumer {
    fn may_take_one(&self) -> bool {
        self.mode == AckMode::Auto || self.prefetch.is_none_or(|most| self.unacked < most)
    }
}

#[derive(Debug)]
pub(super) struct Queue {
    messages: VecDeque<Queued>,
    body_bytes: usize,
    pub(super) consumers: Vec<Consumer>,
    /// Whose turn it is.
    turn: usize,
    /// Exchange and key of a subscription's own queue.
    binding: Option<(String, String)>,
}

impl Queue {
    pub(super) fn named() -> Self {
        Self {
            messages: VecDeque::new(),
            body_bytes: 0,
            consumers: vec![],
            turn: 0,
            binding: None,
        }
    }

    pub(super) fn private(exchange: &str, key: &str) -> Self {
        Self {
            binding: Some((exchange.to_owned(), key.to_owned())),
            ..Self::named()
        }
    }

    pub(super) fn is_private(&self) -> bool {
        self.binding.is_some()
    }

    pub(super) fn private_binding(&self) -> Option<(&str, &str)> {
        self.binding
            .as_ref()
            .map(|(exchange, key)| (exchange.as_str(), key.as_str()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Appends; drops the oldest beyond the limits and tells how many.
    pub(super) fn push(&mut self, queued: Queued, limits: &BrokerLimits) -> u64 {
        self.body_bytes += queued.message.body.len();
        self.messages.push_back(queued);
        let mut dropped = 0;
        while self.messages.len() > limits.max_queue_messages
            || self.body_bytes > limits.max_queue_bytes
        {
            let Some(oldest) = self.messages.pop_front() else {
                break;
            };
            self.body_bytes -= oldest.message.body.len();
            dropped += 1;
        }
        dropped
    }

    /// Back to the front, marked as delivered before.
    pub(super) fn put_back(&mut self, mut queued: Queued) {
        queued.redelivered = true;
        self.body_bytes += queued.message.body.len();
        self.messages.push_front(queued);
    }

    /// The oldest message and, in turn, a consumer that may take it and that `has_room`.
    pub(super) fn next_consumer(
        &mut self,
        has_room: impl Fn(&Consumer) -> bool,
    ) -> Option<(Consumer, Queued)> {
        let count = self.consumers.len();
        let free = |at: &usize| {
            let consumer = &self.consumers[*at];
            consumer.may_take_one() && has_room(consumer)
        };
        let at = (0..count).map(|i| (self.turn + i) % count).find(free)?;
        let queued = self.messages.pop_front()?;
        self.body_bytes -= queued.message.body.len();
        self.turn = (at + 1) % count;
        let consumer = &mut self.consumers[at];
        consumer.unacked += usize::from(consumer.mode != AckMode::Auto);
        Some((consumer.clone(), queued))
    }

    pub(super) fn mode_of(&self, conn: ConnId, subscription: &str) -> Option<AckMode> {
        let mut found = self.consumers.iter().filter(|c| c.conn == conn);
        found
            .find(|c| &*c.subscription == subscription)
            .map(|c| c.mode)
    }

    /// One of the consumer's messages is no longer unacknowledged.
    pub(super) fn release(&mut self, conn: ConnId, subscription: &str) {
        let mut found = self.consumers.iter_mut().filter(|c| c.conn == conn);
        if let Some(consumer) = found.find(|c| &*c.subscription == subscription) {
            consumer.unacked = consumer.unacked.saturating_sub(1);
        }
    }
}
