//! WebSocket: one frame a message, as RabbitMQ sends them, and many messages a write.

use super::{Broken, Heard, Probe, Transport, Wrote};
use crate::frame::Limits;
use axum::extract::ws;
use bytes::{Bytes, BytesMut};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Poll, ready};
use tokio_tungstenite::tungstenite;

/// Frames of the largest size that a client may pack into one WebSocket message.
const PACKED_FRAMES: usize = 4;
/// A WebSocket message that is always taken, however small a frame must be.
const MIN_MESSAGE_BYTES: usize = 16 * 1024;

/// Sizes of a WebSocket's buffers and messages.
pub(in crate::broker) struct Sizes {
    pub(in crate::broker) max_message: usize,
    pub(in crate::broker) max_write_buffer: usize,
}

impl Sizes {
    /// Of a connection: browsers send little, and there may be many of them.
    pub(in crate::broker) const READ_BUFFER: usize = 1024;
    /// A connection writes at once what is larger than this.
    pub(in crate::broker) const WRITE_BUFFER: usize = 8 * 1024;

    pub(in crate::broker) fn of(limits: &Limits) -> Self {
        let max_message = (limits.max_frame_bytes * PACKED_FRAMES).max(MIN_MESSAGE_BYTES);
        Self {
            max_message,
            max_write_buffer: Self::WRITE_BUFFER + 2 * max_message,
        }
    }
}

/// A WebSocket, and the messages that it is to write.
pub(in crate::broker) struct Ws<S, M> {
    socket: S,
    waiting: VecDeque<M>,
}

impl<S, M> Ws<S, M> {
    pub(in crate::broker) fn new(socket: S) -> Self {
        Self {
            socket,
            waiting: VecDeque::new(),
        }
    }
}

/// A WebSocket message of one of the two crates that have it.
pub(in crate::broker) trait Message: Send + Sized {
    fn of(frame: Bytes) -> Self;
    fn ping() -> Self;
    fn close(code: u16, reason: &'static str) -> Self;
    fn heard(self) -> Heard<Bytes>;
}

macro_rules! message {
    ($message:ty, $text:ty, $close:expr) => {
        impl Message for $message {
            /// Text, unless it is not UTF-8.
            fn of(frame: Bytes) -> Self {
                match <$text>::try_from(frame.clone()) {
                    Ok(text) => Self::Text(text),
                    Err(_) => Self::Binary(frame),
                }
            }

            fn ping() -> Self {
                Self::Ping(Bytes::new())
            }

            fn close(code: u16, reason: &'static str) -> Self {
                Self::Close(Some($close(code, reason)))
            }

            #[allow(
                unreachable_patterns,
                reason = "one of the crates has raw frames as well"
            )]
            fn heard(self) -> Heard<Bytes> {
                match self {
                    Self::Text(text) => Heard::Bytes(text.into()),
                    Self::Binary(bytes) => Heard::Bytes(bytes),
                    Self::Ping(_) | Self::Pong(_) => Heard::Pong,
                    Self::Close(_) | _ => Heard::End,
                }
            }
        }
    };
}

message!(ws::Message, ws::Utf8Bytes, |code, reason: &'static str| {
    ws::CloseFrame {
        code,
        reason: reason.into(),
    }
});

message!(
    tungstenite::Message,
    tungstenite::Utf8Bytes,
    |code: u16, reason: &'static str| tungstenite::protocol::CloseFrame {
        code: code.into(),
        reason: reason.into(),
    }
);

impl<S, M, E> Transport for Ws<S, M>
where
    M: Message,
    E: Send,
    S: Stream<Item = Result<M, E>> + Sink<M> + Send + Unpin,
    <S as Sink<M>>::Error: Send,
{
    const PROBE: Probe = Probe::Ping;
    type Bytes = Bytes;

    async fn recv(&mut self) -> Heard<Bytes> {
        match self.socket.next().await {
            Some(Ok(message)) => message.heard(),
            Some(Err(_)) | None => Heard::End,
        }
    }

    fn queue(&mut self, head: &[u8], tail: &[u8]) {
        let mut frame = BytesMut::with_capacity(head.len() + tail.len());
        frame.extend_from_slice(head);
        frame.extend_from_slice(tail);
        self.waiting.push_back(M::of(frame.freeze()));
    }

    fn probe(&mut self) {
        self.waiting.push_back(M::ping());
    }

    fn close(&mut self, code: u16, reason: &'static str) {
        self.waiting.push_back(M::close(code, reason));
    }

    async fn write(&mut self) -> Result<Wrote, Broken> {
        poll_fn(|context| {
            let mut fed = false;
            while !self.waiting.is_empty() {
                match self.socket.poll_ready_unpin(context) {
                    Poll::Pending if fed => return Poll::Ready(Ok(Wrote::Some)),
                    other => ready!(other).map_err(|_| Broken)?,
                }
                if let Some(message) = self.waiting.pop_front() {
                    self.socket.start_send_unpin(message).map_err(|_| Broken)?;
                    fed = true;
                }
            }
            self.waiting.shrink_to(1);
            match self.socket.poll_flush_unpin(context) {
                Poll::Pending if fed => Poll::Ready(Ok(Wrote::Some)),
                other => other.map(|flushed| flushed.map(|()| Wrote::All).map_err(|_| Broken)),
            }
        })
        .await
    }
}
