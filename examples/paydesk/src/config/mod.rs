//! What the service is told: flags, environment and file, read once into typed settings.

mod raw;
mod secret;
mod values;

use std::{fmt::Display, net::SocketAddr, path::PathBuf, str::FromStr};

use stomp_bridge::client::BrokerUrl;
use url::{Host, Url};
use wxpay_core::{Account, ApiKey, SignType, client::Identity};

pub(crate) use raw::RawSettings;
pub(crate) use secret::{Token, text_or_file};
pub(crate) use values::{
    BrokerSetting, BrowserFanout, ClockSetting, Confirm, Gateway, LogFormat, StoreSetting,
};

/// Why the settings do not make a service. Each is one line that names the option.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("{option}: {reason}")]
    Value {
        option: &'static str,
        reason: String,
    },
    #[error("{option}: cannot read {}: {error}", path.display())]
    File {
        option: &'static str,
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("--config: {}: {reason}", path.display())]
    Toml { path: PathBuf, reason: String },
    #[error("--config: {}: there is no setting '{name}'; did you mean '{nearest}'?", path.display())]
    UnknownName {
        path: PathBuf,
        name: String,
        nearest: &'static str,
    },
    #[error("--config: {}: '{name}' is text in quotes", path.display())]
    NotText { path: PathBuf, name: String },
}

/// The settings of one service.
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) store: StoreSetting,
    pub(crate) broker: BrokerSetting,
    pub(crate) embedded_passcode: Option<String>,
    pub(crate) browser_broker: Option<BrokerUrl>,
    pub(crate) browser_fanout: BrowserFanout,
    pub(crate) gateway: Gateway,
    pub(crate) notify_url: Option<Url>,
    pub(crate) confirm: Confirm,
    pub(crate) clock: ClockSetting,
    pub(crate) log_format: LogFormat,
    pub(crate) account: Account,
    /// The merchant's certificate and key: refunds need it.
    pub(crate) identity: Option<Identity>,
    pub(crate) sign_type: SignType,
    pub(crate) api_token: Option<Token>,
    pub(crate) admin_token: Option<Token>,
}

fn parsed<T: FromStr>(
    text: Option<&str>,
    option: &'static str,
    default: &str,
) -> Result<T, ConfigError>
where
    T::Err: Display,
{
    optional(Some(text.unwrap_or(default)), option)
        .and_then(|value| value.ok_or_else(|| missing(option)))
}

