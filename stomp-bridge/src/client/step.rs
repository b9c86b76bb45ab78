//! How far an attempt to connect came, and how long each part of it took.

use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// A part of an attempt, in the order in which they happen. A URL and its options decide which of
/// them there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Step {
    /// Looking up the host's name.
    Resolve,
    /// Opening the TCP connection, to the proxy where there is one.
    Tcp,
    /// Asking the proxy for the way to the broker.
    Proxy,
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
            Self::Proxy => "asking the proxy",
            Self::Tls => "the TLS handshake",
            Self::WebSocket => "the WebSocket upgrade",
            Self::Stomp => "waiting for CONNECTED",
        })
    }
}

/// A step that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepReport {
    /// Which.
    pub step: Step,
    /// How long it took.
    pub took: Duration,
    /// What came of it, for a person: an address, a TLS version, the broker's name.
    pub detail: String,
}

/// Times the steps and hands each on when it is done.
pub(crate) struct Steps<'a> {
    since: Instant,
    report: Option<&'a mut (dyn FnMut(StepReport) + Send)>,
}

impl<'a> Steps<'a> {
    /// Nobody listens.
    pub(crate) fn unheard() -> Self {
        Self {
            since: Instant::now(),
            report: None,
        }
    }

    pub(crate) fn told_to(report: &'a mut (dyn FnMut(StepReport) + Send)) -> Self {
        Self {
            since: Instant::now(),
            report: Some(report),
        }
    }

    /// A step ended well; the next one begins.
    pub(crate) fn done(&mut self, step: Step, detail: impl FnOnce() -> String) {
        let now = Instant::now();
        let took = now - self.since;
        self.since = now;
        if let Some(report) = &mut self.report {
            let detail = detail();
            report(StepReport { step, took, detail });
        }
    }
}
