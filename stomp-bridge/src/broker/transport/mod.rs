//! What carries a connection: a WebSocket, axum's or our own listener's, or plain TCP.

mod tcp;
mod websocket;

use super::session::Probe;

pub(super) use tcp::Tcp;
pub(super) use websocket::{Sizes, Ws};

/// The connection is of no more use.
#[derive(Debug)]
pub(super) struct Broken;

/// How much of what was taken is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrote {
    Some,
    All,
}

/// What came in.
pub(super) enum Heard<B> {
    Bytes(B),
    /// A sign of life that is no STOMP.
    Pong,
    End,
}

pub(super) trait Transport: Send {
    /// What to do when a peer was silent.
    const PROBE: Probe;
    type Bytes: AsRef<[u8]> + Send;

    /// The next bytes. Nothing is lost if it is dropped.
    fn recv(&mut self) -> impl Future<Output = Heard<Self::Bytes>> + Send;

    /// Takes a frame, in two parts, or a heart-beat; [`write`](Self::write) writes it.
    fn queue(&mut self, head: &[u8], tail: &[u8]);

    /// Takes a probe.
    fn probe(&mut self);

    /// Takes the end, with a WebSocket close code.
    fn close(&mut self, code: u16, reason: &'static str);

    /// Writes some of what was taken, in as few pieces as the socket takes. If it is dropped, the
    /// next call goes on at the very byte.
    fn write(&mut self) -> impl Future<Output = Result<Wrote, Broken>> + Send;
}
