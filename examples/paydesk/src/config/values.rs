//! The values that options take, each read from its text.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr};

use order_store::PostgresUrl;
use stomp_bridge::client::BrokerUrl;
use url::Url;

/// Where the simulator listens when nothing else is said.
pub(crate) const SIM_DEFAULT: &str = "127.0.0.1:9011";

/// Where the ledger is kept.
#[derive(Clone, Debug)]
pub(crate) enum StoreSetting {
    /// A folder of this machine.
    Sled(PathBuf),
    /// A database, for any number of desks. What prints it leaves user and password out.
    Postgres(Box<PostgresUrl>),
}

impl FromStr for StoreSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sled", path)) if !path.is_empty() => Ok(Self::Sled(path.into())),
            Some(("postgres" | "postgresql", _)) => text
                .parse::<PostgresUrl>()
                .map(|url| Self::Postgres(Box::new(url)))
                .map_err(|error| {
                    format!("{error}; it is postgres://USER:PASSWORD@HOST:5432/DATABASE")
                }),
            _ => Err("it is sled:PATH or a postgres:// URL".into()),
        }
    }
}

impl fmt::Display for StoreSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sled(path) => write!(f, "sled:{}", path.display()),
            Self::Postgres(url) => write!(f, "{url}"),
        }
    }
}

/// Where messages are published.
#[derive(Clone, Debug)]
pub(crate) enum BrokerSetting {
    /// The broker inside this process, at `/ws`.
    Embedded,
    /// A broker of its own, such as RabbitMQ.
    Remote(BrokerUrl),
}

impl FromStr for BrokerSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "embedded" {
            return Ok(Self::Embedded);
        }
        text.parse().map(Self::Remote).map_err(|error| {
            format!("{error}; it is embedded, or a ws://, wss://, stomp:// or stomps:// URL")
        })
    }
}

/// Which gateway is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gateway {
    /// The simulator, started inside this process.
    Sim(SocketAddr),
    /// Another base URL. Counts as real wherever that makes a difference.
    Custom(Url),
    /// The real one.
    WeChat,
}

impl Gateway {
    /// Whether no money moves: then pages need no ticket and the payer's phone is a page.
    pub(crate) fn is_sim(&self) -> bool {
        matches!(self, Self::Sim(_))
    }
}

impl FromStr for Gateway {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = |text: &str| {
            text.parse()
                .map(Self::Sim)
                .map_err(|_| format!("'{text}' is no address: give sim=ADDR:PORT"))
        };
        match text {
            "sim" => address(SIM_DEFAULT),
            "wechat" => Ok(Self::WeChat),
            _ => match text.strip_prefix("sim=") {
                Some(text) => address(text),
                None => match Url::parse(text) {
                    Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
                        Ok(Self::Custom(url))
                    }
                    _ => Err("it is sim, sim=ADDR:PORT, wechat, or a base URL".into()),
                },
            },
        }
    }
}

/// Whether a verified notify is confirmed by asking `orderquery`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirm {
    /// No answer of the query: the notify is answered FAIL and comes again.
    Strict,
    /// No answer of the query: the notify is proof, and the sweeper confirms later.
    Prefer,
    /// The notify is proof; the sweeper confirms later.
    Off,
}

impl FromStr for Confirm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "strict" => Ok(Self::Strict),
            "prefer" => Ok(Self::Prefer),
            "off" => Ok(Self::Off),
            _ => Err("it is strict, prefer or off".into()),
        }
    }
}

/// Whether browsers may read the fanout, where every page sees every order's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BrowserFanout {
    /// They may.
    On,
    /// They may not.
    Off,
}

impl FromStr for BrowserFanout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err("it is on or off".into()),
        }
    }
}

/// Whose time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockSetting {
    /// This machine's.
    Real,
    /// The simulator's, which can be put forward.
    Sim,
}

impl FromStr for ClockSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "real" => Ok(Self::Real),
            "sim" => Ok(Self::Sim),
            _ => Err("it is real or sim".into()),
        }
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("it is text or json".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_are_told_apart() {
        assert_eq!(
            "sim".parse(),
            Ok(Gateway::Sim(SIM_DEFAULT.parse().unwrap()))
        );
        assert_eq!(
            "sim=127.0.0.1:0".parse(),
            Ok(Gateway::Sim("127.0.0.1:0".parse().unwrap()))
        );
        assert_eq!("wechat".parse(), Ok(Gateway::WeChat));
        assert!(matches!(
            "http://127.0.0.1:9/".parse(),
            Ok(Gateway::Custom(_))
        ));
        for text in ["", "simulator", "sim=", "ftp://x/"] {
            assert!(text.parse::<Gateway>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_store_is_a_folder_or_a_database_and_shows_no_password() {
        let shown = |text: &str| text.parse().map(|store: StoreSetting| store.to_string());
        assert_eq!(
            shown("sled:/var/lib/paydesk").as_deref(),
            Ok("sled:/var/lib/paydesk")
        );
        assert_eq!(
            shown("postgres://payer:hush-1@db.example:5433/shop").as_deref(),
            Ok("postgres://db.example/shop")
        );
        for text in [
            "sled:",
            "/var/lib",
            "postgres://payer:hush-1@db.example:port/shop",
            "postgres://payer:hush-1@db.example/shop?sslmode=hush-1",
            "mysql://payer:hush-1@db.example/shop",
        ] {
            let error = text.parse::<StoreSetting>().err().unwrap_or_default();
            assert!(
                !error.is_empty() && !error.contains("hush"),
                "{text}: {error}"
            );
        }
    }
}
