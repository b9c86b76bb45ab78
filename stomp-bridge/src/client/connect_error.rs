//! Why there is no connection, for a program and for an operator.

use super::event::Cut;
use super::proxy::ProxyError;
use super::step::Step;
use super::tls_error::TlsError;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

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
    /// The proxy leads nowhere.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
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
    /// The broker speaks none of STOMP 1.0, 1.1, 1.2.
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

impl ConnectError {
    /// Where the attempt failed.
    #[must_use]
    pub fn step(&self) -> Step {
        match self {
            Self::Resolve { .. } => Step::Resolve,
            Self::Refused { .. } | Self::Unreachable { .. } => Step::Tcp,
            Self::TimedOut { step } => *step,
            Self::Proxy(_) => Step::Proxy,
            Self::Tls(_) => Step::Tls,
            Self::UpgradeRefused { .. } | Self::NotWebSocket { .. } => Step::WebSocket,
            Self::AccessRefused { .. }
            | Self::VirtualHost { .. }
            | Self::Version { .. }
            | Self::ErrorFrame { .. }
            | Self::NotStomp { .. }
            | Self::Closed { .. } => Step::Stomp,
        }
    }

    /// What may mend it: one line for an operator.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Resolve { .. } => "check the host's spelling and this machine's DNS",
            Self::Refused { .. } => {
                "start the broker and its STOMP or Web STOMP plug-in, or correct the port"
            }
            Self::Unreachable { .. } => "check the route and the firewalls on the way",
            Self::TimedOut { step } => timed_out_hint(*step),
            Self::Proxy(error) => error.hint(),
            Self::Tls(error) => error.hint(),
            Self::UpgradeRefused { .. } => {
                "correct the path (RabbitMQ's is /ws) or the port (15674), and enable rabbitmq_web_stomp"
            }
            Self::NotWebSocket { .. } => {
                "something else listens there: correct scheme and port (ws 15674, stomp 61613)"
            }
            Self::AccessRefused { .. } => {
                "correct user and passcode; RabbitMQ lets `guest` in from its own machine only"
            }
            Self::VirtualHost { .. } => {
                "correct ?vhost=NAME, and give the user permissions in that virtual host"
            }
            Self::Version { .. } => "the broker must speak STOMP 1.0, 1.1 or 1.2",
            Self::ErrorFrame { .. } => "the broker's own words say why; its log may say more",
            Self::NotStomp { .. } => {
                "something else listens there: correct scheme and port (stomp 61613, stomps 61614)"
            }
            Self::Closed { .. } => {
                "see the broker's log; a TLS port closes so on a plain stomp:// or ws:// URL"
            }
        }
    }
}

fn timed_out_hint(step: Step) -> &'static str {
    match step {
        Step::Resolve => "check this machine's DNS servers",
        Step::Tcp => "a firewall drops packets, or the address is wrong",
        Step::Proxy => "the proxy does not answer: check its address and kind",
        Step::Tls => "the port does not speak TLS: try the plain scheme or the TLS port",
        Step::WebSocket => "the port does not speak HTTP: try stomp:// or the Web STOMP port",
        Step::Stomp => "the port does not speak STOMP, or the broker is still starting",
    }
}

impl From<Cut> for ConnectError {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::ErrorFrame { message, body } => from_error_frame(message, body),
            Cut::Closed { note } => Self::Closed { note },
            Cut::Tls(error) => Self::Tls(error),
            Cut::Protocol { what } => Self::NotStomp { reason: what },
            Cut::HandshakeTimeout
            | Cut::Stalled
            | Cut::Silent
            | Cut::Blocked
            | Cut::ReceiptTimeout => Self::TimedOut { step: Step::Stomp },
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

/// What comes of the work of a step, if it is done by the deadline.
pub(crate) async fn within<F: Future>(
    step: Step,
    deadline: Instant,
    work: F,
) -> Result<F::Output, ConnectError> {
    timeout_at(deadline, work)
        .await
        .map_err(|_| ConnectError::TimedOut { step })
}
