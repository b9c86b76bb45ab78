//! Plain TCP. An idle connection keeps no buffers.

use super::{Broken, Heard, Probe, Transport, Wrote};
use bytes::Bytes;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

const READ_BYTES: usize = 8 * 1024;
/// Of the write buffer, what a connection keeps.
const KEPT_BYTES: usize = 1024;

pub(in crate::broker) struct Tcp<S> {
    socket: S,
    out: Vec<u8>,
    /// Of `out`.
    written: usize,
    is_closed: bool,
}

impl<S> Tcp<S> {
    pub(in crate::broker) fn new(socket: S) -> Self {
        Self {
            socket,
            out: Vec::new(),
            written: 0,
            is_closed: false,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Transport for Tcp<S> {
    const PROBE: Probe = Probe::LineEnd;
    type Bytes = Bytes;

    async fn recv(&mut self) -> Heard<Bytes> {
        poll_fn(|context| {
            // On the stack, and only while there is something to read.
            let mut buffer = [0; READ_BYTES];
            let mut read = ReadBuf::new(&mut buffer);
            let polled = Pin::new(&mut self.socket).poll_read(context, &mut read);
            match (ready!(polled), read.filled()) {
                (Err(_), _) | (Ok(()), []) => Poll::Ready(Heard::End),
                (Ok(()), bytes) => Poll::Ready(Heard::Bytes(Bytes::copy_from_slice(bytes))),
            }
        })
        .await
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

    async fn write(&mut self) -> Result<Wrote, Broken> {
        if self.written < self.out.len() {
            let unwritten = &self.out[self.written..];
            match self.socket.write(unwritten).await {
                Ok(0) | Err(_) => return Err(Broken),
                Ok(n) => self.written += n,
            }
            if self.written < self.out.len() {
                return Ok(Wrote::Some);
            }
            self.out.clear();
            self.out.shrink_to(KEPT_BYTES);
            self.written = 0;
        }
        if self.is_closed {
            self.socket.shutdown().await.map_err(|_| Broken)?;
        }
        Ok(Wrote::All)
    }
}
