//! How a client is set up.

use core::time::Duration;
use std::{boxed::Box, string::String};

use reqwest::{Url, redirect};

use super::{Client, Source};
use crate::Account;

/// Sets a client up. Made by [`Client::builder`].
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    account: Account,
    base_url: String,
    connect_timeout: Duration,
    read_timeout: Duration,
    total_timeout: Duration,
}

impl ClientBuilder {
    /// How long a connection, with TLS, may take.
    pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(6);
    /// How long the gateway may be silent.
    pub const DEFAULT_READ_TIMEOUT: Duration = Duration::from_secs(8);
    /// How long a whole call may take.
    pub const DEFAULT_TOTAL_TIMEOUT: Duration = Duration::from_secs(15);
    /// An idle connection is dropped before the gateway is likely to drop it under a request.
    const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

    pub(super) fn new(account: Account) -> Self {
        Self {
            account,
            base_url: Client::DEFAULT_BASE_URL.into(),
            connect_timeout: Self::DEFAULT_CONNECT_TIMEOUT,
            read_timeout: Self::DEFAULT_READ_TIMEOUT,
            total_timeout: Self::DEFAULT_TOTAL_TIMEOUT,
        }
    }

    /// Another address than [`Client::DEFAULT_BASE_URL`], such as a simulator's. The paths of the endpoints are put
    /// behind it. Nothing is sent without TLS unless it says `http://`.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// How long a connection, with TLS, may take; 6 s if it is not said.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long the gateway may be silent; 8 s if it is not said.
    #[must_use]
    pub const fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// How long a whole call may take; 15 s if it is not said.
    #[must_use]
    pub const fn total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = timeout;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(self) -> Result<Client, BuildError> {
        let url = Url::parse(&self.base_url).map_err(|error| BuildError::Url {
            reason: Box::new(error),
        })?;
        let plain = match url.scheme() {
            "http" => true,
            "https" => false,
            _ => return Err(BuildError::Scheme),
        };
        if url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(BuildError::NotABase);
        }
        // Without one reqwest panics.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(BuildError::NoCryptoProvider);
        }
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("wxpay-core/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .https_only(!plain)
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.read_timeout)
            .timeout(self.total_timeout)
            .pool_idle_timeout(Self::POOL_IDLE_TIMEOUT);
        if plain {
            // No certificate will be looked at, so a machine without any must do.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(|error| BuildError::Http {
            reason: Box::new(error.without_url()),
        })?;
        Ok(Client {
            http,
            base: url.as_str().trim_end_matches('/').into(),
            account: self.account,
        })
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The base URL cannot be read.
    #[error("the base URL cannot be read: {reason}")]
    Url {
        /// What is wrong.
        #[source]
        reason: Source,
    },
    /// The base URL is neither `https://` nor `http://`.
    #[error("the base URL is neither https:// nor http://")]
    Scheme,
    /// The base URL has a user, a password, a query string or a fragment.
    #[error("the base URL has more than a scheme, a host, a port and a path")]
    NotABase,
    /// The program has not chosen how rustls does its cryptography.
    #[error("no rustls CryptoProvider is installed: call install_default once, in the binary")]
    NoCryptoProvider,
    /// The HTTP stack cannot start; perhaps the machine has no root certificates.
    #[error("the HTTP stack cannot start: {reason}")]
    Http {
        /// What is wrong.
        #[source]
        reason: Source,
    },
}
