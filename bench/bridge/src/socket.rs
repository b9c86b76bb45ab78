//! A WebSocket with as little of its own as can be: it counts the frames that come. No client can do less, and a process
//! with thousands of them leaves the processor to the server.

use std::cell::RefCell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::ready;

use anyhow::{Context as _, Result, bail, ensure};
use memchr::memchr_iter;
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;

/// Every STOMP frame ends with it, and none of the bench has it inside.
const END: u8 = 0;
const BUFFER_BYTES: usize = 64 * 1024;
/// Bit of a header's second byte.
const MASKED: u8 = 0x80;
/// Lengths that say that the length follows, in two bytes and in eight.
const LONG: u8 = 126;
const LONGER: u8 = 127;
/// An empty pong, with a mask that changes nothing.
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

thread_local! {
    /// Sockets are read one after the other: one buffer serves all.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER_BYTES]);
}

pub(crate) struct Socket {
    tcp: TcpStream,
    reader: Reader,
}

impl Socket {
    /// Upgrades and logs in.
    pub(crate) async fn open(address: SocketAddr, login: &str, passcode: &str) -> Result<Self> {
        let mut tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: v12.stomp\r\n\r\n"
        );
        tcp.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(tcp.read_u8().await?);
        }
        let answer = String::from_utf8_lossy(&answer);
        ensure!(answer.starts_with("HTTP/1.1 101 "), "no upgrade: {answer}");
        let reader = Reader::default();
        let mut socket = Self { tcp, reader };
        let connect = format!(
            "CONNECT\naccept-version:1.2\nhost:/\nheart-beat:0,0\nlogin:{login}\npasscode:{passcode}\n\n\0"
        );
        socket.say(&[&connect]).await?;
        socket.frames().await?;
        Ok(socket)
    }

    /// Subscribes and waits for the receipt.
    pub(crate) async fn subscribe(&mut self, destination: &str) -> Result<()> {
        let subscribe =
            format!("SUBSCRIBE\nid:0\ndestination:{destination}\nreceipt:subscribed\n\n\0");
        self.say(&[&subscribe]).await?;
        self.frames().await?;
        Ok(())
    }

    /// Sends texts, each as a message of its own, in one write.
    pub(crate) async fn say(&mut self, texts: &[impl AsRef<[u8]>]) -> Result<()> {
        let mut bytes = Vec::new();
        for text in texts.iter().map(AsRef::as_ref) {
            bytes.push(0x81);
            let length = text.len();
            if length < usize::from(LONG) {
                bytes.push(MASKED | u8::try_from(length)?);
            } else {
                bytes.push(MASKED | LONG);
                bytes.extend_from_slice(&u16::try_from(length)?.to_be_bytes());
            }
            // The mask.
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(text);
        }
        self.tcp.write_all(&bytes).await.context("cannot send")
    }

    /// Waits until frames come, and counts them. Pings are answered meanwhile.
    pub(crate) async fn frames(&mut self) -> Result<u64> {
        loop {
            let heard = poll_fn(|cx| {
                BUFFER.with_borrow_mut(|buffer| {
                    let mut buffer = ReadBuf::new(buffer);
                    ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut buffer))?;
                    std::task::Poll::Ready(self.reader.read(buffer.filled()))
                })
            })
            .await?;
            if heard.pings > 0 {
                self.tcp.write_all(&PONG).await?;
            }
            if heard.frames > 0 {
                return Ok(heard.frames);
            }
        }
    }
}

#[derive(Default)]
struct Heard {
    frames: u64,
    pings: u64,
}

/// What a server says, cut anywhere.
#[derive(Default)]
struct Reader {
    header: [u8; 10],
    /// Bytes of the header that are there.
    have: usize,
    /// Bytes of the payload that are not.
    left: usize,
}

impl Reader {
    fn read(&mut self, mut bytes: &[u8]) -> Result<Heard> {
        ensure!(!bytes.is_empty(), "the server closed the connection");
        let mut heard = Heard::default();
        while let Some(&next) = bytes.first() {
            if self.left == 0 {
                self.header[self.have] = next;
                self.have += 1;
                bytes = &bytes[1..];
                if !self.begins() {
                    continue;
                }
            }
            let (payload, rest) = bytes.split_at(bytes.len().min(self.left));
            self.left -= payload.len();
            bytes = rest;
            match self.header[0] & 0x0f {
                0..=2 => {
                    if payload.starts_with(b"ERROR") {
                        bail!("the server says {}", String::from_utf8_lossy(payload));
                    }
                    heard.frames += memchr_iter(END, payload).count() as u64;
                }
                8 => bail!("the server closed: {}", String::from_utf8_lossy(payload)),
                9 => heard.pings += u64::from(self.left == 0),
                _ => {}
            }
        }
        Ok(heard)
    }

    /// Whether the header is whole; then the payload begins, which may be empty.
    fn begins(&mut self) -> bool {
        let [_, length, ..] = self.header;
        let whole = match length {
            LONG => 4,
            LONGER => 10,
            _ => 2,
        };
        if self.have < 2 || self.have < whole {
            return false;
        }
        let extended = &self.header[2..whole];
        let value = |bytes: &[u8]| bytes.iter().fold(0, |sum, b| sum << 8 | usize::from(*b));
        self.left = if whole == 2 {
            usize::from(length)
        } else {
            value(extended)
        };
        self.have = 0;
        true
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_wherever_the_stream_is_cut() {
        let mut wire = vec![0x81, 3, b'a', 0, b'\n', 0x89, 0, 0x81, 126, 1, 0];
        wire.extend_from_slice(&[b'x'; 255]);
        wire.extend_from_slice(&[0, 0x82, 2, b'y', 0]);
        for cut in 1..wire.len() {
            let mut reader = Reader::default();
            let (first, second) = wire.split_at(cut);
            let (first, second) = (reader.read(first).unwrap(), reader.read(second).unwrap());
            assert_eq!(first.frames + second.frames, 3, "cut at {cut}");
            assert_eq!(first.pings + second.pings, 1, "cut at {cut}");
        }
    }
}
