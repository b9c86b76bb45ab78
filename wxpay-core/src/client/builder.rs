//! How a client is set up.

use core::time::Duration;
use std::{
    boxed::Box,
    string::String,
    sync::Arc,
    time::{Instant, SystemTime},
    vec::Vec,
};

use reqwest::redirect;
use rustls::crypto::CryptoProvider;

use super::{
    Audit, Client, Identity, IdentityError, Observe, Source,
    dns::SystemDns,
    hosts::{Base, Hosts},
    limit::Limit,
    observe::Hooks,
    phase::Dialing,
    shared::{Http, PlainHttp, Shared},
};
use crate::{Account, transport::RetryPolicy};

/// Sets a client up. Made by [`Client::builder`].
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    account: Account,
    base_url: Option<String>,
    backup_url: Option<String>,
    connect_timeout: Duration,
    read_timeout: Duration,
    pool_idle_timeout: Duration,
    total_timeout: Duration,
    download_timeout: Duration,
    identity: Option<Identity>,
    plain_http: PlainHttp,
    roots_pem: Option<Vec<u8>>,
    retry: RetryPolicy,
    max_calls: usize,
    longest_wait: Duration,
    hooks: Hooks,
}

impl ClientBuilder {
    /// How long a connection, with TLS, may take.
    pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(6);
    /// How long the gateway may be silent.
    pub const DEFAULT_READ_TIMEOUT: Duration = Duration::from_secs(8);
    /// How long a whole call may take.
    pub const DEFAULT_TOTAL_TIMEOUT: Duration = Duration::from_secs(15);
    /// How long a download may take.
    pub const DEFAULT_DOWNLOAD_TIMEOUT: Duration = Duration::from_mins(10);
    /// How many calls may be under way at once.
    pub const DEFAULT_MAX_CALLS: usize = 256;
    /// How long a call waits for one of the others to end.
    pub const DEFAULT_LONGEST_WAIT: Duration = Duration::from_secs(5);
    /// How long an idle connection is kept.
    pub const DEFAULT_POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

    pub(super) fn new(account: Account) -> Self {
        Self {
            account,
            base_url: None,
            backup_url: None,
            connect_timeout: Self::DEFAULT_CONNECT_TIMEOUT,
            read_timeout: Self::DEFAULT_READ_TIMEOUT,
            pool_idle_timeout: Self::DEFAULT_POOL_IDLE_TIMEOUT,
            total_timeout: Self::DEFAULT_TOTAL_TIMEOUT,
            download_timeout: Self::DEFAULT_DOWNLOAD_TIMEOUT,
            identity: None,
            plain_http: PlainHttp::NeedsIdentity,
            roots_pem: None,
            retry: RetryPolicy::NEVER,
            max_calls: Self::DEFAULT_MAX_CALLS,
            longest_wait: Self::DEFAULT_LONGEST_WAIT,
            hooks: Hooks::default(),
        }
    }

    /// Another address than [`Client::DEFAULT_BASE_URL`], such as a simulator's. The paths of the endpoints are put
    /// behind it. Nothing is sent without TLS unless it says `http://`. It has no backup unless
    /// [`backup_url`](Self::backup_url) names one.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Another backup than [`Client::DEFAULT_BACKUP_URL`], used by the rule of [`Failover`](crate::transport::Failover).
    #[must_use]
    pub fn backup_url(mut self, url: impl Into<String>) -> Self {
        self.backup_url = Some(url.into());
        self
    }

    /// How long a connection, with TLS, may take; 6 s if it is not said.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long the gateway may be silent, once there is a connection: until the head of the answer, and between any two
    /// pieces of its body. 8 s if it is not said.
    #[must_use]
    pub const fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// How long an idle connection is kept for the next call; 30 s if it is not said, and none is kept with zero.
    ///
    /// It should be shorter than the time after which the gateway, or a proxy on the way, closes an idle connection. A
    /// connection that they have closed is noticed and not used; one that they close in the instant of the next request
    /// leaves that request's outcome unknown.
    #[must_use]
    pub const fn pool_idle_timeout(mut self, timeout: Duration) -> Self {
        self.pool_idle_timeout = timeout;
        self
    }

