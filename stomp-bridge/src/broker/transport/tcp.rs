//! Plain TCP. An idle connection keeps no buffers.

use super::{Broken, Heard, Probe, Transport};
use bytes::Bytes;
use std::io::ErrorKind;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const READ_BYTES: usize = 8 * 1024;
/// Of the write buffer, what a connection keeps.
const KEPT_BYTES: usize = 1024;

pub(in crate::broker) struct Tcp {
    socket: TcpStream,
    out: Vec<u8>,
    is_closed: bool,
}

impl Tcp {
    pub(in crate::broker) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            out: Vec::new(),
            is_closed: false,
        }
    }
}

impl Transport for Tcp {
    const PROBE: Probe = Probe::LineEnd;
    type Bytes = Bytes;

    async fn recv(&mut self) -> Heard<Bytes> {
        loop {
            if self.socket.readable().await.is_err() {
                return Heard::End;
            }
            let mut buffer = [0; READ_BYTES];
            match self.socket.try_read(&mut buffer) {
                Ok(0) => return Heard::End,
                Ok(n) => return Heard::Bytes(Bytes::copy_from_slice(&buffer[..n])),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Heard::End,
            }
        }
    }

    fn queue(&mut self, head: &[u8], tail: &[u8]) {
        self.out.extend_from_slice(head);
        self.out.extend_from_slice(tail);
    }

    fn probe(&mut self) {
        self.out.push(b'\n');
    }

    fn close(&mut self, _: u16, _: &'static str) {
        self.is_closed = true;
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        self.socket.write_all(&self.out).await.map_err(|_| Broken)?;
        self.out.clear();
        self.out.shrink_to(KEPT_BYTES);
        if self.is_closed {
            self.socket.shutdown().await.map_err(|_| Broken)?;
        }
        Ok(())
    }
}
