//! What a broker is made of.

use super::permission::User;
use super::policy::Policy;
use crate::frame::Limits;
use std::time::Duration;
use thiserror::Error;

/// How an exchange routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExchangeKind {
    /// To every binding.
    Fanout,
    /// To the bindings whose key is the message's, byte for byte.
    Direct,
    /// To the bindings whose pattern fits the message's key: words between dots, where `*` stands
    /// for one word and `#` for any number of them.
    Topic,
}

/// Bounds on everything that a peer can make grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokerLimits {
    /// Connections at once; one more gets HTTP 503, over plain TCP an ERROR. 20 000.
    pub max_connections: usize,
    /// Connections at once from one address, or from one IPv6 network of 64 bits; one more is turned
    /// away in the same way. It counts where the address is known: at the broker's own listeners and
    /// with [`Broker::upgrade_from`](super::Broker::upgrade_from). Many people may stand behind one
    /// address, and all of them behind a proxy's. 20 000, which is no bound of its own.
    pub max_connections_per_address: usize,
    /// What a frame may hold. 16 KiB, 64 headers of 4 KiB. A WebSocket message may hold four such
    /// frames and at least 16 KiB, since a publisher packs them.
    pub frame: Limits,
    /// Subscriptions of one connection. 16.
    pub max_subscriptions: usize,
    /// Messages on their way to one connection; beyond, it is a slow consumer: ERROR and close.
    /// Messages of a named queue wait in the queue instead, from half of it on. 256.
    pub max_outgoing: usize,
    /// A consumer that has half of `max_outgoing` before it holds up publishers for so long at
    /// most, that it may catch up. 100 ms.
    pub slow_grace: Duration,
    /// Messages of one connection that wait for their ACK; beyond, it gets no more. 4096. A step
    /// that dead-letters more than twice as many loses the rest of them.
    pub max_unacked: usize,
    /// Queues, declared ones included. 40 000, since each subscription of an exchange has its own.
    pub max_queues: usize,
    /// Messages in one queue; beyond, the oldest is dropped, as RabbitMQ's `max-length` does by
    /// default. 10 000.
    pub max_queue_messages: usize,
    /// Bytes that the messages of one queue take: bodies, headers, and half a kilobyte for each;
    /// beyond, the oldest are dropped. 16 MiB.
    pub max_queue_bytes: usize,
    /// Bytes that all messages take which the broker holds: in queues, on their way to consumers, at
    /// consumers until their ACK, and in transactions. One that is in several queues counts once.
    /// Beyond, a SEND is refused with the ERROR `resource_error`. 256 MiB.
    pub max_total_bytes: usize,
    /// Open transactions of one connection. 4.
    pub max_transactions: usize,
    /// Frames in one transaction. 256.
    pub max_transaction_frames: usize,
    /// Bytes that the frames in all open transactions of one connection take. 256 KiB.
    pub max_transaction_bytes: usize,
    /// From the accept to CONNECT. 10 s.
    pub connect_timeout: Duration,
    /// For a connection that takes none of what is written to it. One that takes some, however
    /// slowly, stays. 10 s.
    pub write_timeout: Duration,
    /// A WebSocket that agreed on no heart-beat of its own is pinged so often, and closed when
    /// nothing came for two intervals. A plain TCP connection gets a line end so often, which
    /// makes TCP itself find out that the peer is gone. 30 s.
    pub ping_interval: Duration,
}

impl Default for BrokerLimits {
    fn default() -> Self {
        Self {
            max_connections: 20_000,
            max_connections_per_address: 20_000,
            frame: Limits::default(),
            max_subscriptions: 16,
            max_outgoing: 256,
            slow_grace: Duration::from_millis(100),
            max_unacked: 4096,
            max_queues: 40_000,
            max_queue_messages: 10_000,
            max_queue_bytes: 16 * 1024 * 1024,
            max_total_bytes: 256 * 1024 * 1024,
            max_transactions: 4,
            max_transaction_frames: 256,
            max_transaction_bytes: 256 * 1024,
            connect_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(30),
        }
    }
}

/// A binding between exchanges, by name.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) key: String,
}

/// Exchanges, bindings, queues, users, policies and limits of a [`Broker`](super::Broker).
#[derive(Debug, Clone, Default)]
pub struct BrokerConfig {
    pub(crate) exchanges: Vec<(String, ExchangeKind)>,
    pub(crate) bindings: Vec<Binding>,
    pub(crate) queues: Vec<String>,
    pub(crate) users: Vec<User>,
    pub(crate) policies: Vec<Policy>,
    pub(crate) limits: BrokerLimits,
}

/// Why no broker can be made of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Two exchanges, queues or users of one name.
    #[error("{kind} {name:?} is there twice")]
    Duplicate {
        /// `exchange`, `queue` or `user`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A binding speaks of an exchange or queue that is not there.
    #[error("a binding names {name:?}, which is no exchange or queue")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// A name is empty or begins with `amq.`, which is the broker's own.
    #[error("{name:?} cannot be the name of an exchange or queue")]
    Name {
        /// The name.
        name: String,
    },
}

impl BrokerConfig {
    /// The default limits, and the exchanges that RabbitMQ has from the start: `amq.direct`,
    /// `amq.fanout` and `amq.topic`, which is behind `/topic`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an exchange.
    #[must_use]
    pub fn exchange(mut self, name: impl Into<String>, kind: ExchangeKind) -> Self {
        self.exchanges.push((name.into(), kind));
        self
    }

    /// Binds an exchange or queue (`to`) behind an exchange (`from`). A message keeps its routing
    /// key from exchange to exchange.
    #[must_use]
    pub fn bind(
        mut self,
        from: impl Into<String>,
        to: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        self.bindings.push(Binding {
            from: from.into(),
            to: to.into(),
            key: key.into(),
        });
        self
    }

    /// Declares a queue.
    #[must_use]
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.queues.push(name.into());
        self
    }

    /// Adds a user.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Adds a policy on queues; the first that fits a name counts.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policies.push(policy);
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: BrokerLimits) -> Self {
        self.limits = limits;
        self
    }
}
