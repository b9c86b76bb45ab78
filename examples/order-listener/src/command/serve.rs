//! `serve`: the listener, and what hands paid orders on.

use std::{fs, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use stomp_bridge::client::{
    BrokerUrls, ConnectOptions, Credentials, Destination, ExtraRoots, ProxyChoice, ProxyEnvironment,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::ledger;
use crate::{cli::Settings, deliver, feed::Feed, listen::Listener, parked::ParkedFile};

/// The exit code of a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;
/// How long a process that was killed may still hold the ledger.
const AFTER_A_KILL: Duration = Duration::from_secs(5);

pub(super) async fn serve(settings: &Settings) -> Result<ExitCode> {
    let (urls, options) = brokers(settings)?;
    let destination: Destination = settings.destination.parse().context("--destination")?;
    // Heard from before the first message on.
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let ledger = ledger(settings, AFTER_A_KILL)?;
    let store = Arc::clone(&ledger.store);
    let feed = Feed::open(&urls, &destination, &options, settings.prefetch).await?;
    tracing::info!(brokers = %urls, %destination, "listening");
    let listener = Listener {
        ledger,
        parked: ParkedFile::new(&settings.data),
        bad_messages: settings.bad_messages,
        prefetch: settings.prefetch.into(),
    };

    let (stop, stopped) = watch::channel(false);
    let ((ending, ended), halt) = (watch::channel(false), stop.clone());
    tokio::spawn(async move {
        for first in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if !first {
                std::process::exit(INTERRUPTED);
            }
            tracing::info!("stopping; a second Ctrl-C ends at once");
            halt.send_replace(true);
        }
    });
    let mut deliveries = tokio::spawn(deliver::run(Arc::clone(&store), ended));
    let (heard, handed_on) = tokio::select! {
        heard = listener.run(feed, stopped.clone()) => {
            // What became paid up to now is handed on before the end.
            ending.send_replace(true);
            (heard, deliveries.await)
        }
        // Paid orders that nobody is told of must not pile up in silence.
        handed_on = &mut deliveries => (Ok(()), handed_on),
    };
    let closed = store.close().await;
    for result in [heard, handed_on?, closed.map_err(Into::into)] {
        result?;
    }
    Ok(ExitCode::SUCCESS)
}

fn brokers(settings: &Settings) -> Result<(BrokerUrls, ConnectOptions)> {
    let text = settings.broker.as_deref();
    let text = text.context("which broker? Give --broker URL, or set ORDER_LISTENER_BROKER")?;
    let mut urls: BrokerUrls = text.parse().context("--broker")?;
    if let Some(path) = &settings.passcode_file {
        let first = urls.first();
        if urls.len() > 1 {
            bail!(
                "--passcode-file: it goes with one broker; of several, each has its passcode in its URL"
            );
        }
        let Some(login) = first.credentials().map(|c| c.login().to_owned()) else {
            bail!("--broker: there is a passcode and no user; write USER@ before the host");
        };
        let passcode = fs::read_to_string(path)
            .with_context(|| format!("--passcode-file: cannot read {}", path.display()))?;
        let passcode = passcode.trim_end_matches(['\r', '\n']);
        let credentials = Credentials::new(login, passcode)?;
        urls = first.clone().with_credentials(credentials).into();
    }
    let mut extra_roots = ExtraRoots::default();
    if let Some(path) = &settings.ca {
        let pem = fs::read(path).with_context(|| format!("--ca: {}", path.display()))?;
        extra_roots.add_pem(&pem).context("--ca")?;
    }
    let proxy = match settings.proxy.as_deref() {
        None => ProxyChoice::Direct,
        Some("env") => ProxyChoice::Environment(ProxyEnvironment::read()?),
        Some(url) => ProxyChoice::Through(url.parse().context("--proxy")?),
    };
    let options = ConnectOptions {
        extra_roots,
        proxy,
        ..ConnectOptions::default()
    };
    Ok((urls, options))
}
