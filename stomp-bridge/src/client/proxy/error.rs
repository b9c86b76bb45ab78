//! What can go wrong at a proxy.

use std::fmt;
use thiserror::Error;

/// Why a proxy leads nowhere. Each message is one line for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The proxy itself cannot be reached.
    #[error("cannot reach the proxy {proxy}: {reason}")]
    Unreachable {
        /// The proxy, without its password.
        proxy: String,
        /// Why.
        reason: String,
    },
    /// It wants credentials and the URL has none.
    #[error("the proxy {proxy} asks for user and password")]
    CredentialsWanted {
        /// The proxy, without its password.
        proxy: String,
    },
    /// It refuses the credentials.
    #[error("the proxy {proxy} refuses user or password")]
    CredentialsRefused {
        /// The proxy, without its password.
        proxy: String,
    },
    /// An HTTP proxy refuses the way.
    #[error("the proxy {proxy} answers CONNECT {target} with HTTP status {status}")]
    HttpStatus {
        /// The proxy, without its password.
        proxy: String,
        /// Host and port of the broker.
        target: String,
        /// The HTTP status.
        status: u16,
    },
    /// A SOCKS proxy refuses the way.
    #[error("the proxy {proxy} does not connect to {target}: {reply}")]
    Socks {
        /// The proxy, without its password.
        proxy: String,
        /// Host and port of the broker.
        target: String,
        /// Its reason.
        reply: SocksReply,
    },
    /// What it says is not its protocol.
    #[error("{proxy} is not such a proxy: {what}")]
    Garbled {
        /// The proxy, without its password.
        proxy: String,
        /// What was met.
        what: String,
    },
}

impl ProxyError {
    /// What may mend it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "check the proxy's address and that it runs",
            Self::CredentialsWanted { .. } => "put user and password into the proxy's URL",
            Self::CredentialsRefused { .. } => "correct user and password in the proxy's URL",
            Self::HttpStatus { status: 403, .. } => {
                "have the proxy allow CONNECT to that host and port; many allow 443 only"
            }
            Self::HttpStatus { .. } => {
                "the proxy cannot reach the broker: check host and port as the proxy sees them"
            }
            Self::Socks { .. } => {
                "check host and port as the proxy sees them, and the proxy's rules"
            }
            Self::Garbled { .. } => "check the proxy's port and scheme (http, socks5, socks5h)",
        }
    }
}

/// A SOCKS5 proxy's reason (RFC 1928, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocksReply {
    /// 1: it failed in a way of its own.
    GeneralFailure,
    /// 2: its rules forbid it.
    NotAllowed,
    /// 3: there is no way to the network.
    NetworkUnreachable,
    /// 4: there is no way to the host, or its name is not known.
    HostUnreachable,
    /// 5: nothing listens there.
    ConnectionRefused,
    /// 6: too many hops.
    TtlExpired,
    /// 7: it knows no CONNECT.
    CommandUnknown,
    /// 8: it knows no addresses of this kind.
    AddressKindUnknown,
    /// A number that the RFC does not have.
    Other(u8),
}

impl SocksReply {
    /// The reason of a reply that is not 0, success.
    pub(super) fn from_code(code: u8) -> Self {
        match code {
            1 => Self::GeneralFailure,
            2 => Self::NotAllowed,
            3 => Self::NetworkUnreachable,
            4 => Self::HostUnreachable,
            5 => Self::ConnectionRefused,
            6 => Self::TtlExpired,
            7 => Self::CommandUnknown,
            8 => Self::AddressKindUnknown,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for SocksReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GeneralFailure => "general failure",
            Self::NotAllowed => "not allowed by its rules",
            Self::NetworkUnreachable => "network unreachable",
            Self::HostUnreachable => "host unreachable",
            Self::ConnectionRefused => "connection refused",
            Self::TtlExpired => "TTL expired",
            Self::CommandUnknown => "it knows no CONNECT",
            Self::AddressKindUnknown => "it knows no addresses of this kind",
            Self::Other(code) => return write!(f, "reply {code}"),
        })
    }
}
