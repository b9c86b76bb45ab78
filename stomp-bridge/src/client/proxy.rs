//! Proxies: HTTP CONNECT and SOCKS5, for all four schemes alike.

mod address;
mod environment;
mod error;
mod http;
mod socks5;
mod tunnel;

use super::url::BrokerUrl;

pub use address::{Proxy, ProxyKind, ProxyUrlError};
pub use environment::{ProxyEnvironment, ProxyEnvironmentError};
pub use error::{ProxyError, SocksReply};
pub(super) use tunnel::{Target, tunnel};

/// Which way the connection takes. The environment is looked at only by whoever asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyChoice {
    /// Straight to the broker.
    #[default]
    Direct,
    /// Always through this proxy.
    Through(Proxy),
    /// As the environment's variables say for each broker.
    Environment(ProxyEnvironment),
}

impl ProxyChoice {
    /// The proxy on the way to that broker.
    #[must_use]
    pub fn proxy_for(&self, url: &BrokerUrl) -> Option<&Proxy> {
        match self {
            Self::Direct => None,
            Self::Through(proxy) => Some(proxy),
            Self::Environment(environment) => environment.proxy_for(url),
        }
    }
}

impl From<Proxy> for ProxyChoice {
    fn from(proxy: Proxy) -> Self {
        Self::Through(proxy)
    }
}
