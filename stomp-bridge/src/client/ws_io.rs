//! A WebSocket as a byte stream, so that one codec serves all transports.
//!
//! Reading yields the payload of text and binary messages; pings are answered underneath. Writing
//! gathers bytes until the flush and sends them in messages of bounded size, text unless they are
//! not UTF-8: frames written between two flushes travel packed together, and one frame may be
//! spread over messages. RabbitMQ and the embedded broker take both.

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Sink, Stream};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// Largest message that is sent: what the embedded broker takes at least.
const MAX_MESSAGE_BYTES: usize = 16 * 1024;

/// AsyncRead and AsyncWrite over a WebSocket.
#[derive(Debug)]
pub(crate) struct WsIo<S> {
    ws: WebSocketStream<S>,
    unread: Bytes,
    unsent: BytesMut,
    /// The peer's Close, in words.
    closed: Option<String>,
}

impl<S> WsIo<S> {
    pub(crate) fn new(ws: WebSocketStream<S>) -> Self {
        Self {
            ws,
            unread: Bytes::new(),
            unsent: BytesMut::new(),
            closed: None,
        }
    }

    /// What it travels over.
    pub(crate) fn stream(&self) -> &S
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.ws.get_ref()
    }

    /// Bytes that were written to it and not given to the WebSocket, which has a bound of its own.
    pub(crate) fn unsent_bytes(&self) -> usize {
        self.unsent.len()
    }

    /// Code and reason of the peer's Close.
    pub(crate) fn close_note(&self) -> Option<String> {
        self.closed.clone()
    }
}

fn note(close: Option<CloseFrame>) -> String {
    match close {
        Some(c) => format!(
            "WebSocket close {} {:?}",
            u16::from(c.code),
            c.reason.as_str()
        ),
        None => "WebSocket close without a code".to_owned(),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WsIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            if self.closed.is_some() {
                return Poll::Ready(Ok(()));
            }
            match ready!(Pin::new(&mut self.ws).poll_next(cx)) {
                Some(Ok(Message::Text(text))) => self.unread = text.into(),
                Some(Ok(Message::Binary(bytes))) => self.unread = bytes,
                Some(Ok(Message::Close(frame))) => {
                    // The end, whether or not the peer closes its socket too. The answer goes out
                    // if the socket takes it.
                    self.closed = Some(note(frame));
                    let _answered = Pin::new(&mut self.ws).poll_flush(cx);
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                None | Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) => {
                    return Poll::Ready(Ok(()));
                }
                Some(Err(e)) => return Poll::Ready(Err(io_error(e))),
            }
        }
        let n = self.unread.len().min(buf.remaining());
        buf.put_slice(&self.unread[..n]);
        self.unread.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WsIo<S> {
    /// Takes everything; the caller bounds what it writes between flushes.
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.unsent.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            ready!(Pin::new(&mut self.ws).poll_ready(cx)).map_err(io_error)?;
            let len = self.unsent.len().min(MAX_MESSAGE_BYTES);
            let payload = self.unsent.split_to(len).freeze();
            let message = match Utf8Bytes::try_from(payload.clone()) {
                Ok(text) => Message::Text(text),
                Err(_) => Message::Binary(payload),
            };
            Pin::new(&mut self.ws)
                .start_send(message)
                .map_err(io_error)?;
        }
        Pin::new(&mut self.ws).poll_flush(cx).map_err(io_error)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.ws).poll_close(cx)) {
            Ok(()) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => Poll::Ready(Ok(())),
            Err(e) => Poll::Ready(Err(io_error(e))),
        }
    }
}

/// `InvalidData` where the peer's bytes are no WebSocket that we understand.
fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(e) => e,
        // It is gone, with or without a word.
        e @ Error::Protocol(
            ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing,
        ) => io::Error::other(e),
        e @ (Error::Protocol(_) | Error::Capacity(_) | Error::Utf8(_)) => {
            io::Error::new(io::ErrorKind::InvalidData, e)
        }
        e => io::Error::other(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio_tungstenite::tungstenite::protocol::Role;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

    async fn pair() -> (WsIo<DuplexStream>, WebSocketStream<DuplexStream>) {
        let (a, b) = duplex(1 << 16);
        let client = WebSocketStream::from_raw_socket(a, Role::Client, None).await;
        let server = WebSocketStream::from_raw_socket(b, Role::Server, None).await;
        (WsIo::new(client), server)
    }

    #[tokio::test]
    async fn a_flush_is_one_message_text_when_it_can_be() {
        let (mut io, mut server) = pair().await;
        io.write_all(b"SEND\n\na\0").await.unwrap();
        io.write_all("SEND\n\n付\0".as_bytes()).await.unwrap();
        io.flush().await.unwrap();
        io.write_all(b"\xff\x00").await.unwrap();
        io.flush().await.unwrap();
        assert_eq!(
            server.next().await.unwrap().unwrap(),
            Message::text("SEND\n\na\0SEND\n\n付\0")
        );
        assert_eq!(
            server.next().await.unwrap().unwrap(),
            Message::binary(&b"\xff\x00"[..])
        );
    }

    #[tokio::test]
    async fn messages_of_any_kind_are_one_stream_and_close_is_its_end() {
        use futures_util::SinkExt;
        let (mut io, mut server) = pair().await;
        let reason = CloseFrame {
            code: CloseCode::Normal,
            reason: "STOMP died".into(),
        };
        for message in [
            Message::text("REC"),
            Message::Ping(Bytes::new()),
            Message::binary(&b"EIPT"[..]),
            Message::Close(Some(reason)),
        ] {
            server.send(message).await.unwrap();
        }
        let mut all = Vec::new();
        io.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"RECEIPT");
        assert_eq!(
            io.close_note().as_deref(),
            Some("WebSocket close 1000 \"STOMP died\"")
        );
    }
}
