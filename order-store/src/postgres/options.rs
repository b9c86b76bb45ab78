//! How a ledger in PostgreSQL is opened.

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use tokio_postgres::config::{Config, Host, SslMode, TargetSessionAttrs};

use crate::{Clock, DeadLetter};

/// Where the database is: `postgres://user:password@host:port/database?sslmode=…`.
///
/// As libpq has it, with these differences. TLS always checks the certificate and the host's name, so `require`,
/// `verify-ca` and `verify-full` are the same. Without `sslmode` a host on loopback and a socket are spoken to in the clear, and
/// any other host by TLS. `prefer` and `allow` are refused: they give way to whoever stands between. `sslrootcert` names a
/// PEM file of the certificate authorities to trust in place of the public ones. Of several hosts the one that takes writes is
/// used, whatever `target_session_attrs` says.
///
/// `Debug` and `Display` leave user, password and options out.
#[derive(Clone)]
pub struct PostgresUrl {
    pub(super) config: Config,
    pub(super) tls: Tls,
    pub(super) root_file: Option<PathBuf>,
}

/// Whether TLS is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    Off,
    Verified,
}

/// A text that is no [`PostgresUrl`]. It does not repeat the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresUrlError {
    /// It cannot be read.
    #[error("not a postgres:// URL that can be read")]
    Unreadable,
    /// It names no host.
    #[error("the postgres:// URL names no host")]
    NoHost,
    /// `sslmode` is something else.
    #[error("sslmode is disable, require, verify-ca or verify-full")]
    SslMode,
}

impl FromStr for PostgresUrl {
    type Err = PostgresUrlError;

    fn from_str(text: &str) -> Result<Self, PostgresUrlError> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(PostgresUrlError::Unreadable);
        }
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut mode, mut root_file, mut rest) = (None, None, String::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => {
                    let path = percent_decoded(value).ok_or(PostgresUrlError::Unreadable)?;
                    root_file = Some(PathBuf::from(path));
                }
                _ => {
                    rest.push(if rest.is_empty() { '?' } else { '&' });
                    rest.push_str(pair);
                }
            }
        }
        let mut config: Config = format!("{place}{rest}")
            .parse()
            .map_err(|_| PostgresUrlError::Unreadable)?;
        if config.get_hosts().is_empty() {
            return Err(PostgresUrlError::NoHost);
        }
        let tls = match mode {
            Some("disable") => Tls::Off,
            Some("require" | "verify-ca" | "verify-full") => Tls::Verified,
            Some(_) => return Err(PostgresUrlError::SslMode),
            None if is_near(&config) => Tls::Off,
            None => Tls::Verified,
        };
        config.ssl_mode(match tls {
            Tls::Off => SslMode::Disable,
            Tls::Verified => SslMode::Require,
        });
        // Of several hosts one is the primary. A standby would refuse what is written and show what is old.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        Ok(Self {
            config,
            tls,
            root_file,
        })
    }
}

/// Whether nobody can stand between here and there. `hostaddr` goes before the names.
fn is_near(config: &Config) -> bool {
    let near = |host: &Host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(near) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Host and database alone.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        for (at, host) in self.config.get_hosts().iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}")?,
                #[cfg(unix)]
                Host::Unix(path) => write!(f, "{comma}{}", Path::display(path))?,
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

/// The schema that holds the ledger: a lower-case letter, then letters, digits and `_`, at most [`Schema::MAX_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema(String);

/// A text that is no [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a schema is a lower-case letter, then lower-case letters, digits and _, at most 40 of them"
)]
pub struct SchemaError;

impl Schema {
    /// The most bytes of a name.
    pub const MAX_BYTES: usize = 40;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `order_store`.
impl Default for Schema {
    fn default() -> Self {
        Self("order_store".to_owned())
    }
}

impl FromStr for Schema {
    type Err = SchemaError;

    fn from_str(text: &str) -> Result<Self, SchemaError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let good = text.len() <= Self::MAX_BYTES
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(plain);
        good.then(|| Self(text.to_owned())).ok_or(SchemaError)
    }
}

/// Where leases and waits of the outbox take their time from.
#[derive(Clone, Default)]
pub enum LeaseClock {
    /// The database's clock, which all machines share.
    #[default]
    Database,
    /// Another clock, for tests. Every process on the ledger must have the same.
    Given(Arc<dyn Clock>),
}

impl fmt::Debug for LeaseClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "Database",
            Self::Given(_) => "Given",
        })
    }
}

