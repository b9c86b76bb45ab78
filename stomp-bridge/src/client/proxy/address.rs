//! Where a proxy is and what it speaks, in one line of configuration.

use super::super::credentials::{Credentials, InvalidCredentials};
use crate::percent;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;
use url::{Host, Url};

/// What the proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyKind {
    /// `http`: CONNECT of HTTP/1.1 (RFC 9110, section 9.3.6), with Basic credentials. Port 80
    /// unless named. The proxy looks the broker's name up.
    Http,
    /// `socks5`: SOCKS5 (RFC 1928), with user and password (RFC 1929). Port 1080 unless named.
    /// This machine looks the broker's name up.
    Socks5,
    /// `socks5h`: the same, and the proxy looks the broker's name up.
    Socks5h,
}

impl ProxyKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }

    /// Whether the broker's name is looked up by this machine.
    pub(in super::super) fn resolves_here(self) -> bool {
        self == Self::Socks5
    }
}

/// A proxy's address: `http://user:pass@host:3128`, `socks5://…` or `socks5h://…`. Without a scheme
/// it is `http`. User and password are percent-decoded; neither `Debug` nor `Display` shows the
/// password.
///
/// The way to the proxy is plain TCP: its user and password travel in the clear. What goes through
/// it is as safe as the broker's scheme makes it.
///
/// ```
/// use stomp_bridge::client::Proxy;
/// let proxy: Proxy = "socks5h://me:s3cret@proxy.example".parse()?;
/// assert_eq!(proxy.to_string(), "socks5h://me@proxy.example:1080");
/// # Ok::<(), stomp_bridge::client::ProxyUrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub(super) kind: ProxyKind,
    host: Host<String>,
    port: u16,
    pub(super) credentials: Option<Credentials>,
}

/// Why a text is no [`Proxy`]. No variant holds the text, since a password may be in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// It is no URL at all.
    #[error("not a URL: {reason}")]
    Syntax {
        /// What the URL rules say against it.
        reason: String,
    },
    /// The scheme is none of the three.
    #[error("proxy scheme {scheme:?} is not one of http, socks5, socks5h")]
    Scheme {
        /// The scheme that was given.
        scheme: String,
    },
    /// There is no host.
    #[error("no proxy host")]
    NoHost,
    /// There is a path, a query or a fragment.
    #[error("a proxy's URL ends after the port")]
    Tail,
    /// A percent escape is wrong, or what it stands for is not UTF-8.
    #[error("the proxy's {part} has a wrong percent escape")]
    Escape {
        /// `login` or `passcode`.
        part: &'static str,
    },
    /// The protocol cannot carry it: a line break or NUL, a colon in the user of an HTTP proxy, or
    /// a SOCKS user or password that is empty or longer than 255 bytes.
    #[error("the proxy's {part} cannot be sent to it")]
    Unsendable {
        /// `login` or `passcode`.
        part: &'static str,
    },
}

impl FromStr for Proxy {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use ProxyUrlError as E;
        let schemed = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let url = Url::parse(&schemed).map_err(|e| E::Syntax {
            reason: e.to_string(),
        })?;
        let kind = match url.scheme() {
            "http" => ProxyKind::Http,
            "socks5" => ProxyKind::Socks5,
            "socks5h" => ProxyKind::Socks5h,
            other => {
                let scheme = other.to_owned();
                return Err(E::Scheme { scheme });
            }
        };
        let host = match url.host() {
            None | Some(Host::Domain("")) => return Err(E::NoHost),
            Some(host) => host.to_owned(),
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(E::Tail);
        }
        let credentials = credentials(&url, kind)?;
        let port = url.port().unwrap_or_else(|| kind.default_port());
        Ok(Self {
            kind,
            host,
            port,
            credentials,
        })
    }
}

fn credentials(url: &Url, kind: ProxyKind) -> Result<Option<Credentials>, ProxyUrlError> {
    let decode = |text, part| percent::decode(text).ok_or(ProxyUrlError::Escape { part });
    let login = decode(url.username(), "login")?;
    let passcode = url.password().map(|p| decode(p, "passcode")).transpose()?;
    if login.is_empty() && passcode.is_none() {
        return Ok(None);
    }
    let credentials = Credentials::new(login, passcode.unwrap_or_default())?;
    for (part, text) in [
        ("login", credentials.login()),
        ("passcode", credentials.passcode()),
    ] {
        let sendable = match kind {
            ProxyKind::Http => part != "login" || !text.contains(':'),
            ProxyKind::Socks5 | ProxyKind::Socks5h => (1..=255).contains(&text.len()),
        };
        if !sendable {
            return Err(ProxyUrlError::Unsendable { part });
        }
    }
    Ok(Some(credentials))
}

impl From<InvalidCredentials> for ProxyUrlError {
    fn from(invalid: InvalidCredentials) -> Self {
        Self::Unsendable { part: invalid.part }
    }
}

impl Proxy {
    /// What it speaks.
    #[must_use]
    pub fn kind(&self) -> ProxyKind {
        self.kind
    }

    /// The port, given or by default.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The host without brackets, as a resolver wants it.
    pub(in super::super) fn host_for_dial(&self) -> String {
        match &self.host {
            Host::Ipv6(ip) => ip.to_string(),
            host => host.to_string(),
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.kind.as_str())?;
        if let Some(credentials) = &self.credentials {
            write!(f, "{}@", credentials.login().escape_default())?;
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_and_their_defaults() {
        for (text, shown) in [
            ("http://u:p@h:3128", "http://u@h:3128"),
            ("proxy.example:3128", "http://proxy.example:3128"),
            ("http://h/", "http://h:80"),
            ("socks5://[::1]", "socks5://[::1]:1080"),
            ("socks5h://u:p%40@h:9050", "socks5h://u@h:9050"),
        ] {
            let proxy: Proxy = text.parse().unwrap();
            assert_eq!(proxy.to_string(), shown);
            assert_eq!(format!("{proxy:?}"), format!("Proxy({shown})"));
        }
    }

    #[test]
    fn each_fault_has_its_name() {
        use ProxyUrlError as E;
        let unsendable = |part| E::Unsendable { part };
        let long = format!("socks5://u:{}@h", "x".repeat(256));
        for (text, error) in [
            (
                "https://h",
                E::Scheme {
                    scheme: "https".into(),
                },
            ),
            ("socks5://", E::NoHost),
            ("http://h/path", E::Tail),
            ("http://h?x", E::Tail),
            ("http://u:%zz@h", E::Escape { part: "passcode" }),
            ("http://a%3Ab:p@h", unsendable("login")),
            ("http://u%0Aevil:p@h", unsendable("login")),
            ("socks5://u@h", unsendable("passcode")),
            (&long, unsendable("passcode")),
        ] {
            assert_eq!(text.parse::<Proxy>(), Err(error), "{text}");
        }
    }
}
