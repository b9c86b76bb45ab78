//! The environment's variables for proxies, for whoever asks for them by name.

use super::super::url::BrokerUrl;
use super::address::{Proxy, ProxyUrlError};
use std::env::VarError;
use std::net::IpAddr;
use thiserror::Error;

/// What `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` said when they were read.
///
/// | variable | for |
/// |---|---|
/// | `HTTPS_PROXY` | `wss` and `stomps` |
/// | `ALL_PROXY` | all schemes that have no proxy by the line above |
/// | `NO_PROXY` | brokers that are reached directly: names (with all below them), addresses, networks such as `10.0.0.0/8`, each with an optional `:port`, with commas between; `*` for all |
///
/// The names in small letters are read first, as curl does. `HTTP_PROXY` is not read: what it names
/// is for plain HTTP, and seldom grants CONNECT to another port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyEnvironment {
    https: Option<Proxy>,
    all: Option<Proxy>,
    direct: Vec<Direct>,
}

/// A variable that names no proxy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{variable}: {error}")]
pub struct ProxyEnvironmentError {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong with its value.
    #[source]
    pub error: ProxyUrlError,
}

impl ProxyEnvironment {
    /// Reads the variables of this process, now.
    ///
    /// # Errors
    /// [`ProxyEnvironmentError`] when one has a value that is no [`Proxy`].
    pub fn read() -> Result<Self, ProxyEnvironmentError> {
        Self::from_variables(|variable| match std::env::var(variable) {
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(ProxyUrlError::Syntax {
                reason: "it is not UTF-8".to_owned(),
            }),
        })
    }

    fn from_variables(
        read: impl Fn(&str) -> Result<Option<String>, ProxyUrlError>,
    ) -> Result<Self, ProxyEnvironmentError> {
        let value = |names: [&'static str; 2]| {
            for variable in names {
                match read(variable) {
                    Ok(Some(value)) if !value.trim().is_empty() => {
                        return Ok(Some((variable, value)));
                    }
                    Ok(_) => {}
                    Err(error) => return Err(ProxyEnvironmentError { variable, error }),
                }
            }
            Ok(None)
        };
        let proxy = |names| {
            value(names)?
                .map(|(variable, value)| {
                    let parsed = value.trim().parse();
                    parsed.map_err(|error| ProxyEnvironmentError { variable, error })
                })
                .transpose()
        };
        let no_proxy = value(["no_proxy", "NO_PROXY"])?;
        let direct = no_proxy.map_or_else(Vec::new, |(_, list)| {
            let entries = list.split(|c: char| c == ',' || c.is_whitespace());
            entries.filter(|e| !e.is_empty()).map(Direct::new).collect()
        });
        Ok(Self {
            https: proxy(["https_proxy", "HTTPS_PROXY"])?,
            all: proxy(["all_proxy", "ALL_PROXY"])?,
            direct,
        })
    }

    /// The proxy on the way to that broker.
    #[must_use]
    pub fn proxy_for(&self, url: &BrokerUrl) -> Option<&Proxy> {
        let host = url.host_for_dial();
        if self.direct.iter().any(|d| d.matches(&host, url.port())) {
            return None;
        }
        let https = self.https.as_ref().filter(|_| url.scheme().is_tls());
        https.or(self.all.as_ref())
    }
}

/// An entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Direct {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    /// Addresses whose first so many bits are these.
    Network(IpAddr, u8),
    /// A name, in small letters, and those below it.
    Domain(String),
}

impl Direct {
    fn new(entry: &str) -> Self {
        if let Some(hosts) = Hosts::network(entry) {
            return Self { hosts, port: None };
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => (host, port.parse().ok()),
            _ => (entry, None),
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let hosts = match host {
            "*" => Hosts::All,
            _ => Hosts::network(bare).unwrap_or_else(|| {
                let domain = host.trim_start_matches('*').trim_start_matches('.');
                Hosts::Domain(domain.to_ascii_lowercase())
            }),
        };
        Self { hosts, port }
    }

    fn matches(&self, host: &str, port: u16) -> bool {
        if self.port.is_some_and(|own| own != port) {
            return false;
        }
        match &self.hosts {
            Hosts::All => true,
            Hosts::Network(network, bits) => host
                .parse()
                .is_ok_and(|ip: IpAddr| same_network(*network, ip, *bits)),
            Hosts::Domain(domain) => {
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                let above = host.strip_suffix(domain.as_str());
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
        }
    }
}

impl Hosts {
    fn network(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let ip: IpAddr = address.parse().ok()?;
        let widest = if ip.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(widest), |bits| bits.parse().ok())?;
        (bits <= widest).then_some(Self::Network(ip, bits))
    }
}

fn same_network(a: IpAddr, b: IpAddr, bits: u8) -> bool {
    let apart = match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => return false,
    };
    apart >= u32::from(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Result<ProxyEnvironment, ProxyEnvironmentError> {
        ProxyEnvironment::from_variables(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            Ok(found.map(|(_, value)| (*value).to_owned()))
        })
    }

    fn way(environment: &ProxyEnvironment, url: &str) -> String {
        let url = url.parse().unwrap();
        environment
            .proxy_for(&url)
            .map_or_else(|| "direct".to_owned(), ToString::to_string)
    }

    #[test]
    fn the_scheme_chooses_and_small_letters_come_first() {
        let both = environment(&[
            ("HTTPS_PROXY", "http://upper:1"),
            ("https_proxy", "lower:2"),
            ("ALL_PROXY", "socks5h://all:3"),
        ]);
        let both = both.unwrap();
        for tls in ["wss://h", "stomps://h"] {
            assert_eq!(way(&both, tls), "http://lower:2");
        }
        for plain in ["ws://h", "stomp://h"] {
            assert_eq!(way(&both, plain), "socks5h://all:3");
        }
        let https = environment(&[("HTTPS_PROXY", "p:1"), ("ALL_PROXY", " ")]).unwrap();
        assert_eq!(way(&https, "ws://h"), "direct");
        assert_eq!(environment(&[]), Ok(ProxyEnvironment::default()));
        let wrong = environment(&[("ALL_PROXY", "ftp://h")]).unwrap_err();
        assert_eq!(wrong.variable, "ALL_PROXY");
    }

    #[test]
    fn no_proxy_names_who_is_reached_directly() {
        let list = "example.com, .inner.net 10.1.0.0/16,192.0.2.7,::1,[fe80::]:1,mq.org:61613";
        let some = environment(&[("ALL_PROXY", "p:1"), ("NO_PROXY", list)]).unwrap();
        for direct in [
            "ws://example.com",
            "ws://a.EXAMPLE.com",
            "ws://x.inner.net",
            "stomp://10.1.200.3",
            "stomp://192.0.2.7",
            "ws://[::1]:5",
            "stomp://mq.org",
        ] {
            assert_eq!(way(&some, direct), "direct", "{direct}");
        }
        for proxied in [
            "ws://badexample.com",
            "ws://example.com.evil",
            "stomp://10.2.0.1",
            "stomp://192.0.2.70",
            "ws://[fe80::]:2",
            "ws://mq.org",
        ] {
            assert_eq!(way(&some, proxied), "http://p:1", "{proxied}");
        }
        let all = environment(&[("ALL_PROXY", "p:1"), ("no_proxy", "*")]).unwrap();
        assert_eq!(way(&all, "ws://h"), "direct");
    }
}
