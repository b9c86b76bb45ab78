//! Where the broker is and who connects, in one line of configuration.

use super::credentials::{Credentials, InvalidCredentials};
use crate::percent;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;
use url::{Host, Url};

/// How the bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// `ws`: WebSocket. Port 80 unless named; RabbitMQ's is 15674.
    Ws,
    /// `wss`: WebSocket over TLS. Port 443 unless named.
    Wss,
    /// `stomp`: plain TCP. Port 61613 unless named.
    Stomp,
    /// `stomps`: TLS. Port 61614 unless named.
    Stomps,
}

impl Scheme {
    /// The scheme as it stands in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Stomp => "stomp",
            Self::Stomps => "stomps",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Ws => 80,
            Self::Wss => 443,
            Self::Stomp => 61613,
            Self::Stomps => 61614,
        }
    }

    pub(crate) fn is_tls(self) -> bool {
        matches!(self, Self::Wss | Self::Stomps)
    }

    /// Whether it is WebSocket, which browsers speak too.
    #[must_use]
    pub fn is_websocket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

/// A broker's address with credentials: `ws://user:pass@host:15674/ws`, `wss://…`,
/// `stomp://user:pass@host:61613`, `stomps://…`, each with an optional `?vhost=NAME` (default `/`).
/// User, passcode and vhost are percent-decoded. A WebSocket URL without a path means `/ws`.
///
/// Neither `Debug` nor `Display` shows the passcode.
///
/// ```
/// use stomp_bridge::client::BrokerUrl;
/// let url: BrokerUrl = "stomp://payer:s%40fe@broker.example".parse()?;
/// assert_eq!(url.to_string(), "stomp://payer@broker.example:61613");
/// assert_eq!(url.port(), 61613);
/// # Ok::<(), stomp_bridge::client::BrokerUrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    scheme: Scheme,
    host: Host<String>,
    port: u16,
    path: String,
    vhost: String,
    credentials: Option<Credentials>,
}

/// Why a text is no [`BrokerUrl`]. No variant holds the text, since a passcode may be in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BrokerUrlError {
    /// It is no URL at all.
    #[error("not a URL: {reason}")]
    Syntax {
        /// What the URL rules say against it.
        reason: String,
    },
    /// The scheme is none of the four.
    #[error("scheme {scheme:?} is not one of ws, wss, stomp, stomps")]
    Scheme {
        /// The scheme that was given.
        scheme: String,
    },
    /// There is no host.
    #[error("no host")]
    NoHost,
    /// `stomp` and `stomps` have no path.
    #[error("a stomp URL has no path; give the virtual host as ?vhost=NAME")]
    Path,
    /// A query parameter besides `vhost`, or `vhost` twice.
    #[error("query parameter {name:?} is not known (vhost is, once)")]
    Parameter {
        /// Its name.
        name: String,
    },
    /// There is a `#fragment`; a `#` in a passcode is written `%23`.
    #[error("a broker URL has no fragment (write # in a passcode as %23)")]
    Fragment,
    /// A percent escape is wrong, or what it stands for is not UTF-8.
    #[error("{part} has a wrong percent escape")]
    Escape {
        /// `login`, `passcode` or `vhost`.
        part: &'static str,
    },
    /// A line break or NUL, which would forge a header of CONNECT.
    #[error("{part} holds a line break or NUL")]
    ControlCharacter {
        /// `login`, `passcode` or `vhost`.
        part: &'static str,
    },
}

impl FromStr for BrokerUrl {
    type Err = BrokerUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use BrokerUrlError as E;
        let url = Url::parse(text).map_err(|e| E::Syntax {
            reason: e.to_string(),
        })?;
        let scheme = match url.scheme() {
            "ws" => Scheme::Ws,
            "wss" => Scheme::Wss,
            "stomp" => Scheme::Stomp,
            "stomps" => Scheme::Stomps,
            other => {
                return Err(E::Scheme {
                    scheme: other.to_owned(),
                });
            }
        };
        if url.fragment().is_some() {
            return Err(E::Fragment);
        }
        let host = match url.host() {
            None | Some(Host::Domain("")) => return Err(E::NoHost),
            Some(host) => host.to_owned(),
        };
        let path = match (scheme.is_websocket(), url.path()) {
            (true, "" | "/") => "/ws".to_owned(),
            (true, path) => path.to_owned(),
            (false, "" | "/") => String::new(),
            (false, _) => return Err(E::Path),
        };
        let vhost = vhost(&url)?;
        let login = percent_decode(url.username(), "login")?;
        let passcode = url
            .password()
            .map(|p| percent_decode(p, "passcode"))
            .transpose()?;
        let credentials = if login.is_empty() && passcode.is_none() {
            None
        } else {
            Some(Credentials::new(login, passcode.unwrap_or_default())?)
        };
        let port = url.port().unwrap_or_else(|| scheme.default_port());
        Ok(Self {
            scheme,
            host,
            port,
            path,
            vhost,
            credentials,
        })
    }
}

