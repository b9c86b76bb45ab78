//! Settings as text, in their order of precedence: flag, environment, file.

use std::path::{Path, PathBuf};

use clap::Args;

use super::ConfigError;

macro_rules! raw_settings {
    ($($(#[$doc:meta])* $field:ident: $flag:literal, $env:literal, $shown:ident;)*) => {
        /// The options of every sub-command. The same names work in the environment and in the file.
        #[derive(Args, Clone, Default)]
        pub(crate) struct RawSettings {
            $(
                $(#[$doc])*
                #[arg(long = $flag, env = $env, global = true, value_name = "VALUE",
                      hide_env_values = raw_settings!(@secret $shown), hide = raw_settings!(@hide $shown))]
                pub(crate) $field: Option<String>,
            )*
            /// A TOML file with the same names
            #[arg(long, env = "PAYDESK_CONFIG", global = true, value_name = "FILE")]
            pub(crate) config: Option<PathBuf>,
        }

        /// Every name: the flag and the variable.
        const NAMES: &[(&str, &str)] = &[$(($flag, $env),)*];

        impl RawSettings {
            fn slot(&mut self, name: &str) -> Option<&mut Option<String>> {
                $(if canonical(name) == canonical($flag) || canonical(name) == canonical($env) {
                    return Some(&mut self.$field);
                })*
                None
            }
        }
    };
    (@secret secret) => { true };
    // Its flag is shown, and the value that the environment gives, which may hold a passcode, is not.
    (@secret masked) => { true };
    (@secret $other:ident) => { false };
    (@hide shown) => { false };
    (@hide masked) => { false };
    (@hide $other:ident) => { true };
}

raw_settings! {
    /// Address to listen on [default: 127.0.0.1:9010]
    listen: "listen", "PAYDESK_LISTEN", shown;
    /// Where the ledger is kept: sled:PATH, or postgres://USER:PASSWORD@HOST/DATABASE for any number of desks [default: sled:./paydesk-data]
    store: "store", "PAYDESK_STORE", masked;
    /// Where messages go: embedded, ws://USER:PASS@HOST:15674/ws, wss://…, stomp://USER:PASS@HOST:61613, stomps://… [default: embedded]
    broker: "broker", "PAYDESK_BROKER", masked;
    /// Passcode of the account `paydesk` on the embedded broker, for other services of this machine [default: random]
    embedded_passcode: "embedded-passcode", "PAYDESK_EMBEDDED_PASSCODE", secret;
    /// URL, user and passcode that pages subscribe with [default: the embedded broker, or webguest at the broker's host]
    browser_broker: "browser-broker", "PAYDESK_BROWSER_BROKER", masked;
    /// Whether pages may read the fanout: on, off [default: on with the simulator, else off]
    browser_fanout: "browser-fanout", "PAYDESK_BROWSER_FANOUT", shown;
    /// The gateway: sim, sim=ADDR:PORT, wechat, or a base URL [default: sim]
    gateway: "gateway", "PAYDESK_GATEWAY", shown;
    /// Public URL of /wxpay/notify [default: built from --listen]
    notify_url: "notify-url", "PAYDESK_NOTIFY_URL", shown;
    /// Whether a notify is confirmed by orderquery: strict, prefer, off [default: prefer]
    confirm: "confirm", "PAYDESK_CONFIRM", shown;
    /// Whose time it is: real, sim [default: real]
    clock: "clock", "PAYDESK_CLOCK", shown;
    /// How log lines are written: text, json [default: text]
    log_format: "log-format", "PAYDESK_LOG_FORMAT", shown;
    /// The merchant account's appid
    appid: "appid", "WXPAY_APPID", shown;
    /// The merchant's number
    mch_id: "mch-id", "WXPAY_MCH_ID", shown;
    /// The API key; better in a file, since a command line is seen by every user of the machine
    api_key: "api-key", "WXPAY_API_KEY", secret;
    /// File that holds the API key
    api_key_file: "api-key-file", "WXPAY_API_KEY_FILE", shown;
    /// The API key before the current one: it still verifies
    api_key_previous: "api-key-previous", "WXPAY_API_KEY_PREVIOUS", secret;
    /// File with the merchant's certificate and key, as apiclient_cert.p12 or both in PEM; refunds need it
    cert_file: "cert-file", "WXPAY_CERT_FILE", shown;
    /// How requests are signed: MD5, HMAC-SHA256 [default: HMAC-SHA256]
    sign_type: "sign-type", "WXPAY_SIGN_TYPE", shown;
    /// Bearer token of the shop's API
    api_token: "api-token", "PAYDESK_API_TOKEN", secret;
    /// File that holds the bearer token of the shop's API
    api_token_file: "api-token-file", "PAYDESK_API_TOKEN_FILE", shown;
    /// Bearer token of the operator
    admin_token: "admin-token", "PAYDESK_ADMIN_TOKEN", secret;
    /// File that holds the operator's bearer token
    admin_token_file: "admin-token-file", "PAYDESK_ADMIN_TOKEN_FILE", shown;
}

/// One spelling for `browser-broker`, `browser_broker` and `PAYDESK_BROWSER_BROKER`.
fn canonical(name: &str) -> String {
    name.to_ascii_lowercase()
        .replace('-', "_")
        .trim_start_matches("paydesk_")
        .trim_start_matches("wxpay_")
        .to_owned()
}

impl RawSettings {
    /// Fills what neither a flag nor the environment gave from the file, if one is named.
    pub(crate) fn with_file(mut self) -> Result<Self, ConfigError> {
        let Some(path) = self.config.clone() else {
            return Ok(self);
        };
        let text = std::fs::read_to_string(&path).map_err(|error| ConfigError::File {
            option: "--config",
            path: path.clone(),
            error,
        })?;
        self.fill(&path, &text)?;
        Ok(self)
    }

    fn fill(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let table: toml::Table =
            text.parse()
                .map_err(|error: toml::de::Error| ConfigError::Toml {
                    path: path.to_owned(),
                    reason: error.message().to_owned(),
                })?;
        for (name, value) in table {
            let Some(slot) = self.slot(&name) else {
                return Err(ConfigError::UnknownName {
                    path: path.to_owned(),
                    nearest: nearest(&name),
                    name,
                });
            };
            let toml::Value::String(value) = value else {
                return Err(ConfigError::NotText {
                    path: path.to_owned(),
                    name,
                });
            };
            slot.get_or_insert(value);
        }
        Ok(())
    }
}

fn nearest(name: &str) -> &'static str {
    let name = canonical(name);
    NAMES
        .iter()
        .min_by_key(|(flag, _)| strsim::damerau_levenshtein(&canonical(flag), &name))
        .map_or("", |(flag, _)| flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<RawSettings, ConfigError> {
        let mut raw = RawSettings {
            listen: Some("127.0.0.1:1".into()),
            ..RawSettings::default()
        };
        raw.fill(Path::new("desk.toml"), text).map(|()| raw)
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let raw = filled("listen = '127.0.0.1:2'\nWXPAY_MCH_ID = '10'\nbrowser_fanout = 'off'")
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(raw.listen.as_deref(), Some("127.0.0.1:1"));
        assert_eq!(raw.mch_id.as_deref(), Some("10"));
        assert_eq!(raw.browser_fanout.as_deref(), Some("off"));
    }

    #[test]
    fn an_unknown_name_suggests_the_nearest() {
        let error = filled("gatway = 'sim'").err().expect("refused");
        assert!(error.to_string().contains("'gateway'"), "{error}");
    }
}
