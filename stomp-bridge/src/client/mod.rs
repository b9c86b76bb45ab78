//! Publish to, and read from, a STOMP broker over TCP, TLS, WebSocket or secure WebSocket.
//!
//! Framing is async-stomp's `ClientCodec`, behind a guard that contains its limits. Handshake,
//! heart-beats, receipts and reconnection are ours: a pure state machine that takes frames,
//! commands and `now`, with a task around it that only carries bytes.
//!
//! [`Publisher`] is the way to send, [`Subscriber`] to read one destination; both reconnect by
//! themselves.

mod acknowledge;
mod alarm;
mod backoff;
mod codec;
mod connect;
mod connect_error;
mod connection;
mod connector;
mod counted;
mod credentials;
mod destination;
mod event;
mod far;
#[cfg(any(test, fuzzing))]
#[allow(clippy::unwrap_used, clippy::missing_panics_doc)]
pub(crate) mod fuzz;
mod identity;
mod lost;
mod message;
mod numbered;
mod options;
mod proxy;
mod publication;
mod publisher;
mod send;
mod session;
mod step;
mod subscriber;
mod tls;
mod tls_error;
mod transport;
mod url;
mod urls;
mod ws_io;
mod ws_upgrade;

pub use backoff::Backoff;
pub use connect::probe;
pub use connect_error::ConnectError;
pub use credentials::{Credentials, CredentialsProvider, InvalidCredentials};
pub use destination::{Destination, DestinationError};
pub use event::{Cut, ServerInfo};
pub use identity::ClientIdentity;
pub use lost::Lost;
pub use options::ConnectOptions;
pub use proxy::{
    Proxy, ProxyChoice, ProxyEnvironment, ProxyEnvironmentError, ProxyError, ProxyKind,
    ProxyUrlError, SocksReply,
};
pub use publication::Publication;
pub use publisher::{
    Advice, Drained, NotSent, PublishError, Published, Publisher, PublisherConfig, QueueCheck,
    QueueReport, Resend, Status, check_queue,
};
pub use step::{Step, StepReport};
pub use subscriber::{
    AckError, AckMode, Closed, HeaderError, Message, Requeue, SubscribeError, Subscriber,
    SubscriberConfig, SubscriberStatus,
};
pub use tls::ExtraRoots;
pub use tls_error::TlsError;
pub use url::{BrokerUrl, BrokerUrlError, Scheme};
pub use urls::{BrokerUrls, BrokerUrlsError};