impl From<InvalidCredentials> for BrokerUrlError {
    fn from(invalid: InvalidCredentials) -> Self {
        Self::ControlCharacter { part: invalid.part }
    }
}

fn vhost(url: &Url) -> Result<String, BrokerUrlError> {
    let mut vhost = None;
    for pair in url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        match pair.split_once('=') {
            Some(("vhost", value)) if vhost.is_none() && !value.is_empty() => {
                vhost = Some(percent_decode(value, "vhost")?);
            }
            _ => {
                let name = pair.split('=').next().unwrap_or_default().to_owned();
                return Err(BrokerUrlError::Parameter { name });
            }
        }
    }
    let vhost = vhost.unwrap_or_else(|| "/".to_owned());
    if vhost.contains(['\r', '\n', '\0']) {
        return Err(BrokerUrlError::ControlCharacter { part: "vhost" });
    }
    Ok(vhost)
}

fn percent_decode(text: &str, part: &'static str) -> Result<String, BrokerUrlError> {
    percent::decode(text).ok_or(BrokerUrlError::Escape { part })
}

impl BrokerUrl {
    /// How the bytes travel.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host as it stands in a URL (an IPv6 address in brackets).
    #[must_use]
    pub fn host(&self) -> String {
        self.host.to_string()
    }

    /// The port, given or by default.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The virtual host.
    #[must_use]
    pub fn vhost(&self) -> &str {
        &self.vhost
    }

    /// The credentials, if the URL has any.
    #[must_use]
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The same address with other credentials.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// The host without brackets, as a resolver and TLS want it.
    pub(crate) fn host_for_dial(&self) -> String {
        match &self.host {
            Host::Ipv6(ip) => ip.to_string(),
            host => host.to_string(),
        }
    }

    /// The address alone, as a browser opens it: without credentials, which travel in CONNECT.
    #[must_use]
    pub fn upgrade_url(&self) -> String {
        format!(
            "{}://{}:{}{}",
            self.scheme.as_str(),
            self.host,
            self.port,
            self.path
        )
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.as_str())?;
        if let Some(credentials) = &self.credentials {
            write!(f, "{}@", credentials.login().escape_default())?;
        }
        write!(f, "{}:{}{}", self.host, self.port, self.path)?;
        if self.vhost != "/" {
            write!(f, "?vhost={}", self.vhost.escape_default())?;
        }
        Ok(())
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BrokerUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_schemes_and_their_defaults() {
        for (text, shown, port) in [
            ("ws://u:p@h:15674/ws", "ws://u@h:15674/ws", 15674),
            ("ws://h", "ws://h:80/ws", 80),
            (
                "wss://u:p@h/mq?vhost=pay",
                "wss://u@h:443/mq?vhost=pay",
                443,
            ),
            ("stomp://u:p@h", "stomp://u@h:61613", 61613),
            ("stomps://u:p@[::1]", "stomps://u@[::1]:61614", 61614),
        ] {
            let url: BrokerUrl = text.parse().unwrap();
            assert_eq!((url.to_string().as_str(), url.port()), (shown, port));
        }
    }

    #[test]
    fn the_passcode_is_decoded_and_never_shown() {
        let url: BrokerUrl = "ws://pa%20yer:p%40ss%2Fw+rd@h:1/ws?vhost=%2Fpay"
            .parse()
            .unwrap();
        let credentials = url.credentials().unwrap();
        assert_eq!(
            (credentials.login(), credentials.passcode()),
            ("pa yer", "p@ss/w+rd")
        );
        assert_eq!(url.vhost(), "/pay");
        for text in [
            format!("{url}"),
            format!("{url:?}"),
            format!("{credentials:?}"),
        ] {
            assert!(!text.contains("p@ss") && !text.contains("p%40ss"), "{text}");
        }
    }

    #[test]
    fn each_fault_has_its_name() {
        use BrokerUrlError as E;
        let control = |part| E::ControlCharacter { part };
        for (text, error) in [
            (
                "http://h",
                E::Scheme {
                    scheme: "http".into(),
                },
            ),
            ("stomp://", E::NoHost),
            ("stomp://h/pay", E::Path),
            ("ws://h/ws#x", E::Fragment),
            (
                "ws://h/ws?host=x",
                E::Parameter {
                    name: "host".into(),
                },
            ),
            (
                "ws://h/ws?vhost=a&vhost=b",
                E::Parameter {
                    name: "vhost".into(),
                },
            ),
            ("ws://u:%zz@h/ws", E::Escape { part: "passcode" }),
            ("ws://u%0Aevil:p@h/ws", control("login")),
            ("ws://u:p%0D@h/ws", control("passcode")),
            ("ws://u:p@h/ws?vhost=%00", control("vhost")),
        ] {
            assert_eq!(text.parse::<BrokerUrl>(), Err(error), "{text}");
        }
        assert!(matches!(
            "payer@host".parse::<BrokerUrl>(),
            Err(E::Syntax { .. })
        ));
    }
}