    /// How long a whole call may take, with all its tries; 15 s if it is not said.
    #[must_use]
    pub const fn total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = timeout;
        self
    }

    /// How long a download may take, with all its tries; 10 minutes if it is not said.
    #[must_use]
    pub const fn download_timeout(mut self, timeout: Duration) -> Self {
        self.download_timeout = timeout;
        self
    }

    /// The merchant's client certificate, for the endpoints that demand one. The others do not show it.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Lets endpoints that demand a client certificate be called without one where the address says `http://`, as a
    /// simulator's may. Over TLS the certificate stays a demand.
    #[must_use]
    pub const fn plain_http_without_identity(mut self) -> Self {
        self.plain_http = PlainHttp::NeedsNothing;
        self
    }

    /// Trusts the certificates in this PEM text and no others, for a gateway with a certificate of a private authority.
    #[must_use]
    pub fn only_roots_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots_pem = Some(pem.into());
        self
    }

    /// When a request is sent again; never if it is not said.
    #[must_use]
    pub const fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// The most calls at once, and how long another waits until one ends; 256 and 5 s if it is not said. None counts as
    /// one. A call that waited in vain is [`CallError::Busy`](super::CallError::Busy).
    #[must_use]
    pub const fn max_calls(mut self, calls: usize, longest_wait: Duration) -> Self {
        self.max_calls = calls;
        self.longest_wait = longest_wait;
        self
    }

    /// Who hears of every call that ended, for metrics.
    #[must_use]
    pub fn observe(mut self, observe: impl Observe + 'static) -> Self {
        self.hooks.observe = Some(Arc::new(observe));
        self
    }

    /// Who gets every exchange, masked, for an audit log.
    #[must_use]
    pub fn audit(mut self, audit: impl Audit + 'static) -> Self {
        self.hooks.audit = Some(Arc::new(audit));
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(self) -> Result<Client, BuildError> {
        let (primary, backup) = match (&self.base_url, &self.backup_url) {
            (None, None) => (Client::DEFAULT_BASE_URL, Some(Client::DEFAULT_BACKUP_URL)),
            (None, Some(backup)) => (Client::DEFAULT_BASE_URL, Some(backup.as_str())),
            (Some(base), backup) => (base.as_str(), backup.as_deref()),
        };
        let primary = Base::parse(primary)?;
        let backup = backup.map(Base::parse).transpose()?;
        // Without one reqwest panics.
        let provider = CryptoProvider::get_default().ok_or(BuildError::NoCryptoProvider)?;
        let without = self.http(&primary, backup.as_ref(), None)?;
        let with = match &self.identity {
            Some(identity) => {
                identity.check(SystemTime::now(), provider, &self.account.mch_id)?;
                Some(self.http(&primary, backup.as_ref(), Some(identity))?)
            }
            None => None,
        };
        Ok(Client {
            account: self.account,
            shared: Arc::new(Shared {
                http: Http {
                    without,
                    with,
                    unencrypted: self.plain_http,
                },
                hosts: Hosts::new(primary, backup, Instant::now()),
                read_timeout: self.read_timeout,
                total_timeout: self.total_timeout,
                download_timeout: self.download_timeout,
                retry: self.retry,
                limit: Limit::new(self.max_calls, self.longest_wait),
                hooks: self.hooks,
            }),
        })
    }

    /// The HTTP stack, with or without the client certificate. They share no connection.
    fn http(
        &self,
        primary: &Base,
        backup: Option<&Base>,
        identity: Option<&Identity>,
    ) -> Result<reqwest::Client, BuildError> {
        let refused = |error: reqwest::Error| BuildError::Http {
            reason: Box::new(error.without_url()),
        };
        let any_plain = primary.is_plain() || backup.is_some_and(Base::is_plain);
        let all_plain = primary.is_plain() && backup.is_none_or(Base::is_plain);
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("wxpay-core/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .dns_resolver(SystemDns)
            .https_only(!any_plain)
            .connect_timeout(self.connect_timeout)
            .connector_layer(Dialing);
        http = if self.pool_idle_timeout.is_zero() {
            http.pool_max_idle_per_host(0)
        } else {
            http.pool_idle_timeout(self.pool_idle_timeout)
        };
        if let Some(pem) = &self.roots_pem {
            let roots = reqwest::Certificate::from_pem_bundle(pem).map_err(refused)?;
            if roots.is_empty() {
                return Err(BuildError::NoRoots);
            }
            http = http.tls_certs_only(roots);
        } else if all_plain {
            // No certificate will be looked at, so a machine without any must do.
            http = http.tls_certs_only([]);
        }
        if let Some(identity) = identity {
            http = http.identity(identity.for_http().map_err(refused)?);
        }
        http.build().map_err(refused)
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
    /// The client certificate or its key cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The PEM text of the roots to trust holds no certificate.
    #[error("the PEM text of the roots to trust holds no certificate")]
    NoRoots,
    /// The HTTP stack cannot start; perhaps the machine has no root certificates.
    #[error("the HTTP stack cannot start: {reason}")]
    Http {
        /// What is wrong.
        #[source]
        reason: Source,
    },
}
