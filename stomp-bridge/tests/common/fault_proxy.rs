//! A TCP proxy that does to connections what networks do, as a plan says or when it is told to.

mod carry;

use super::soon;
use carry::carry;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;

/// Orders that a connection may be behind.
const MAX_ORDERS: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToBroker,
    ToClient,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// What was carried so far arrives, and then the end.
    Orderly,
    /// The peers may lose what they did not read yet.
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Both ways.
    Cut(End),
    /// What comes is taken and forgotten: the connection is half open.
    Swallow,
    /// Nothing is taken any more, so that buffers fill.
    Stuck,
    /// So many bytes are others: no digit is another digit.
    Garble {
        bytes: usize,
    },
    /// Comes in pieces of so many bytes, with a pause before each.
    Drip {
        bytes: usize,
        pause: Duration,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// After so many bytes that way.
    Byte(u64),
    /// So long after the connection was accepted.
    After(Duration),
}

/// What befalls a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    pub way: Way,
    pub when: When,
    pub fault: Fault,
}

impl Fate {
    /// From the first byte on.
    pub fn at_once(way: Way, fault: Fault) -> Self {
        let when = When::Byte(0);
        Self { way, when, fault }
    }
}

#[derive(Clone)]
struct Order {
    way: Way,
    fault: Fault,
    /// Dropped once it is done.
    _doing: mpsc::Sender<()>,
}

/// Ends, with all its connections, when it is dropped.
pub struct FaultProxy {
    pub addr: SocketAddr,
    behind: SocketAddr,
    plan: Arc<Mutex<Plan>>,
    counts: Arc<Counts>,
    orders: broadcast::Sender<Order>,
    /// `None` while it refuses.
    task: Option<JoinHandle<()>>,
}

type Plan = dyn FnMut(usize) -> Option<Fate> + Send;

#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    cuts: AtomicUsize,
}

impl FaultProxy {
    /// The plan gives each connection, by its number from 0, its fate; without one it is carried as
    /// it is.
    pub async fn before(
        behind: SocketAddr,
        plan: impl FnMut(usize) -> Option<Fate> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (orders, _) = broadcast::channel(MAX_ORDERS);
        let mut proxy = Self {
            addr,
            behind,
            plan: Arc::new(Mutex::new(plan)),
            counts: Arc::default(),
            orders,
            task: None,
        };
        proxy.accept(listener);
        proxy
    }

    fn accept(&mut self, listener: TcpListener) {
        let (behind, plan) = (self.behind, Arc::clone(&self.plan));
        let (counts, orders) = (Arc::clone(&self.counts), self.orders.downgrade());
        self.task = Some(tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let number = counts.connections.fetch_add(1, Ordering::SeqCst);
                let fate = (plan.lock().unwrap())(number);
                // Without a sender the proxy is gone, and this is about to end.
                let Some(orders) = orders.upgrade() else {
                    return;
                };
                let (orders, counts) = (orders.subscribe(), Arc::clone(&counts));
                tokio::spawn(carry(client, behind, fate, orders, counts));
            }
        }));
    }

    pub async fn whole(behind: SocketAddr) -> Self {
        Self::before(behind, |_| None).await
    }

    pub fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::SeqCst)
    }

    /// How many of them were cut, not counting those that a peer has closed.
    pub fn cuts(&self) -> usize {
        self.counts.cuts.load(Ordering::SeqCst)
    }

    /// Befalls the connections that there are; those to come have their own fates. Done when it
    /// returns.
    pub async fn now(&self, way: Way, fault: Fault) {
        let (doing, mut done) = mpsc::channel(1);
        let order = Order {
            way,
            fault,
            _doing: doing,
        };
        assert!(self.orders.send(order).is_ok(), "there is no connection");
        assert_eq!(soon(done.recv()).await, None);
    }

    /// Nobody listens any more. Connections that there are go on.
    pub async fn refuse(&mut self) {
        let task = self.task.take().expect("it listens");
        task.abort();
        assert!(task.await.is_err());
    }

    pub async fn listen_again(&mut self) {
        self.accept(TcpListener::bind(self.addr).await.unwrap());
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
