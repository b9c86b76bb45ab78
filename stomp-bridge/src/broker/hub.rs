//! What all connections share, and the handle on it.

use super::config::{BrokerConfig, BrokerLimits, ConfigError};
use super::outbox::Outbox;
use super::permission::User;
use super::router::{ConnId, Router};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// An in-memory broker. Clone it freely; when the last clone is dropped its connections close.
#[derive(Clone)]
pub struct Broker {
    pub(super) hub: Arc<Hub>,
    _owner: Arc<Owner>,
}

/// What a broker has done since its start, and holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BrokerStats {
    /// Open WebSockets.
    pub connections: usize,
    /// Live subscriptions.
    pub subscriptions: usize,
    /// SENDs that were taken, routed anywhere or not.
    pub published: u64,
    /// Messages handed to connections.
    pub delivered: u64,
    /// Messages lost to a full queue, a slow consumer, or a NACK that does not requeue.
    pub dropped: u64,
}

struct Owner(Arc<Hub>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.stop.send_replace(true);
    }
}

pub(super) struct Hub {
    state: Mutex<State>,
    pub(super) users: Arc<[User]>,
    pub(super) limits: BrokerLimits,
    stop: watch::Sender<bool>,
    connections: watch::Sender<usize>,
}

struct State {
    router: Router,
    outboxes: HashMap<ConnId, Arc<Outbox>>,
    next_conn: ConnId,
}

impl Broker {
    /// A broker of this configuration. It needs no task of its own.
    ///
    /// # Errors
    /// [`ConfigError`] for a name that is there twice, is not there, or cannot be a name.
    pub fn new(config: BrokerConfig) -> Result<Self, ConfigError> {
        let router = Router::new(&config)?;
        for (i, user) in config.users.iter().enumerate() {
            if config.users[..i]
                .iter()
                .any(|other| other.login == user.login)
            {
                return Err(ConfigError::Duplicate {
                    kind: "user",
                    name: user.login.clone(),
                });
            }
        }
        let hub = Arc::new(Hub {
            state: Mutex::new(State {
                router,
                outboxes: HashMap::new(),
                next_conn: 1,
            }),
            users: config.users.into(),
            limits: config.limits,
            stop: watch::channel(false).0,
            connections: watch::channel(0).0,
        });
        let owner = Arc::new(Owner(Arc::clone(&hub)));
        Ok(Self { hub, _owner: owner })
    }

    /// Counters and sizes, for metrics.
    #[must_use]
    pub fn stats(&self) -> BrokerStats {
        let connections = *self.hub.connections.borrow();
        self.hub.with(|router| BrokerStats {
            connections,
            subscriptions: router.subscriptions(),
            published: router.counters.published,
            delivered: router.counters.delivered,
            dropped: router.counters.dropped,
        })
    }

    /// Takes no more connections, closes all with code 1001 and waits up to `deadline`. Gives the
    /// number that was still open then; these are dropped by their own time-outs.
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        self.hub.stop.send_replace(true);
        let mut connections = self.hub.connections.subscribe();
        // Too late is told by the number.
        timeout(deadline, connections.wait_for(|n| *n == 0))
            .await
            .ok();
        *connections.borrow()
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Hub {
    /// Runs one step on the router and hands out what it routed. The lock is never held across an
    /// await, and a step is short.
    pub(super) fn with<R>(&self, step: impl FnOnce(&mut Router) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State {
            router, outboxes, ..
        } = &mut *state;
        let result = step(router);
        for delivery in router.take_deliveries() {
            if let Some(outbox) = outboxes.get(&delivery.conn) {
                outbox.push(delivery);
            }
        }
        for conn in router.take_slow() {
            if let Some(outbox) = outboxes.get(&conn) {
                outbox.mark_slow();
            }
        }
        result
    }

    pub(super) fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// A place for one more connection, if there is one.
    pub(super) fn admit(self: &Arc<Self>) -> Option<Place> {
        let admitted = self.connections.send_if_modified(|n| {
            let room = *n < self.limits.max_connections && !self.is_stopped();
            *n += usize::from(room);
            room
        });
        admitted.then(|| {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let conn = state.next_conn;
            state.next_conn += 1;
            let outbox = Arc::new(Outbox::default());
            state.router.add_connection(conn);
            state.outboxes.insert(conn, Arc::clone(&outbox));
            Place {
                hub: Arc::clone(self),
                conn,
                outbox,
            }
        })
    }
}

/// A connection's place in the hub; dropping it leaves.
pub(super) struct Place {
    pub(super) hub: Arc<Hub>,
    pub(super) conn: ConnId,
    pub(super) outbox: Arc<Outbox>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hub.with(|router| router.remove_connection(self.conn));
        let mut state = self
            .hub
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        state.outboxes.remove(&self.conn);
        drop(state);
        self.hub.connections.send_modify(|n| *n -= 1);
    }
}
