//! Exchanges, queues and consumers: the broker's state and every decision on it. Pure: no socket,
//! no clock, no randomness.
//!
//! Each subscription reads a queue. One of a `/queue` reads the named queue; one of an `/exchange`
//! has a queue of its own that is bound for it and removed with it. Messages go to consumers in
//! turn; what nobody takes waits in the queue.

#[cfg(any(test, fuzzing))]
mod audit;
mod build;
mod conn;
mod consume;
mod declaration;
mod declare;
mod exchange;
mod flow;
mod publish;
mod pump;
mod queue;
mod settle;
mod sink;
mod topic;

use super::config::BrokerLimits;
use super::held::Held;
use super::message::{Death, Stored};
use super::policy::Policy;
use exchange::Exchange;
use flow::Flow;
use queue::{Queue, QueueId};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

pub(crate) use conn::{ConnId, Delivery};
pub(crate) use consume::{Consume, Own};
pub(crate) use declaration::{Arguments, DeadLetter, Declaration};
pub(crate) use declare::Mismatch;
pub(crate) use queue::AckMode;
pub(crate) use settle::Settle;

use conn::Conn;

/// Why the router does not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RouteError {
    NoExchange,
    NoQueue,
    /// Another connection's own queue, or one that would have to be.
    Locked,
    /// A name that begins with `amq.`.
    Reserved,
    Inequivalent(Mismatch),
    TooManyQueues,
    TooManySubscriptions,
    DuplicateSubscription,
    NoSubscription,
    UnknownTag,
}

/// Counters since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) published: u64,
    pub(crate) delivered: u64,
    pub(crate) dropped: u64,
}

#[derive(Debug)]
pub(crate) struct Router {
    limits: BrokerLimits,
    policies: Vec<Policy>,
    now: Instant,
    exchanges: HashMap<Arc<str>, Exchange>,
    queues: HashMap<QueueId, Queue>,
    names: HashMap<Arc<str>, QueueId>,
    conns: HashMap<ConnId, Conn>,
    last_queue: QueueId,
    /// Queues without a consumer that go at a time.
    expiring: BTreeSet<(Instant, QueueId)>,
    /// Messages that died and were not routed again yet.
    dead: VecDeque<(Arc<str>, DeadLetter, Death, Arc<Stored>)>,
    flow: Flow,
    held: Held,
    pub(crate) counters: Counters,
}

impl Router {
    /// The time of what follows. Queues that expired by then are gone.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.now = now;
        while let Some((_, queue)) = self.expiring.first().filter(|(at, _)| *at <= now) {
            let queue = *queue;
            self.remove_queue(queue);
        }
    }

    pub(crate) fn subscriptions(&self) -> usize {
        self.conns.values().map(Conn::subscriptions).sum()
    }

    pub(crate) fn queues(&self) -> usize {
        self.queues.len()
    }

    /// Bytes of all messages, wherever they wait.
    pub(crate) fn held(&self) -> &Held {
        &self.held
    }

    fn queue_id(&self, name: &str) -> Option<QueueId> {
        self.names.get(name).copied()
    }
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
