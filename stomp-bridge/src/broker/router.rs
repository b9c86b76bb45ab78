//! Exchanges, queues and consumers: the broker's state and every decision on it. Pure: no socket,
//! no clock, no randomness.
//!
//! Each subscription reads a queue. One of a `/queue` reads the named queue; one of an `/exchange`
//! has a queue of its own that is bound for it and removed with it. Messages go to consumers in
//! turn; what nobody takes waits in the queue.

mod exchange;
mod queue;

use super::config::{BrokerConfig, BrokerLimits, ConfigError};
use bytes::Bytes;
use exchange::{Exchange, Sink};
use queue::{Consumer, Queue, Queued};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A connection, by a number that is never used again.
pub(crate) type ConnId = u64;

/// A message as it was published: shared by all who get it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) destination: String,
    /// What is passed on of the SEND's headers.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

/// How a consumer acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AckMode {
    Auto,
    /// One ACK stands for all before it in the subscription.
    Client,
    ClientIndividual,
}

/// A message on its way to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) conn: ConnId,
    pub(crate) subscription: Arc<str>,
    /// Counts up per connection; ACK and NACK name it.
    pub(crate) tag: u64,
    pub(crate) mode: AckMode,
    pub(crate) redelivered: bool,
    pub(crate) message: Arc<Stored>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteError {
    NoExchange,
    NoQueue,
    TooManyQueues,
    TooManySubscriptions,
    DuplicateSubscription,
    NoSubscription,
    UnknownTag,
}

/// What happens to a message that was not consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settle {
    Done,
    Requeue,
    Discard,
}

#[derive(Debug)]
struct Unacked {
    queue: Arc<str>,
    subscription: Arc<str>,
    queued: Queued,
}

#[derive(Debug, Default)]
struct Conn {
    next_tag: u64,
    /// Messages handed over and not yet written.
    outgoing: usize,
    subscriptions: BTreeMap<Arc<str>, Arc<str>>,
    unacked: BTreeMap<u64, Unacked>,
}

/// Counters since the start, and sizes now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) published: u64,
    pub(crate) delivered: u64,
    pub(crate) dropped: u64,
}

#[derive(Debug)]
pub(crate) struct Router {
    limits: BrokerLimits,
    exchanges: HashMap<Arc<str>, Exchange>,
    queues: HashMap<Arc<str>, Queue>,
    conns: HashMap<ConnId, Conn>,
    next_private_queue: u64,
    deliveries: Vec<Delivery>,
    /// Connections that do not take what they asked for.
    slow: BTreeSet<ConnId>,
    pub(crate) counters: Counters,
}

impl Router {
    pub(crate) fn new(config: &BrokerConfig) -> Result<Self, ConfigError> {
        let (exchanges, queues) = exchange::build(config)?;
        Ok(Self {
            limits: config.limits,
            exchanges,
            queues,
            conns: HashMap::new(),
            next_private_queue: 0,
            deliveries: Vec::new(),
            slow: BTreeSet::new(),
            counters: Counters::default(),
        })
    }

