//! A socket that only writes frames that were made before, and counts the receipts: no client can do less.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use memchr::memchr_iter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::{BODY, Plan, QUEUE, Stopwatch, Taken};
use crate::rabbit::{address_of, user_of};

/// Frames in one WebSocket message: about the 16 KiB that our client packs.
const PACKED: usize = 128;
/// Every frame of the broker's ends with it, and none has it inside.
const END: u8 = 0;

pub(super) async fn tcp(url: &str, plan: Plan) -> Result<Taken> {
    let mut tcp = TcpStream::connect(address_of(url)?).await?;
    tcp.set_nodelay(true)?;
    tcp.write_all(connect(url)?.as_bytes()).await?;
    let mut buffer = vec![0; 64 * 1024];
    let length = tcp.read(&mut buffer).await?;
    expect_connected(&buffer[..length])?;
    let mut frames = Frames::new(plan, usize::MAX);
    let watch = Stopwatch::start();
    while !frames.are_confirmed() {
        while let Some(next) = frames.next() {
            tcp.write_all(&next).await?;
        }
        let length = tcp.read(&mut buffer).await?;
        ensure!(length > 0, "the broker closed the connection");
        frames.confirm(&buffer[..length]);
    }
    Ok(watch.stop())
}

pub(super) async fn web_socket(url: &str, plan: Plan) -> Result<Taken> {
    let address = address_of(url)?;
    let mut request = format!("ws://{address}/ws").into_client_request()?;
    let protocol = HeaderValue::from_static("v12.stomp");
    request
        .headers_mut()
        .insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let (mut socket, _) = client_async(request, tcp).await?;
    socket.send(Message::text(connect(url)?)).await?;
    let connected = socket.next().await.context("no CONNECTED")??;
    expect_connected(&connected.into_data())?;
    let mut frames = Frames::new(plan, PACKED);
    let watch = Stopwatch::start();
    while !frames.are_confirmed() {
        while let Some(next) = frames.next() {
            let text = Utf8Bytes::try_from(next)?;
            socket.feed(Message::Text(text)).await?;
        }
        socket.flush().await?;
        // All that is there, before anything is written: a receipt comes as a message of its own.
        let mut heard = Some(socket.next().await);
        while let Some(message) = heard {
            let message = message.context("the broker closed")??;
            ensure!(!message.is_close(), "the broker closed: {message}");
            frames.confirm(&message.into_data());
            heard = socket.next().now_or_never();
        }
    }
    Ok(watch.stop())
}

fn connect(url: &str) -> Result<String> {
    let (login, passcode) = user_of(url)?;
    Ok(format!(
        "CONNECT\naccept-version:1.2\nhost:/\nheart-beat:0,0\nlogin:{login}\npasscode:{passcode}\n\n\0"
    ))
}

fn expect_connected(frame: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(frame);
    ensure!(text.starts_with("CONNECTED"), "not CONNECTED: {text}");
    Ok(())
}

/// All frames of a run, and how far it is.
struct Frames {
    bytes: Bytes,
    /// Where each frame ends.
    ends: Vec<usize>,
    window: usize,
    most_at_once: usize,
    sent: usize,
    confirmed: usize,
}

impl Frames {
    /// The same frames that our client sends.
    fn new(plan: Plan, most_at_once: usize) -> Self {
        let mut bytes = Vec::new();
        let ends = (1..=plan.messages)
            .map(|receipt| {
                let frame = format!(
                    "SEND\ndestination:/queue/{QUEUE}\nreceipt:{receipt}\ncontent-length:{}\npersistent:true\n\n{BODY}\0",
                    BODY.len()
                );
                bytes.extend_from_slice(frame.as_bytes());
                bytes.len()
            })
            .collect();
        Self {
            bytes: bytes.into(),
            ends,
            window: plan.window,
            most_at_once,
            sent: 0,
            confirmed: 0,
        }
    }

    /// What may be sent now, if anything.
    fn next(&mut self) -> Option<Bytes> {
        let until = (self.confirmed + self.window)
            .min(self.ends.len())
            .min(self.sent.saturating_add(self.most_at_once));
        let start = self.sent.checked_sub(1).map_or(0, |last| self.ends[last]);
        let end = self.ends[until.checked_sub(1)?];
        self.sent = until;
        (end > start).then(|| self.bytes.slice(start..end))
    }

    fn confirm(&mut self, receipts: &[u8]) {
        self.confirmed += memchr_iter(END, receipts).count();
    }

    fn are_confirmed(&self) -> bool {
        self.confirmed >= self.ends.len()
    }
}
