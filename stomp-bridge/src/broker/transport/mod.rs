//! What carries a connection: a WebSocket, axum's or our own listener's, or plain TCP.

mod tcp;
mod websocket;

use super::session::Probe;

pub(super) use tcp::Tcp;
pub(super) use websocket::{Sizes, Ws};

/// The connection is of no more use.
#[derive(Debug)]
pub(super) struct Broken;

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

    /// Takes a frame, in two parts, or a heart-beat; [`flush`](Self::flush) writes it.
    fn queue(&mut self, head: &[u8], tail: &[u8]);

    /// Takes a probe.
    fn probe(&mut self);

    /// Takes the end, with a WebSocket close code.
    fn close(&mut self, code: u16, reason: &'static str);

    /// Writes what was taken, together as far as that goes.
    fn flush(&mut self) -> impl Future<Output = Result<(), Broken>> + Send;
}
