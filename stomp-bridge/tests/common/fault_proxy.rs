//! A TCP proxy that does to connections what networks do, as a plan says or when it is told to.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
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
    /// Each byte gets its top bit: no letter of a frame's head and no digit has that.
    Garble,
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

/// Ends, with all its connections, when it is dropped.
pub struct FaultProxy {
    pub addr: SocketAddr,
    counts: Arc<Counts>,
    orders: broadcast::Sender<(Way, Fault)>,
    task: JoinHandle<()>,
}

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
        mut plan: impl FnMut(usize) -> Option<Fate> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let counts = Arc::<Counts>::default();
        let (orders, _) = broadcast::channel(MAX_ORDERS);
        let (counted, ordered) = (Arc::clone(&counts), orders.downgrade());
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let number = counted.connections.fetch_add(1, Ordering::SeqCst);
                // Without a sender the proxy is gone, and this is about to end.
                let Some(orders) = ordered.upgrade() else {
                    return;
                };
                let orders = orders.subscribe();
                let connection = carry(client, behind, plan(number), orders, Arc::clone(&counted));
                tokio::spawn(connection);
            }
        });
        Self {
            addr,
            counts,
            orders,
            task,
        }
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

    /// Befalls the connections that there are; those to come have their own fates.
    pub fn now(&self, way: Way, fault: Fault) {
        let told = self.orders.send((way, fault));
        assert!(told.is_ok(), "there is no connection");
    }

    /// Nobody listens any more. Connections that there are go on.
    pub async fn refuse(&mut self) {
        self.task.abort();
        assert!((&mut self.task).await.is_err());
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries one connection to its end.
async fn carry(
    mut client: TcpStream,
    behind: SocketAddr,
    fate: Option<Fate>,
    mut orders: broadcast::Receiver<(Way, Fault)>,
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
            let order = tokio::select! {
                order = &mut clock, if !rang => {
                    rang = true;
                    order
                }
                order = orders.recv() => order.map_err(|_| Broken::Gone)?,
            };
            match order {
                (_, Fault::Cut(end)) => return Err(Broken::Cut(end)),
                (Way::ToBroker, fault) => forth.send_replace(fault),
                (Way::ToClient, fault) => back.send_replace(fault),
            };
        }
    };
    let end: Result<_, Broken> = tokio::select! {
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
    let (mut carried, mut own) = (0_u64, Fault::None);
    loop {
        if let Some((at, fault)) = turn
            && carried >= at
        {
            (turn, own) = (None, fault);
        }
        let ordered = *faults.borrow_and_update();
        let fault = if ordered == Fault::None { own } else { ordered };
        let mut limit = bytes.len();
        match fault {
            Fault::Cut(end) => return Err(Broken::Cut(end)),
            Fault::Stuck => {
                changed(&mut faults).await;
                continue;
            }
            Fault::Drip { bytes, pause } => {
                sleep(pause).await;
                limit = bytes;
            }
            Fault::None | Fault::Swallow | Fault::Garble => {}
        }
        if let Some((at, _)) = turn {
            limit = limit.min(usize::try_from(at - carried).unwrap());
        }
        let count = tokio::select! {
            count = from.read(&mut bytes[..limit]) => count?,
            () = changed(&mut faults) => continue,
        };
        if count == 0 {
            to.shutdown().await?;
            return Ok(());
        }
        carried += count as u64;
        let piece = &mut bytes[..count];
        match fault {
            Fault::Swallow => continue,
            Fault::Garble => piece.iter_mut().for_each(|byte| *byte |= 0x80),
            _ => {}
        }
        to.write_all(piece).await?;
    }
}

/// Never, once nobody can change them.
async fn changed(faults: &mut watch::Receiver<Fault>) {
    if faults.changed().await.is_err() {
        std::future::pending().await
    }
}
