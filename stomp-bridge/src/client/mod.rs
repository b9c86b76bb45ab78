//! Publish to, and read from, a STOMP broker over TCP, TLS, WebSocket or secure WebSocket.
//!
//! Framing is async-stomp's `ClientCodec`, behind a guard that contains its limits. Handshake,
//! heart-beats, receipts and reconnection are ours: a pure state machine that takes frames,
//! commands and `now`, with a task around it that only carries bytes.
//!
//! [`Publisher`] is the way to send, [`Subscriber`] to read one destination; both reconnect by
//! themselves.

mod alarm;
mod backoff;
mod codec;
mod connect;
mod connection;
mod credentials;
mod destination;
mod event;
mod publication;
mod publisher;
mod redial;
mod send;
mod session;
mod subscriber;
mod tls;
mod transport;
mod url;
mod ws_io;

pub use backoff::Backoff;
pub use connect::{ConnectError, ConnectOptions, ServerInfo, Step};
pub use credentials::{Credentials, CredentialsProvider, InvalidCredentials};
pub use destination::{Destination, DestinationError};
pub use event::Cut;
pub use publication::Publication;
pub use publisher::{
    Advice, Drained, NotSent, PublishError, Published, Publisher, PublisherConfig, QueueCheck,
    QueueReport, Resend, Status, check_queue,
};
pub use subscriber::{
    AckError, AckMode, Closed, HeaderError, Message, Requeue, SubscribeError, Subscriber,
    SubscriberConfig, SubscriberStatus,
};
pub use tls::{ExtraRoots, TlsError};
pub use url::{BrokerUrl, BrokerUrlError, Scheme};
