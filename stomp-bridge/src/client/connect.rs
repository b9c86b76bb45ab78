//! One attempt to connect, and what can be said about one that failed.

use super::connection::Connection;
use super::credentials::Credentials;
use super::event::Cut;
use super::session::{OwnBeats, SessionConfig};
use super::tls::{ExtraRoots, TlsError};
use super::url::BrokerUrl;
use crate::frame::Limits;
use std::fmt;
use std::time::Duration;
use thiserror::Error;

/// How to connect.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// For the whole attempt, from the name's resolution to CONNECTED. 10 s.
    pub connect_timeout: Duration,
    /// How often the broker and we are to beat; zero for none. 10 s. Over WebSocket we beat without
    /// announcing it, since announced beats make RabbitMQ 3.10.8 drop a fast publisher.
    pub heartbeat: Duration,
    /// Authorities to trust besides the public ones.
    pub extra_roots: ExtraRoots,
    /// What a frame from the broker may hold. 1 MiB, 256 headers of 16 KiB.
    pub limits: Limits,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(10),
            extra_roots: ExtraRoots::default(),
            limits: Limits {
                max_frame_bytes: 1024 * 1024,
                max_headers: 256,
                max_header_bytes: 16 * 1024,
            },
        }
    }
}

/// What the broker said of itself in CONNECTED.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The version agreed on.
    pub version: String,
    /// The `server` header, such as `RabbitMQ/3.10.8`.
    pub server: Option<String>,
}

/// How far an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Looking up the host's name.
    Resolve,
    /// Opening the TCP connection.
    Tcp,
    /// The TLS handshake.
    Tls,
    /// The HTTP upgrade to WebSocket.
    WebSocket,
    /// From CONNECT to CONNECTED.
    Stomp,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "looking up the name",
            Self::Tcp => "opening the TCP connection",
            Self::Tls => "the TLS handshake",
            Self::WebSocket => "the WebSocket upgrade",
            Self::Stomp => "waiting for CONNECTED",
        })
    }
}

/// Why there is no connection. Each message is one line for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The host's name has no address.
    #[error("cannot resolve {host}: {reason}")]
    Resolve {
        /// The name.
        host: String,
        /// The resolver's words.
        reason: String,
    },
    /// Nobody listens there.
    #[error("connection refused by {addr}: nothing listens there")]
    Refused {
        /// Address and port.
        addr: String,
    },
    /// The network says no in another way.
    #[error("cannot reach {addr}: {reason}")]
    Unreachable {
        /// Address and port.
        addr: String,
        /// The system's words.
        reason: String,
    },
    /// A step took too long.
    #[error("timed out while {step}")]
    TimedOut {
        /// The step.
        step: Step,
    },
    /// TLS could not be set up or agreed on.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server speaks HTTP and did not upgrade: a wrong path, or no Web STOMP there.
    #[error(
        "the server answered the WebSocket upgrade with HTTP status {status}: is the path right?"
    )]
    UpgradeRefused {
        /// The HTTP status.
        status: u16,
    },
    /// The server does not speak WebSocket.
    #[error("the server does not speak WebSocket: {reason}")]
    NotWebSocket {
        /// What was met.
        reason: String,
    },
    /// Login or passcode are wrong, or the user may not enter the virtual host.
    #[error("access refused: {reason}")]
    AccessRefused {
        /// The broker's words.
        reason: String,
    },
    /// The virtual host does not exist or is closed to the user.
    #[error("virtual host refused: {reason}")]
    VirtualHost {
        /// The broker's words.
        reason: String,
    },
    /// The broker does not speak STOMP 1.2.
    #[error("no common STOMP version: {reason}")]
    Version {
        /// The broker's words.
        reason: String,
    },
    /// Another ERROR frame.
    #[error("the broker refused the session: {message}: {body}")]
    ErrorFrame {
        /// Its `message` header.
        message: String,
        /// Its body.
        body: String,
    },
    /// The server does not speak STOMP.
    #[error("the server does not speak STOMP: {reason}")]
    NotStomp {
        /// What was met.
        reason: String,
    },
    /// The server closed the connection before CONNECTED.
    #[error("the server closed the connection before CONNECTED: {note}")]
    Closed {
        /// The close code or the system's words.
        note: String,
    },
}

impl From<Cut> for ConnectError {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::ErrorFrame { message, body } => from_error_frame(message, body),
            Cut::Closed { note } => Self::Closed { note },
            Cut::Protocol { what } => Self::NotStomp { reason: what },
            Cut::HandshakeTimeout | Cut::Stalled | Cut::Silent | Cut::ReceiptTimeout => {
                Self::TimedOut { step: Step::Stomp }
            }
            Cut::Stopped => Self::Closed {
                note: "stopped".to_owned(),
            },
        }
    }
}

/// RabbitMQ's words, as it sends them: `Bad CONNECT` for credentials and virtual host alike.
fn from_error_frame(message: String, body: String) -> ConnectError {
    match message.as_str() {
        "Bad CONNECT" if body.starts_with("Virtual host") => {
            ConnectError::VirtualHost { reason: body }
        }
        "Bad CONNECT" => ConnectError::AccessRefused { reason: body },
        "Version mismatch" => ConnectError::Version { reason: body },
        _ => ConnectError::ErrorFrame { message, body },
    }
}

/// One bounded attempt: connects, says goodbye.
pub(crate) async fn probe(
    url: &BrokerUrl,
    options: &ConnectOptions,
) -> Result<ServerInfo, ConnectError> {
    let credentials = url.credentials().cloned();
    let config = session_config(url, options, options.connect_timeout, 1);
    let (connection, server) =
        Connection::<()>::open(url, credentials.as_ref(), options, config).await?;
    connection.goodbye().await;
    Ok(server)
}

pub(crate) fn session_config(
    url: &BrokerUrl,
    options: &ConnectOptions,
    receipt_timeout: Duration,
    window: usize,
) -> SessionConfig {
    let own_beats = if url.scheme().is_websocket() {
        OwnBeats::Unannounced
    } else {
        OwnBeats::Announced
    };
    SessionConfig {
        heartbeat: options.heartbeat,
        own_beats,
        connect_timeout: options.connect_timeout,
        receipt_timeout,
        window,
    }
}

impl Credentials {
    pub(crate) fn for_connect(
        provider: Option<&super::CredentialsProvider>,
        url: &BrokerUrl,
    ) -> Option<Self> {
        provider
            .map(|ask| ask())
            .or_else(|| url.credentials().cloned())
    }
}
