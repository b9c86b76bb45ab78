//! One connection through the proxy.

use super::{Counts, End, Fate, Fault, Order, Way, When};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{broadcast, watch};
use tokio::time::{sleep, timeout};

/// Read at once.
const PIECE_BYTES: usize = 16 * 1024;
/// For the end of a connection that was cut in order.
const FAREWELL: Duration = Duration::from_secs(1);

/// Carries one connection to its end.
pub(super) async fn carry(
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
