//! Why a call gave no answer, and what is known then.

use core::{error::Error, time::Duration};
use std::{boxed::Box, io};

use rustls::AlertDescription;

use super::dns::DnsError;
use crate::{
    api::{Advice, AnswerError, Endpoint, RequestError},
    transport::{Failure, HostReport},
};

/// A cause from the layers below, for people. It holds no address and no message.
pub type Source = Box<dyn Error + Send + Sync>;

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
    /// As many calls are under way as the client may have, and none ended in time.
    #[error("{max_calls} calls are under way, and none ended in time")]
    Busy {
        /// The most calls at once.
        max_calls: usize,
    },
    /// The system gave no random bytes for the nonce.
    #[error("no random bytes for the nonce")]
    Random(#[source] Source),
    /// The caller could not store what a restart needs, so nothing was sent.
    #[error("the record for a restart was not stored; nothing was sent")]
    NotKept(#[source] Source),
    /// There is no connection: DNS, TCP or TLS failed.
    #[error("no connection to the gateway")]
    Connect(#[source] Source),
    /// The gateway demands the merchant's client certificate, and did not get one that it takes. It says so with an HTML
    /// page of status 400, or by ending the TLS handshake.
    #[error("the gateway demands a client certificate and got none that it takes")]
    CertificateDemanded,
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
    /// The caller's sink takes no more of a download.
    #[error("the sink takes no more")]
    SinkFull,
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
            | Self::Busy { .. }
            | Self::Random(_)
            | Self::NotKept(_)
            | Self::Connect(_)
            | Self::Timeout { after_sent: false } => Outcome::NotSent,
            Self::Answer(AnswerError::Business { .. }) => Outcome::Answered,
            Self::Timeout { after_sent: true }
            | Self::CertificateDemanded
            | Self::Broken(_)
            | Self::Http { .. }
            | Self::TooLarge { .. }
            | Self::SinkFull
            | Self::Answer(_) => Outcome::Unknown,
        }
    }

    /// A name of the variant for the labels of metrics, such as `timeout`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Request(_) => "request",
            Self::NoCertificate => "no_certificate",
            Self::Busy { .. } => "busy",
            Self::Random(_) => "random",
            Self::NotKept(_) => "not_kept",
            Self::Connect(_) => "connect",
            Self::CertificateDemanded => "certificate_demanded",
            Self::Timeout { after_sent: false } => "connect_timeout",
            Self::Timeout { after_sent: true } => "timeout",
            Self::Broken(_) => "broken",
            Self::Http { .. } => "http_status",
            Self::TooLarge { .. } => "too_large",
            Self::SinkFull => "sink_full",
            Self::Answer(AnswerError::Business { .. }) => "business",
            Self::Answer(_) => "answer",
        }
    }

    /// What the error says of the host it came from; none when it says nothing.
    pub(super) fn host_report(&self) -> Option<HostReport> {
        Some(match self {
            Self::Request(_)
            | Self::NoCertificate
            | Self::Busy { .. }
            | Self::Random(_)
            | Self::NotKept(_) => return None,
            Self::Timeout { after_sent: false } => HostReport::ConnectTimeout,
            Self::Connect(source) if is_dns(&**source) => HostReport::DnsError,
            Self::Connect(_) | Self::Timeout { .. } | Self::Broken(_) => HostReport::OtherError,
            Self::Http { status } if *status >= 500 => HostReport::OtherError,
            // Somebody answered.
            Self::CertificateDemanded
            | Self::Http { .. }
            | Self::TooLarge { .. }
            | Self::SinkFull
            | Self::Answer(_) => HostReport::Success,
        })
    }

    /// How a try at an endpoint failed, and how long the gateway's code says to wait before the next.
    pub(super) fn failure<E: Endpoint>(&self) -> (Failure, Duration) {
        let failure = match self {
            Self::Connect(_) | Self::Timeout { after_sent: false } => Failure::NotSent,
            Self::Timeout { after_sent: true }
            | Self::Broken(_)
            // A page where the gateway's answer should be.
            | Self::Answer(AnswerError::Xml(_) | AnswerError::NoReturnCode)
            // Of a proxy, or of a gateway that is overloaded.
            | Self::Http { status: 408 | 429 | 500.. } => Failure::Unknown,
            // Only a proven answer is taken at its word.
            Self::Answer(error @ AnswerError::Business { .. }) => match error.advice::<E>() {
                Advice::SendAgain { after } => return (Failure::RetrySame, after),
                _ => Failure::Lasting,
            },
            Self::Request(_)
            | Self::NoCertificate
            | Self::Busy { .. }
            | Self::Random(_)
            | Self::NotKept(_)
            | Self::CertificateDemanded
            | Self::Http { .. }
            | Self::TooLarge { .. }
            | Self::SinkFull
            | Self::Answer(_) => Failure::Lasting,
        };
        (failure, Duration::ZERO)
    }

    /// The error of sending, up to the head of the answer.
    pub(super) fn from_send(error: reqwest::Error) -> Self {
        if is_certificate_alert(&error) {
            return Self::CertificateDemanded;
        }
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
        if is_certificate_alert(&error) {
            return Self::CertificateDemanded;
        }
        Self::Broken(Box::new(error.without_url()))
    }
}

/// Whether a host's name could not be resolved.
fn is_dns(error: &(dyn Error + 'static)) -> bool {
    any_cause(error, <dyn Error>::is::<DnsError>)
}

/// Whether the server ended TLS over the client's certificate. With TLS 1.3 that comes after the client's handshake.
fn is_certificate_alert(error: &(dyn Error + 'static)) -> bool {
    any_cause(error, |cause| {
        matches!(
            cause.downcast_ref::<rustls::Error>(),
            Some(rustls::Error::AlertReceived(
                AlertDescription::CertificateRequired
                    | AlertDescription::NoCertificate
                    | AlertDescription::BadCertificate
                    | AlertDescription::UnsupportedCertificate
                    | AlertDescription::CertificateRevoked
                    | AlertDescription::CertificateExpired
                    | AlertDescription::CertificateUnknown
                    | AlertDescription::UnknownCA
            ))
        )
    })
}

fn any_cause(
    error: &(dyn Error + 'static),
    mut wanted: impl FnMut(&(dyn Error + 'static)) -> bool,
) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if wanted(cause) {
            return true;
        }
        // What an I/O error wraps is not among its sources, but its sources' source.
        next = match cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    false
}