fn optional<T: FromStr>(text: Option<&str>, option: &'static str) -> Result<Option<T>, ConfigError>
where
    T::Err: Display,
{
    text.map(|text| {
        text.parse().map_err(|error: T::Err| ConfigError::Value {
            option,
            reason: error.to_string(),
        })
    })
    .transpose()
}

fn missing(option: &'static str) -> ConfigError {
    ConfigError::Value {
        option,
        reason: "it is needed with this gateway".into(),
    }
}

impl Settings {
    /// Reads and checks everything that can be checked without touching disk or network, but for the files of secrets.
    pub(crate) fn resolve(raw: RawSettings) -> Result<Self, ConfigError> {
        let raw = raw.with_file()?;
        let gateway: Gateway = parsed(raw.gateway.as_deref(), "--gateway", "sim")?;
        let account = account(&raw, &gateway)?;
        let settings = Self {
            listen: parsed(raw.listen.as_deref(), "--listen", "127.0.0.1:9010")?,
            store: store(&raw)?,
            broker: parsed(raw.broker.as_deref(), "--broker", "embedded")?,
            embedded_passcode: raw.embedded_passcode.clone(),
            browser_broker: optional(raw.browser_broker.as_deref(), "--browser-broker")?,
            browser_fanout: optional(raw.browser_fanout.as_deref(), "--browser-fanout")?.unwrap_or(
                if gateway.is_sim() {
                    BrowserFanout::On
                } else {
                    BrowserFanout::Off
                },
            ),
            notify_url: optional(raw.notify_url.as_deref(), "--notify-url")?,
            confirm: parsed(raw.confirm.as_deref(), "--confirm", "prefer")?,
            clock: parsed(raw.clock.as_deref(), "--clock", "real")?,
            log_format: parsed(raw.log_format.as_deref(), "--log-format", "text")?,
            identity: secret::identity(raw.cert_file.as_deref(), &account)?,
            account,
            sign_type: parsed(raw.sign_type.as_deref(), "--sign-type", "HMAC-SHA256")?,
            api_token: secret::token(
                raw.api_token.as_deref(),
                "PAYDESK_API_TOKEN",
                raw.api_token_file.as_deref(),
                "PAYDESK_API_TOKEN_FILE",
            )?,
            admin_token: secret::token(
                raw.admin_token.as_deref(),
                "PAYDESK_ADMIN_TOKEN",
                raw.admin_token_file.as_deref(),
                "PAYDESK_ADMIN_TOKEN_FILE",
            )?,
            gateway,
        };
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.clock == ClockSetting::Sim && !self.gateway.is_sim() {
            return Err(ConfigError::Value {
                option: "--clock",
                reason: "only the simulator has a clock to follow".into(),
            });
        }
        if let Some(url) = &self.notify_url {
            check_notify_url(url, &self.gateway)?;
        } else if self.gateway == Gateway::WeChat {
            return Err(ConfigError::Value {
                option: "--notify-url",
                reason: "the real gateway needs the public URL of /wxpay/notify".into(),
            });
        }
        if !(self.gateway.is_sim() && self.listen.ip().is_loopback()) {
            for (token, option) in [
                (&self.api_token, "PAYDESK_API_TOKEN"),
                (&self.admin_token, "PAYDESK_ADMIN_TOKEN"),
            ] {
                if token.is_none() {
                    return Err(ConfigError::Value {
                        option,
                        reason:
                            "it is needed unless the service listens on loopback with the simulator"
                                .into(),
                    });
                }
            }
        }
        Ok(())
    }
}

/// The ledger's place alone, for sub-commands that need nothing else.
pub(crate) fn store(raw: &RawSettings) -> Result<StoreSetting, ConfigError> {
    parsed(raw.store.as_deref(), "--store", "sled:./paydesk-data")
}

/// The API key alone, for sub-commands that only sign and verify.
pub(crate) fn api_key(raw: &RawSettings) -> Result<Option<ApiKey>, ConfigError> {
    let text = text_or_file(
        raw.api_key.as_deref(),
        "WXPAY_API_KEY",
        raw.api_key_file.as_deref(),
        "WXPAY_API_KEY_FILE",
    )?;
    optional(text.as_deref(), "WXPAY_API_KEY")
}

fn account(raw: &RawSettings, gateway: &Gateway) -> Result<Account, ConfigError> {
    let appid = optional(raw.appid.as_deref(), "WXPAY_APPID")?;
    let mch_id = optional(raw.mch_id.as_deref(), "WXPAY_MCH_ID")?;
    let key = api_key(raw)?;
    let previous: Option<ApiKey> =
        optional(raw.api_key_previous.as_deref(), "WXPAY_API_KEY_PREVIOUS")?;
    let account = match (appid, mch_id, key) {
        (None, None, None) if gateway.is_sim() => wxpay_sim::Merchant::test().account().clone(),
        (None, ..) => return Err(missing("WXPAY_APPID")),
        (_, None, _) => return Err(missing("WXPAY_MCH_ID")),
        (.., None) => return Err(missing("WXPAY_API_KEY_FILE")),
        (Some(appid), Some(mch_id), Some(key)) => Account::new(appid, mch_id, key),
    };
    Ok(match previous {
        Some(previous) => account.with_previous_key(previous),
        None => account,
    })
}

/// The gateway posts to no URL with a query, and the real one to no private host.
fn check_notify_url(url: &Url, gateway: &Gateway) -> Result<(), ConfigError> {
    let refuse = |reason: &str| {
        Err(ConfigError::Value {
            option: "--notify-url",
            reason: reason.into(),
        })
    };
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return refuse("it is an http or https URL");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("the gateway takes no URL with a query string");
    }
    if !url.path().ends_with("/wxpay/notify") {
        return refuse("its path ends in /wxpay/notify");
    }
    let private = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || !name.contains('.'),
        Some(Host::Ipv4(ip)) => {
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified()
        }
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local(),
        None => true,
    };
    if *gateway == Gateway::WeChat && private {
        return refuse("the real gateway cannot reach a private host");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(change: impl FnOnce(&mut RawSettings)) -> Result<Settings, String> {
        let mut raw = RawSettings::default();
        change(&mut raw);
        Settings::resolve(raw).map_err(|error| error.to_string())
    }

    fn real(raw: &mut RawSettings) {
        raw.gateway = Some("wechat".into());
        raw.appid = Some("wx8397f8696b538317".into());
        raw.mch_id = Some("1473426802".into());
        raw.api_key = Some("T6m9iK73b0kn9g5v426MKfHQH7X8rKwb".into());
        raw.notify_url = Some("https://pay.example.com/wxpay/notify".into());
        raw.api_token = Some("0123456789abcdef".into());
        raw.admin_token = Some("fedcba9876543210".into());
    }

    #[test]
    fn nothing_said_is_the_demo() {
        let settings = resolve(|_| {}).unwrap_or_else(|error| panic!("{error}"));
        assert!(settings.gateway.is_sim());
        assert_eq!(settings.browser_fanout, BrowserFanout::On);
    }

    #[test]
    fn the_real_gateway_needs_a_public_url_and_tokens() {
        assert!(resolve(real).is_ok());
        for (change, option) in [
            (
                Box::new(|raw: &mut RawSettings| raw.notify_url = None)
                    as Box<dyn Fn(&mut RawSettings)>,
                "--notify-url",
            ),
            (
                Box::new(|raw| raw.notify_url = Some("https://10.0.0.1/wxpay/notify".into())),
                "--notify-url",
            ),
            (
                Box::new(|raw| raw.notify_url = Some("https://a.example/wxpay/notify?x=1".into())),
                "--notify-url",
            ),
            (Box::new(|raw| raw.api_token = None), "PAYDESK_API_TOKEN"),
            (
                Box::new(|raw| raw.admin_token = Some("short".into())),
                "PAYDESK_ADMIN_TOKEN",
            ),
            (Box::new(|raw| raw.api_key = None), "WXPAY_API_KEY_FILE"),
            (Box::new(|raw| raw.clock = Some("sim".into())), "--clock"),
        ] {
            let error = resolve(|raw| {
                real(raw);
                change(raw);
            })
            .err()
            .unwrap_or_default();
            assert!(error.starts_with(option), "{option}: {error}");
        }
    }
}