/// How a [`PostgresStore`](super::PostgresStore) is opened.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// The schema that holds the ledger; made when it is missing.
    pub schema: Schema,
    /// After how many failed tries a row of the outbox is set aside.
    pub dead_letter: DeadLetter,
    /// The clock of leases and waits.
    pub clock: LeaseClock,
    /// How many connections write, from 1 to 8; each has orders of its own. Two let one decide while the other commits.
    pub committers: usize,
    /// How many connections read, from 1 to 64. The store holds four more besides these and the writing ones.
    pub readers: usize,
    /// How long a call waits for a place in a full queue, or for a free connection, before it is
    /// [`StoreError::Busy`](crate::StoreError::Busy).
    pub busy_after: Duration,
    /// The longest that one statement may take.
    pub statement_timeout: Duration,
    /// How long a call goes on trying while the database is away.
    pub patience: Duration,
    /// How often to look for rows of the outbox besides the database's notifications, which may be lost.
    pub poll_every: Duration,
    /// How often totals are rolled up.
    pub roll_up_every: Duration,
    /// Certificate authorities in PEM to trust in place of the public ones and of the URL's `sslrootcert`.
    pub roots_pem: Option<Vec<u8>>,
}

/// Two writing and four reading connections, one second, 10 s a statement, 20 s of patience, 250 ms, 2 s.
impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            schema: Schema::default(),
            dead_letter: DeadLetter::default(),
            clock: LeaseClock::Database,
            committers: 2,
            readers: 4,
            busy_after: Duration::from_secs(1),
            statement_timeout: Duration::from_secs(10),
            patience: Duration::from_secs(20),
            poll_every: Duration::from_millis(250),
            roll_up_every: Duration::from_secs(2),
            roots_pem: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(url: &str) -> Result<Tls, PostgresUrlError> {
        url.parse().map(|url: PostgresUrl| url.tls)
    }

    #[test]
    fn only_what_is_near_is_spoken_to_in_the_clear() {
        for near in ["127.0.0.1", "localhost", "%2Frun%2Fpostgresql"] {
            assert_eq!(tls(&format!("postgres://u@{near}/d")), Ok(Tls::Off));
        }
        assert_eq!(tls("postgres://u@db.example/d"), Ok(Tls::Verified));
        assert_eq!(
            tls("postgres://u@db.example/d?sslmode=disable"),
            Ok(Tls::Off)
        );
        assert_eq!(
            tls("postgres://u@localhost/d?hostaddr=192.0.2.1"),
            Ok(Tls::Verified)
        );
        assert_eq!(
            tls("postgres://u@localhost,db.example/d"),
            Ok(Tls::Verified)
        );
        for mode in ["require", "verify-ca", "verify-full"] {
            let url = format!("postgres://u@localhost/d?application_name=x&sslmode={mode}");
            assert_eq!(tls(&url), Ok(Tls::Verified));
        }
        for mode in ["prefer", "allow", "on"] {
            let url = format!("postgres://u@localhost/d?sslmode={mode}");
            assert_eq!(tls(&url), Err(PostgresUrlError::SslMode));
        }
    }

    #[test]
    fn a_standby_is_never_used() {
        for attrs in ["", "?target_session_attrs=any"] {
            let url = format!("postgres://u@db-1.example,db-2.example/d{attrs}");
            let url: PostgresUrl = url.parse().unwrap();
            assert_eq!(
                url.config.get_target_session_attrs(),
                TargetSessionAttrs::ReadWrite
            );
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let text =
            "postgres://payer:hush-1@db.example:5433/shop?options=hush-2&sslrootcert=%2Fca.pem";
        let url: PostgresUrl = text.parse().unwrap();
        assert_eq!(url.to_string(), "postgres://db.example/shop");
        assert_eq!(url.root_file.as_deref(), Some(Path::new("/ca.pem")));
        assert!(!format!("{url:?}").contains("hush"));
        for bad in [
            "postgres://u:hush@h:port/d",
            "host=h password=hush hush",
            "postgres:///d",
            "",
        ] {
            let error = bad.parse::<PostgresUrl>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hush"));
        }
    }

    #[test]
    fn a_schema_needs_no_quotes() {
        assert!("shop_2".parse::<Schema>().is_ok());
        for bad in ["", "2", "A", "a\"b", "a b", &"a".repeat(41)] {
            assert_eq!(bad.parse::<Schema>(), Err(SchemaError));
        }
    }
}
