//! Which broker and who connects, from flags, environment and files.

use std::{env, fs, path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use stomp_bridge::client::{
    BrokerUrl, ClientIdentity, ConnectOptions, Credentials, ExtraRoots, ProxyChoice,
    ProxyEnvironment, Publisher, PublisherConfig, Resend, ServerInfo,
};

use crate::cli::Target;

/// The passcode, when it is neither in the URL nor in a file.
const PASSCODE: &str = "STOMP_PASSCODE";

/// A broker and how to connect to it.
pub(crate) struct Broker {
    pub(crate) url: BrokerUrl,
    pub(crate) options: ConnectOptions,
    pub(crate) patience: Duration,
}

impl Broker {
    /// # Errors
    /// What is missing or cannot be read; never with the passcode in it.
    pub(crate) fn new(target: &Target, address: Option<&str>) -> Result<Self> {
        let text = address
            .or(target.url.as_deref())
            .context("which broker? Give --url URL, or set STOMP_URL")?;
        let mut url: BrokerUrl = text.parse().context("--url")?;
        let file = target.passcode_file.as_deref();
        if let Some(passcode) = passcode(file, env::var(PASSCODE).ok())? {
            let known = url.credentials();
            let Some(login) = known.map(|c| c.login().to_owned()) else {
                bail!("--url: there is a passcode and no user; write USER@ before the host");
            };
            if known.is_some_and(|c| !c.passcode().is_empty()) {
                bail!("--url: the passcode is given twice, here and by a file or {PASSCODE}");
            }
            url = url.with_credentials(Credentials::new(login, passcode)?);
        }
        let patience = Duration::from_secs(target.timeout);
        let mut extra_roots = ExtraRoots::default();
        if let Some(path) = &target.ca {
            extra_roots
                .add_pem(&read(path, "--ca")?)
                .with_context(|| format!("--ca: {}", path.display()))?;
        }
        let options = ConnectOptions {
            connect_timeout: patience,
            extra_roots,
            identity: identity(target)?,
            proxy: proxy(target.proxy.as_deref())?,
            ..ConnectOptions::default()
        };
        Ok(Self {
            url,
            options,
            patience,
        })
    }

    /// One attempt to connect, for a clear line before anything else is tried.
    pub(crate) async fn greet(&self) -> Result<ServerInfo> {
        Publisher::connect_once(&self.url, &self.options)
            .await
            .with_context(|| format!("{} (try: stomp-bridge doctor)", self.url))
    }

    /// A publisher with this window.
    pub(crate) fn publisher(&self, window: usize) -> Publisher {
        let mut config = PublisherConfig::new(self.url.clone());
        config.connect = self.options.clone();
        config.window = window;
        config.queue = window;
        config.receipt_timeout = self.patience;
        config.queue_timeout = self.patience;
        config.resend = Resend::Within(self.patience);
        Publisher::spawn(config)
    }
}

fn identity(target: &Target) -> Result<Option<ClientIdentity>> {
    let (Some(cert), Some(key)) = (&target.cert, &target.key) else {
        return Ok(None);
    };
    let (cert, key) = (read(cert, "--cert")?, read(key, "--key")?);
    let identity = ClientIdentity::from_pem(&cert, &key).context("--cert, --key")?;
    Ok(Some(identity))
}

fn proxy(text: Option<&str>) -> Result<ProxyChoice> {
    Ok(match text {
        None => ProxyChoice::Direct,
        Some("env") => ProxyChoice::Environment(ProxyEnvironment::read()?),
        Some(url) => ProxyChoice::Through(url.parse().context("--proxy")?),
    })
}

fn passcode(file: Option<&Path>, environment: Option<String>) -> Result<Option<String>> {
    let Some(path) = file else {
        return Ok(environment);
    };
    if environment.is_some() {
        bail!("--passcode-file: the passcode is given twice, here and by {PASSCODE}");
    }
    let text = String::from_utf8(read(path, "--passcode-file")?)
        .ok()
        .with_context(|| format!("--passcode-file: {} is not UTF-8", path.display()))?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

pub(crate) fn read(path: &Path, option: &str) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{option}: cannot read {}", path.display()))
}
