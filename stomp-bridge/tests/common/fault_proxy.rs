//! A TCP proxy that does to connections what networks do, as a plan says or when it is told to.

use super::soon;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Read at once.
const PIECE_BYTES: usize = 16 * 1024;
/// For the end of a connection that was cut in order.
const FAREWELL: Duration = Duration::from_secs(1);
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
    pub fn at_once(way: Way, fault: Fault) -> Option<Self> {
        let when = When::Byte(0);
        Some(Self { way, when, fault })
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

/// Carries one connection to its end.
async fn carry(
    mut client: TcpStream,
    behind: SocketAddr,
    fate: Option<Fate>,
    mut orders: broadcast::Receiver<Order>,
    counts: Arc<Counts>,
) {
    let Ok(mut broker) = TcpStream::connect(behind).await else {
        return;
    };
    for socket in [&client, &broker] {
        socket.set_nodelay(true).unwrap();
    }
    let ((from_client, to_client), (from_broker, to_broker)) = (client.split(), broker.split());
    let (forth, forth_faults) = watch::channel(Fault::None);
    let (back, back_faults) = watch::channel(Fault::None);
    let both_ways = async {
        tokio::try_join!(
            lane(
                from_client,
                to_broker,
                turn(fate, Way::ToBroker),
                forth_faults
            ),
            lane(
                from_broker,
                to_client,
                turn(fate, Way::ToClient),
                back_faults
            ),
        )
    };
    let told = async {
        let mut clock = pin!(rings(fate));
        let mut rang = false;
        loop {
            let (way, fault, order) = tokio::select! {
                (way, fault) = &mut clock, if !rang => {
                    rang = true;
                    (way, fault, None)
                }
                order = orders.recv() => {
                    let order = order.map_err(|_| Broken::Gone)?;
                    (order.way, order.fault, Some(order))
                }
            };
            match (way, fault) {
                (_, Fault::Cut(end)) => return Err(Broken::Cut(end)),
                (Way::ToBroker, fault) => forth.send_replace(fault),
                (Way::ToClient, fault) => back.send_replace(fault),
            };
            drop(order);
        }
    };
    let end: Result<_, Broken> = tokio::select! {
        // An order is done before anything more is carried.
        biased;
        end = told => end,
        ended = both_ways => ended.map(drop),
    };
    let Err(Broken::Cut(end)) = end else { return };
    counts.cuts.fetch_add(1, Ordering::SeqCst);
    match end {
        End::Orderly => {
            let farewell = async { tokio::join!(leave(&mut client), leave(&mut broker)) };
            timeout(FAREWELL, farewell).await.ok();
        }
        End::Reset => {
            for socket in [&client, &broker] {
                socket.set_zero_linger().unwrap();
            }
        }
    }
}

/// The end goes out, and what still comes in is not answered with a reset.
async fn leave(socket: &mut TcpStream) {
    socket.shutdown().await.ok();
    let mut unheard = vec![0; PIECE_BYTES];
    while matches!(socket.read(&mut unheard).await, Ok(count) if count > 0) {}
}

/// What is to come at its time.
async fn rings(fate: Option<Fate>) -> (Way, Fault) {
    match fate {
        Some(Fate {
            way,
            when: When::After(time),
            fault,
        }) => {
            sleep(time).await;
            (way, fault)
        }
        _ => std::future::pending().await,
    }
}

/// At which byte of a lane what begins.
fn turn(fate: Option<Fate>, way: Way) -> Option<(u64, Fault)> {
    match fate? {
        Fate {
            way: its,
            when: When::Byte(at),
            fault,
        } if its == way => Some((at, fault)),
        _ => None,
    }
}

enum Broken {
    Cut(End),
    /// A peer is, or the proxy.
    Gone,
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// One way of a connection, to the end of what comes.
async fn lane(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut turn: Option<(u64, Fault)>,
    mut faults: watch::Receiver<Fault>,
) -> Result<(), Broken> {
    let mut bytes = vec![0; PIECE_BYTES];
    let (mut carried, mut fault) = (0, Fault::None);
    loop {
        if let Some((at, its)) = turn
            && carried >= at
        {
            (turn, fault) = (None, its);
        }
        if faults.has_changed().unwrap_or(false) {
            fault = *faults.borrow_and_update();
        }
        let limit = match fault {
            Fault::Cut(end) => return Err(Broken::Cut(end)),
            Fault::Stuck => {
                changed(&mut faults).await;
                continue;
            }
            Fault::Drip { bytes, pause } => {
                sleep(pause).await;
                bytes
            }
            Fault::None | Fault::Swallow | Fault::Garble { .. } => bytes.len(),
        };
        let to_turn = turn.map_or(u64::MAX, |(at, _)| at - carried);
        let limit = limit.min(usize::try_from(to_turn).unwrap_or(usize::MAX));
        let count = tokio::select! {
            biased;
            () = changed(&mut faults) => continue,
            count = from.read(&mut bytes[..limit]) => count?,
        };
        if count == 0 {
            to.shutdown().await?;
            return Ok(());
        }
        carried += count as u64;
        let piece = &mut bytes[..count];
        match fault {
            Fault::Swallow => continue,
            Fault::Garble { bytes } => {
                piece.iter_mut().take(bytes).for_each(|byte| *byte ^= 0x55);
                let left = bytes.saturating_sub(count);
                fault = if left == 0 {
                    Fault::None
                } else {
                    Fault::Garble { bytes: left }
                };
            }
            _ => {}
        }
        to.write_all(piece).await?;
    }
}

/// They are not marked as seen. Never, once nobody can change them.
async fn changed(faults: &mut watch::Receiver<Fault>) {
    if faults.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    faults.mark_changed();
}
