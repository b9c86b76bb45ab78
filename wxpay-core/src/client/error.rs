//! Why a call gave no answer, and what is known then.

use std::boxed::Box;

use crate::api::{AnswerError, RequestError};

/// A cause from the layers below, for people. It holds no address and no message.
pub type Source = Box<dyn core::error::Error + Send + Sync>;

/// What is known of a request that was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It never left: it had no effect.
    NotSent,
    /// It may have arrived and may have had its effect. Query before anything that must not happen twice.
    Unknown,
    /// The gateway answered, and the answer is proven to be its own.
    Answered,
}

impl Outcome {
    /// A name for logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
            Self::Answered => "answered",
        }
    }
}

/// Why a call gave no typed answer. None of the variants holds a key, a message or an address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The request breaks a rule of its endpoint.
    #[error("the request was not made: {0}")]
    Request(#[from] RequestError),
    /// The endpoint demands the merchant's client certificate, and this client has none.
    #[error("the endpoint demands a client certificate")]
    NoCertificate,
    /// The system gave no random bytes for the nonce.
    #[error("no random bytes for the nonce")]
    Random(#[source] Source),
    /// There is no connection: DNS, TCP or TLS failed.
    #[error("no connection to the gateway")]
    Connect(#[source] Source),
    /// A time-out passed.
    #[error("the gateway did not answer in time{}", if *after_sent { "" } else { ": no connection" })]
    Timeout {
        /// Whether the request may have left by then; false when there was no connection yet.
        after_sent: bool,
    },
    /// The connection broke before the answer was whole.
    #[error("the connection broke before the answer was whole")]
    Broken(#[source] Source),
    /// The answer's HTTP status is not 200. The gateway uses 200 for refusals too, so something else spoke.
    #[error("HTTP status {status}, not 200")]
    Http {
        /// The status.
        status: u16,
    },
    /// The answer is longer than any that the API has.
    #[error("the answer is longer than {max_bytes} bytes")]
    TooLarge {
        /// The most that is read.
        max_bytes: usize,
    },
    /// There was an answer, but none that can be acted on; or it is the gateway's proven refusal.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

impl CallError {
    /// What is known of the request now.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Request(_)
            | Self::NoCertificate
            | Self::Random(_)
            | Self::Connect(_)
            | Self::Timeout { after_sent: false } => Outcome::NotSent,
            Self::Answer(AnswerError::Business { .. }) => Outcome::Answered,
            Self::Timeout { after_sent: true }
            | Self::Broken(_)
            | Self::Http { .. }
            | Self::TooLarge { .. }
            | Self::Answer(_) => Outcome::Unknown,
        }
    }

    /// The error of sending, up to the head of the answer.
    pub(super) fn from_send(error: reqwest::Error) -> Self {
        let not_sent = error.is_connect() || error.is_builder();
        if error.is_timeout() {
            return Self::Timeout {
                after_sent: !not_sent,
            };
        }
        let source = Box::new(error.without_url());
        if not_sent {
            Self::Connect(source)
        } else {
            Self::Broken(source)
        }
    }

    /// The error of reading the answer's body.
    pub(super) fn from_body(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout { after_sent: true };
        }
        Self::Broken(Box::new(error.without_url()))
    }
}
