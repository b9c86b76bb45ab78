//! What comes out of a session.

use super::tls_error::TlsError;
use bytes::Bytes;
use std::fmt;
use thiserror::Error;

/// What the broker said of itself in CONNECTED.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The version agreed on.
    pub version: String,
    /// The `server` header, such as `RabbitMQ/3.10.8`.
    pub server: Option<String>,
}

impl fmt::Display for ServerInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "STOMP {}", self.version)?;
        match &self.server {
            Some(server) => write!(f, ", {server}"),
            None => Ok(()),
        }
    }
}

/// Why a connection ended, or was given up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Cut {
    /// The peer closed it, or the network did. Over WebSocket RabbitMQ closes with code 1000 where
    /// it refuses something, so that a clean close is no good news.
    #[error("connection closed: {note}")]
    Closed {
        /// The WebSocket close code and reason, or the system's error.
        note: String,
    },
    /// TLS failed after its handshake, as it does when the server refuses our certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The broker sent an ERROR frame that names no message of ours.
    #[error("broker error: {message}: {body}")]
    ErrorFrame {
        /// Its `message` header.
        message: String,
        /// Its body.
        body: String,
    },
    /// A receipt did not come in time. The connection is dropped.
    #[error("no receipt in time")]
    ReceiptTimeout,
    /// A receipt did not come in time, and for half of that time no other did, though the broker
    /// still beat. This is how a broker under a memory or disk alarm looks: it reads no more from
    /// whoever publishes, and STOMP has no way to say so. The connection is dropped.
    #[error(
        "no receipt in time while heart-beats came: is the broker under a memory or disk alarm?"
    )]
    Blocked,
    /// CONNECTED did not come in time.
    #[error("no CONNECTED in time")]
    HandshakeTimeout,
    /// Nothing came for two heart-beat intervals.
    #[error("no heart-beat from the broker")]
    Silent,
    /// The broker does not take what we write.
    #[error("the broker stopped reading")]
    Stalled,
    /// The bytes are no STOMP that we understand, or over WebSocket no WebSocket.
    #[error("not understood: {what}")]
    Protocol {
        /// What was met.
        what: String,
    },
    /// The publisher or subscriber was stopped.
    #[error("stopped")]
    Stopped,
}

/// How a frame that asked for a receipt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Confirmed,
    Refused { message: String, body: String },
    Unknown(Cut),
}

/// A MESSAGE as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) destination: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event<T> {
    Connected(ServerInfo),
    Settled { token: T, outcome: Outcome },
    Received(Received),
    Ended(Cut),
}
