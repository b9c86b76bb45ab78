//! A socket that only writes frames that were made before, and counts the receipts: no client can do less.

use std::iter;

use anyhow::{Result, ensure};
use bytes::Bytes;
use memchr::memchr_iter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{BODY, Headers, JSON, Plan, QUEUE, Stopwatch, Taken, outbox_id};
use crate::rabbit::{address_of, user_of};
use crate::socket::Socket;

/// Frames in one WebSocket message: about the 16 KiB that our client packs.
const PACKED: usize = 128;
/// Every frame of the broker's ends with it, and none has it inside.
const END: u8 = 0;

pub(super) async fn tcp(url: &str, plan: Plan, headers: Headers) -> Result<Taken> {
    let mut tcp = TcpStream::connect(address_of(url)?).await?;
    tcp.set_nodelay(true)?;
    tcp.write_all(connect(url)?.as_bytes()).await?;
    let mut buffer = vec![0; 64 * 1024];
    let length = tcp.read(&mut buffer).await?;
    expect_connected(&buffer[..length])?;
    let mut frames = Frames::new(plan, headers, usize::MAX);
    let watch = Stopwatch::start();
    while !frames.are_confirmed() {
        while let Some(next) = frames.next() {
            tcp.write_all(&next).await?;
        }
        let length = tcp.read(&mut buffer).await?;
        ensure!(length > 0, "the broker closed the connection");
        frames.confirm(memchr_iter(END, &buffer[..length]).count());
    }
    Ok(watch.stop())
}

pub(super) async fn web_socket(url: &str, plan: Plan, headers: Headers) -> Result<Taken> {
    let (login, passcode) = user_of(url)?;
    let mut socket = Socket::open(address_of(url)?, &login, &passcode).await?;
    let mut frames = Frames::new(plan, headers, PACKED);
    let watch = Stopwatch::start();
    while !frames.are_confirmed() {
        let ready: Vec<Bytes> = iter::from_fn(|| frames.next()).collect();
        if !ready.is_empty() {
            socket.say(&ready).await?;
        }
        let receipts = socket.frames().await?;
        frames.confirm(usize::try_from(receipts)?);
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
    fn new(plan: Plan, headers: Headers, most_at_once: usize) -> Self {
        let mut bytes = Vec::new();
        let ends = (1..=plan.messages)
            .map(|receipt| {
                let more = match headers {
                    Headers::Few => String::new(),
                    Headers::Outbox => {
                        let id = outbox_id(receipt);
                        format!("content-type:{JSON}\nx-outbox-id:{id}\namqp-message-id:{id}\n")
                    }
                };
                let frame = format!(
                    "SEND\ndestination:/queue/{QUEUE}\nreceipt:{receipt}\ncontent-length:{}\npersistent:true\n{more}\n{BODY}\0",
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

    fn confirm(&mut self, receipts: usize) {
        self.confirmed += receipts;
    }

    fn are_confirmed(&self) -> bool {
        self.confirmed >= self.ends.len()
    }
}
