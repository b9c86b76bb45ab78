//! Where calls go: one address, or two with the failover rule between them.

use std::{
    string::String,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use reqwest::Url;

use super::{BuildError, CallError};
use crate::transport::{Failover, Host, HostReport};

/// Scheme, host, port and path of a gateway.
#[derive(Debug)]
pub(super) struct Base {
    /// Without the slash at its end.
    url: String,
    host: String,
    plain: bool,
}

impl Base {
    pub(super) fn parse(text: &str) -> Result<Self, BuildError> {
        let url = Url::parse(text).map_err(|error| BuildError::Url {
            reason: error.into(),
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
        Ok(Self {
            url: url.as_str().trim_end_matches('/').into(),
            host: url.host_str().unwrap_or_default().into(),
            plain,
        })
    }

    /// The root of a host, over TLS.
    pub(super) fn of_host(host: &str) -> Self {
        Self {
            url: ["https://", host].concat(),
            host: host.into(),
            plain: false,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        [self.url.as_str(), path].concat()
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is `http://`.
    pub(super) const fn is_plain(&self) -> bool {
        self.plain
    }
}

#[derive(Debug)]
pub(super) struct Hosts {
    primary: Base,
    backup: Option<Base>,
    failover: Mutex<Failover>,
    /// The moment that the failover rule counts from.
    epoch: Instant,
}

impl Hosts {
    pub(super) fn new(primary: Base, backup: Option<Base>, epoch: Instant) -> Self {
        Self {
            primary,
            backup,
            failover: Mutex::new(Failover::new()),
            epoch,
        }
    }

    /// Whether calls go to the gateway itself, and not to a simulator or a proxy of the merchant's.
    pub(super) fn are_the_gateways(&self) -> bool {
        const DOMAIN: &str = ".mch.weixin.qq.com";
        !self.primary.plain && self.primary.host.ends_with(DOMAIN)
    }

    /// The address of the next try.
    pub(super) fn pick(&self) -> (Host, &Base) {
        let Some(backup) = &self.backup else {
            return (Host::Primary, &self.primary);
        };
        let mut failover = self.failover.lock().unwrap_or_else(PoisonError::into_inner);
        match failover.pick(self.epoch.elapsed()) {
            Host::Primary => (Host::Primary, &self.primary),
            Host::Backup => (Host::Backup, backup),
        }
    }

    /// Takes note of how a try went.
    pub(super) fn report<T>(&self, host: Host, result: &Result<T, CallError>) {
        if self.backup.is_none() {
            return;
        }
        let report = match result {
            Ok(_) => HostReport::Success,
            Err(error) => match error.host_report() {
                Some(report) => report,
                None => return,
            },
        };
        self.failover
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .report(host, report);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_gateway_from_its_stand_ins() {
        for (base, is) in [
            ("https://api.mch.weixin.qq.com", true),
            ("https://apihk.mch.weixin.qq.com/", true),
            ("http://api.mch.weixin.qq.com", false),
            ("https://api.mch.weixin.qq.com.example.com", false),
            ("http://127.0.0.1:9011", false),
        ] {
            let hosts = Hosts::new(Base::parse(base).unwrap(), None, Instant::now());
            assert_eq!(hosts.are_the_gateways(), is, "{base}");
        }
        let own = Base::of_host("fraud.mch.weixin.qq.com");
        assert_eq!(
            own.url("/risk/getpublickey"),
            "https://fraud.mch.weixin.qq.com/risk/getpublickey"
        );
    }
}
