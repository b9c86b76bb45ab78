//! What all connections share, and the handle on it.

use super::config::{BrokerConfig, BrokerLimits, ConfigError};
use super::permission::User;
use super::router::{ConnId, Router};
use super::signal::Signal;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
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
    /// Open connections, WebSocket and TCP.
    pub connections: usize,
    /// Live subscriptions.
    pub subscriptions: usize,
    /// Queues, those of subscriptions to exchanges included.
    pub queues: usize,
    /// Bytes that messages take, wherever they wait; [`BrokerLimits::max_total_bytes`] is their bound.
    pub held_bytes: usize,
    /// SENDs that were taken, routed anywhere or not.
    pub published: u64,
    /// Messages handed to connections.
    pub delivered: u64,
    /// Messages that left a queue without being consumed: it was full, the consumer too slow, or
    /// a NACK did not requeue. Some of them went to a dead-letter exchange.
    pub dropped: u64,
}

struct Owner(Arc<Hub>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.stop();
    }
}

pub(super) struct Hub {
    state: Mutex<State>,
    pub(super) users: Arc<[Arc<User>]>,
    pub(super) limits: Arc<BrokerLimits>,
    is_stopped: AtomicBool,
    /// For the listeners; connections are told by their signals.
    stop: watch::Sender<bool>,
    connections: watch::Sender<usize>,
}

struct State {
    router: Router,
    signals: HashMap<ConnId, Arc<Signal>>,
    /// Connections of each address that is known.
    of_address: HashMap<IpAddr, usize>,
    last_conn: ConnId,
}

impl Broker {
    /// A broker of this configuration. It needs no task of its own.
    ///
    /// # Errors
    /// [`ConfigError`] for a name that is there twice, is not there, or cannot be a name.
    pub fn new(config: BrokerConfig) -> Result<Self, ConfigError> {
        let router = Router::new(&config, Instant::now())?;
        for (i, user) in config.users.iter().enumerate() {
            let same = |other: &User| other.login == user.login;
            if config.users[..i].iter().any(same) {
                return Err(ConfigError::Duplicate {
                    kind: "user",
                    name: user.login.clone(),
                });
            }
        }
        let hub = Arc::new(Hub {
            state: Mutex::new(State {
                router,
                signals: HashMap::new(),
                of_address: HashMap::new(),
                last_conn: 0,
            }),
            users: config.users.into_iter().map(Arc::new).collect(),
            limits: Arc::new(config.limits),
            is_stopped: AtomicBool::new(false),
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
        self.hub.with(Instant::now(), |router| BrokerStats {
            connections,
            subscriptions: router.subscriptions(),
            queues: router.queues(),
            held_bytes: router.held().bytes(),
            published: router.counters.published,
            delivered: router.counters.delivered,
            dropped: router.counters.dropped,
        })
    }

    /// Takes no more connections, closes all with code 1001 and waits up to `deadline`. Gives the
    /// number that was still open then; these are dropped by their own time-outs.
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        self.hub.stop();
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
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one step on the router and wakes the connections that it has news for. The lock is
    /// never held across an await, and a step is short.
    pub(super) fn with<R>(&self, now: Instant, step: impl FnOnce(&mut Router) -> R) -> R {
        let mut state = self.lock();
        state.router.tick(now);
        let result = step(&mut state.router);
        let woken = state.router.take_woken();
        let signals: Vec<_> = woken
            .iter()
            .filter_map(|conn| {
                let signal = Arc::clone(state.signals.get(conn)?);
                Some((signal, state.router.is_slow(*conn)))
            })
            .collect();
        drop(state);
        // Outside the lock, which is what they want first.
        for (signal, is_slow) in signals {
            if is_slow {
                signal.mark_slow();
            } else {
                signal.notify();
            }
        }
        result
    }

    fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        self.stop.send_replace(true);
        for signal in self.lock().signals.values() {
            signal.notify();
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// A place for one more connection, if there is one. `from` is its address, where that is known.
    pub(super) fn admit(self: &Arc<Self>, from: Option<IpAddr>) -> Option<Place> {
        let from = from.map(network);
        let mut state = self.lock();
        let of_address = from.and_then(|from| state.of_address.get(&from));
        if of_address.is_some_and(|n| *n >= self.limits.max_connections_per_address) {
            return None;
        }
        let admitted = self.connections.send_if_modified(|n| {
            let room = *n < self.limits.max_connections && !self.is_stopped();
            *n += usize::from(room);
            room
        });
        admitted.then(|| {
            state.last_conn += 1;
            let conn = state.last_conn;
            let signal = Arc::new(Signal::default());
            state.router.add_connection(conn);
            state.signals.insert(conn, Arc::clone(&signal));
            if let Some(from) = from {
                *state.of_address.entry(from).or_default() += 1;
            }
            drop(state);
            Place {
                hub: Arc::clone(self),
                conn,
                signal,
                from,
            }
        })
    }
}

/// What is taken for one address: who has one of IPv6 has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A connection's place in the hub; dropping it leaves.
pub(super) struct Place {
    pub(super) hub: Arc<Hub>,
    pub(super) conn: ConnId,
    pub(super) signal: Arc<Signal>,
    from: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hub.with(Instant::now(), |router| {
            router.remove_connection(self.conn);
        });
        let mut state = self.hub.lock();
        state.signals.remove(&self.conn);
        if let Some(Entry::Occupied(mut of_address)) =
            self.from.map(|from| state.of_address.entry(from))
        {
            *of_address.get_mut() -= 1;
            if *of_address.get() == 0 {
                of_address.remove();
            }
        }
        drop(state);
        self.hub.connections.send_modify(|n| *n -= 1);
    }
}