    /// What was routed since the last call.
    pub(crate) fn take_deliveries(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.deliveries)
    }

    /// The slow consumers found since the last call.
    pub(crate) fn take_slow(&mut self) -> BTreeSet<ConnId> {
        std::mem::take(&mut self.slow)
    }

    pub(crate) fn subscriptions(&self) -> usize {
        self.conns.values().map(|c| c.subscriptions.len()).sum()
    }

    pub(crate) fn add_connection(&mut self, conn: ConnId) {
        self.conns.insert(conn, Conn::default());
    }

    /// Removes a connection: its own queues go, what it did not acknowledge goes back in order.
    pub(crate) fn remove_connection(&mut self, conn: ConnId) {
        let Some(Conn {
            subscriptions,
            unacked,
            ..
        }) = self.conns.remove(&conn)
        else {
            return;
        };
        for (subscription, queue) in &subscriptions {
            self.detach(conn, subscription, queue);
        }
        let mut touched = BTreeSet::new();
        for (_, Unacked { queue, queued, .. }) in unacked.into_iter().rev() {
            if let Some(q) = self.queues.get_mut(&queue) {
                q.put_back(queued);
                touched.insert(queue);
            }
        }
        for queue in touched {
            self.pump(&queue);
        }
    }

    /// Declares a queue that holds its messages.
    pub(crate) fn declare(&mut self, name: &str) -> Result<(), RouteError> {
        if self.queues.contains_key(name) {
            return Ok(());
        }
        if self.queues.len() >= self.limits.max_queues {
            return Err(RouteError::TooManyQueues);
        }
        self.queues.insert(name.into(), Queue::named());
        Ok(())
    }

    /// Routes by an exchange. No binding that fits: the message is gone, as in RabbitMQ.
    pub(crate) fn publish(
        &mut self,
        exchange: &str,
        key: &str,
        message: Stored,
    ) -> Result<(), RouteError> {
        if !self.exchanges.contains_key(exchange) {
            return Err(RouteError::NoExchange);
        }
        self.counters.published += 1;
        let message = Arc::new(message);
        for queue in exchange::route(&self.exchanges, exchange, key) {
            self.enqueue(&queue, &message);
        }
        Ok(())
    }

    /// Straight to a queue. A missing one: the message is gone, as in RabbitMQ.
    pub(crate) fn publish_to_queue(&mut self, queue: &str, message: Stored) {
        self.counters.published += 1;
        if let Some((name, _)) = self.queues.get_key_value(queue) {
            let name = Arc::clone(name);
            self.enqueue(&name, &Arc::new(message));
        }
    }

    fn enqueue(&mut self, name: &Arc<str>, message: &Arc<Stored>) {
        let Some(queue) = self.queues.get_mut(name) else {
            return;
        };
        let queued = Queued {
            message: Arc::clone(message),
            redelivered: false,
        };
        self.counters.dropped += queue.push(queued, &self.limits);
        self.pump(name);
    }

    /// Subscribes to a queue that exists.
    pub(crate) fn consume(
        &mut self,
        conn: ConnId,
        subscription: &str,
        queue: &str,
        mode: AckMode,
        prefetch: Option<usize>,
    ) -> Result<(), RouteError> {
        let Some((name, _)) = self.queues.get_key_value(queue) else {
            return Err(RouteError::NoQueue);
        };
        let (name, subscription) = (Arc::clone(name), Arc::<str>::from(subscription));
        let limit = self.limits.max_subscriptions;
        let Some(state) = self.conns.get_mut(&conn) else {
            return Ok(());
        };
        if state.subscriptions.contains_key(&subscription) {
            return Err(RouteError::DuplicateSubscription);
        }
        if state.subscriptions.len() >= limit {
            return Err(RouteError::TooManySubscriptions);
        }
        state
            .subscriptions
            .insert(Arc::clone(&subscription), Arc::clone(&name));
        if let Some(queue) = self.queues.get_mut(&name) {
            queue.consumers.push(Consumer {
                conn,
                subscription,
                mode,
                prefetch,
                unacked: 0,
            });
        }
        self.pump(&name);
        Ok(())
    }

    /// Subscribes to an exchange through a queue of the subscription's own.
    pub(crate) fn consume_exchange(
        &mut self,
        conn: ConnId,
        subscription: &str,
        (exchange, key): (&str, &str),
        mode: AckMode,
        prefetch: Option<usize>,
    ) -> Result<(), RouteError> {
        if !self.exchanges.contains_key(exchange) {
            return Err(RouteError::NoExchange);
        }
        if self.queues.len() >= self.limits.max_queues {
            return Err(RouteError::TooManyQueues);
        }
        // A name that no destination can spell: nobody else can read it.
        self.next_private_queue += 1;
        let name: Arc<str> = format!("\0{}", self.next_private_queue).into();
        self.queues
            .insert(Arc::clone(&name), Queue::private(exchange, key));
        let consumed = self.consume(conn, subscription, &name, mode, prefetch);
        match (consumed, self.exchanges.get_mut(exchange)) {
            (Ok(()), Some(exchange)) => exchange.bind(key, Sink::Queue(name)),
            _ => drop(self.queues.remove(&name)),
        }
        consumed
    }

    pub(crate) fn unsubscribe(&mut self, conn: ConnId, id: &str) -> Result<(), RouteError> {
        let removed = self
            .conns
            .get_mut(&conn)
            .and_then(|c| c.subscriptions.remove_entry(id));
        let (subscription, queue) = removed.ok_or(RouteError::NoSubscription)?;
        self.detach(conn, &subscription, &queue);
        Ok(())
    }

    fn detach(&mut self, conn: ConnId, subscription: &str, name: &Arc<str>) {
        let Some(queue) = self.queues.get_mut(name) else {
            return;
        };
        queue
            .consumers
            .retain(|c| c.conn != conn || &*c.subscription != subscription);
        if let Some((exchange, key)) = queue.private_binding() {
            if let Some(exchange) = self.exchanges.get_mut(exchange) {
                exchange.unbind(key, &Sink::Queue(Arc::clone(name)));
            }
            self.queues.remove(name);
        }
    }

    /// Whose message a delivery is, while it is out.
    pub(crate) fn subscription_of(&self, conn: ConnId, tag: u64) -> Option<Arc<str>> {
        let out = self.conns.get(&conn)?.unacked.get(&tag)?;
        Some(Arc::clone(&out.subscription))
    }

    /// ACK or NACK of a delivery. In mode `client` it stands for all before it in its subscription.
    pub(crate) fn settle(&mut self, conn: ConnId, tag: u64, how: Settle) -> Result<(), RouteError> {
        let Some(state) = self.conns.get_mut(&conn) else {
            return Ok(());
        };
        let one = state.unacked.get(&tag).ok_or(RouteError::UnknownTag)?;
        let (queue, subscription) = (Arc::clone(&one.queue), Arc::clone(&one.subscription));
        let mode = self
            .queues
            .get(&queue)
            .and_then(|q| q.mode_of(conn, &subscription));
        let tags: Vec<u64> = match mode {
            Some(AckMode::Client) => {
                let same = |u: &Unacked| u.subscription == subscription;
                state
                    .unacked
                    .range(..=tag)
                    .filter(|(_, u)| same(u))
                    .map(|(t, _)| *t)
                    .collect()
            }
            _ => vec![tag],
        };
        for tag in tags.into_iter().rev() {
            let Some(Unacked { queued, .. }) = state.unacked.remove(&tag) else {
                continue;
            };
            let Some(queue) = self.queues.get_mut(&queue) else {
                continue;
            };
            queue.release(conn, &subscription);
            match how {
                Settle::Done => {}
                Settle::Requeue => queue.put_back(queued),
                Settle::Discard => self.counters.dropped += 1,
            }
        }
        self.pump(&queue);
        Ok(())
    }

    /// A connection wrote `n` messages: there is room again for those of named queues.
    pub(crate) fn written(&mut self, conn: ConnId, n: usize) {
        let Some(state) = self.conns.get_mut(&conn) else {
            return;
        };
        let was_full = state.outgoing >= self.limits.max_outgoing / 2;
        state.outgoing = state.outgoing.saturating_sub(n);
        if was_full {
            let queues: BTreeSet<_> = state.subscriptions.values().cloned().collect();
            for queue in queues {
                self.pump(&queue);
            }
        }
    }

    /// Hands out what waits in a queue, in turn, as long as somebody takes it.
    fn pump(&mut self, name: &Arc<str>) {
        let Self {
            queues,
            conns,
            limits,
            deliveries,
            slow,
            counters,
            ..
        } = self;
        let Some(queue) = queues.get_mut(name) else {
            return;
        };
        // A private auto-ack queue holds nothing back: its reader keeps up or is dropped.
        let holds = !queue.is_private();
        while !queue.is_empty() {
            let next = queue.next_consumer(|consumer| {
                let outgoing = conns.get(&consumer.conn).map_or(usize::MAX, |c| c.outgoing);
                let pushed = !holds && consumer.mode == AckMode::Auto;
                pushed || outgoing < limits.max_outgoing / 2
            });
            let Some((consumer, queued)) = next else {
                return;
            };
            let Some(conn) = conns.get_mut(&consumer.conn) else {
                continue;
            };
            if conn.outgoing >= limits.max_outgoing {
                slow.insert(consumer.conn);
                counters.dropped += 1;
                continue;
            }
            conn.next_tag += 1;
            conn.outgoing += 1;
            counters.delivered += 1;
            let tag = conn.next_tag;
            deliveries.push(Delivery {
                conn: consumer.conn,
                subscription: Arc::clone(&consumer.subscription),
                tag,
                mode: consumer.mode,
                redelivered: queued.redelivered,
                message: Arc::clone(&queued.message),
            });
            if consumer.mode != AckMode::Auto {
                let subscription = consumer.subscription;
                let queue = Arc::clone(name);
                conn.unacked.insert(
                    tag,
                    Unacked {
                        queue,
                        subscription,
                        queued,
                    },
                );
            }
        }
    }
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
