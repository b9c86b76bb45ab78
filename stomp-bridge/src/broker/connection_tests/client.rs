//! The other end of a connection in memory.

use super::Stingy;
use crate::broker::Broker;
use crate::broker::connection::serve;
use crate::broker::transport::{Tcp, Ws};
use crate::frame::{Command, Frame, Limits, Parser};
use futures_util::{SinkExt, StreamExt};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

#[derive(Debug, Clone, Copy)]
pub(super) enum Over {
    Tcp,
    WebSocket,
}

enum Wire {
    Tcp(DuplexStream),
    WebSocket(Box<WebSocketStream<DuplexStream>>),
}

pub(super) struct Client {
    wire: Wire,
    parser: Parser,
}

impl Client {
    /// Logged in. So many bytes are on their way at most, each way.
    pub(super) async fn connect(broker: &Broker, over: Over, room: usize, seed: u8) -> Self {
        Self::log_in(broker, over, room, seed, "0,0").await
    }

    /// It will beat every second.
    pub(super) async fn beating(broker: &Broker, over: Over, room: usize, seed: u8) -> Self {
        Self::log_in(broker, over, room, seed, "1000,0").await
    }

    async fn log_in(broker: &Broker, over: Over, room: usize, seed: u8, beats: &str) -> Self {
        let (ours, theirs) = duplex(room);
        let (place, theirs) = (broker.hub.admit(None).unwrap(), Stingy::new(theirs, seed));
        let wire = match over {
            Over::Tcp => {
                tokio::spawn(serve(place, Tcp::new(theirs)));
                Wire::Tcp(ours)
            }
            Over::WebSocket => {
                let config = WebSocketConfig::default()
                    .write_buffer_size(1024)
                    .max_write_buffer_size(1 << 20);
                let role = Role::Server;
                let socket = WebSocketStream::from_raw_socket(theirs, role, Some(config)).await;
                tokio::spawn(serve(place, Ws::new(socket)));
                let socket = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
                Wire::WebSocket(Box::new(socket))
            }
        };
        let parser = Parser::new(Limits::default());
        let mut client = Self { wire, parser };
        let connect = format!(
            "CONNECT\naccept-version:1.2\nlogin:root\npasscode:r\nheart-beat:{beats}\n\n\0"
        );
        client.say(&connect).await;
        assert_eq!(client.frame().await.command, Command::Connected);
        client
    }

    pub(super) async fn subscribe(&mut self, destination: &str, ack: &str, more: &str) {
        let frame =
            format!("SUBSCRIBE\nid:0\ndestination:{destination}\nack:{ack}\n{more}receipt:s\n\n\0");
        self.say(&frame).await;
        assert_eq!(self.frame().await.header("receipt-id"), Some("s"));
    }

    /// Reads on meanwhile: both sides could wait for each other else.
    pub(super) async fn say(&mut self, text: &str) {
        let mut unsaid = text.as_bytes();
        if let Wire::WebSocket(socket) = &mut self.wire {
            socket.feed(Message::text(text)).await.unwrap();
        }
        poll_fn(|context| {
            let is_said = match &mut self.wire {
                Wire::Tcp(stream) => {
                    while !unsaid.is_empty()
                        && let Poll::Ready(n) = Pin::new(&mut *stream).poll_write(context, unsaid)
                    {
                        unsaid = &unsaid[n.unwrap()..];
                    }
                    unsaid.is_empty()
                }
                Wire::WebSocket(socket) => socket.poll_flush_unpin(context).is_ready(),
            };
            if is_said {
                return Poll::Ready(());
            }
            while let Poll::Ready(true) = self.poll_read(context) {}
            Poll::Pending
        })
        .await;
    }

    pub(super) async fn frame(&mut self) -> Frame {
        self.next().await.expect("a frame, not the end")
    }

    /// `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.parser.next_frame().unwrap() {
                return Some(frame);
            }
            let hour = Duration::from_hours(1);
            let read = timeout(hour, poll_fn(|context| self.poll_read(context)));
            if !read.await.expect("it does not stand still for ever") {
                return None;
            }
        }
    }

    /// Whether it is not the end.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        match &mut self.wire {
            Wire::Tcp(stream) => {
                let mut bytes = [0; 512];
                let mut read = ReadBuf::new(&mut bytes);
                let polled = ready!(Pin::new(stream).poll_read(context, &mut read));
                self.parser.push(read.filled());
                Poll::Ready(polled.is_ok() && !read.filled().is_empty())
            }
            Wire::WebSocket(socket) => match ready!(socket.poll_next_unpin(context)) {
                Some(Ok(Message::Text(text))) => {
                    self.parser.push(text.as_bytes());
                    Poll::Ready(true)
                }
                Some(Ok(Message::Ping(_))) => Poll::Ready(true),
                _ => Poll::Ready(false),
            },
        }
    }
}
