//! The parts of a service, each made from its settings.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use metrics_exporter_prometheus::PrometheusBuilder;
use order_store::{MerchantCertificate, RelayId};
use stomp_bridge::{
    broker::Broker,
    client::{BrokerUrl, ConnectOptions, Publisher},
};
use url::Url;
use wxpay_core::client::{BuildError, Client};
use wxpay_sim::{Merchant, RunningSim, SimConfig};

use crate::{
    broker,
    clock::Clock,
    config::{BrokerSetting, ClockSetting, Gateway, Settings},
    desk::{Desk, Flights, RelayStatus, relay_publisher},
    http::{BrowserFeed, Front, Shared},
    ledger::Ledger,
    random,
};

/// How often the ledger's health is looked at.
pub(super) const HEALTH_LOOK: Duration = Duration::from_millis(500);
/// How long what was taken in is given to end: longer than any call to the gateway.
pub(super) const FRONT_DRAIN: Duration = Duration::from_secs(15);
/// How long messages under way are waited for at the end.
pub(super) const PUBLISHER_DRAIN: Duration = Duration::from_secs(3);
/// How long pages are given to close their sockets.
pub(super) const BROKER_DRAIN: Duration = Duration::from_secs(2);
/// Where RabbitMQ serves Web STOMP unless told otherwise.
const WEB_STOMP_PORT: u16 = 15674;

/// The simulator's settings, if it is the gateway.
pub(super) fn sim_config(settings: &Settings) -> Option<SimConfig> {
    let Gateway::Sim(listen) = settings.gateway else {
        return None;
    };
    Some(SimConfig {
        listen,
        merchants: vec![Merchant::new(settings.account.clone())],
        allow_notify: settings
            .notify_url
            .iter()
            .filter_map(|url| url.host_str().map(str::to_owned))
            .collect(),
        ..SimConfig::default()
    })
}

/// Open orders of a merchant that this service does not know would be forgotten: it does not start.
pub(super) async fn check_accounts(settings: &Settings, store: &Ledger) -> Result<(), String> {
    let accounts = store
        .accounts()
        .await
        .map_err(|error| format!("--store: {error}"))?;
    for account in accounts {
        let ours =
            account.mch_id == settings.account.mch_id && account.appid == settings.account.appid;
        if account.open_orders > 0 && !ours {
            return Err(format!(
                "WXPAY_MCH_ID: the ledger has {} open orders of merchant {} with appid {}, which is not configured",
                account.open_orders, account.mch_id, account.appid
            ));
        }
    }
    Ok(())
}

/// The publisher, the broker inside this process if there is one, and what pages subscribe with.
pub(super) struct Messaging {
    pub(super) publisher: Publisher,
    pub(super) broker: Option<Broker>,
    pub(super) feed: BrowserFeed,
}

/// Makes the embedded broker, or makes sure that the other one lets us in.
pub(super) async fn broker_for(
    settings: &Settings,
    bound: SocketAddr,
) -> Result<Messaging, String> {
    let (url, embedded) = match &settings.broker {
        BrokerSetting::Embedded => {
            let passcode = settings
                .embedded_passcode
                .clone()
                .unwrap_or_else(random::hex::<16>);
            let url = format!(
                "ws://{}:{passcode}@{}/ws",
                broker::PUBLISHER,
                reachable(bound)
            );
            let url: BrokerUrl = url
                .parse()
                .map_err(|error| format!("--embedded-passcode: {error}"))?;
            let embedded = broker::embedded(&passcode, settings.browser_fanout)
                .map_err(|error| format!("--broker: {error}"))?;
            (url, Some(embedded))
        }
        BrokerSetting::Remote(url) => {
            Publisher::connect_once(url, &ConnectOptions::default())
                .await
                .map_err(|error| format!("--broker: {url}: {error}"))?;
            (url.clone(), None)
        }
    };
    Ok(Messaging {
        publisher: relay_publisher(url),
        broker: embedded,
        feed: feed(settings),
    })
}

/// An address that this machine reaches itself under.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let mut address = bound;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// What pages subscribe with: what was said, else the account that everyone may use, on the broker's own WebSocket.
fn feed(settings: &Settings) -> BrowserFeed {
    let derived = match &settings.broker {
        BrokerSetting::Embedded => String::new(),
        BrokerSetting::Remote(url) if url.scheme().is_websocket() => url.upgrade_url(),
        BrokerSetting::Remote(url) => format!("ws://{}:{WEB_STOMP_PORT}/ws", url.host()),
    };
    let said = settings.browser_broker.as_ref();
    let credentials = said.and_then(BrokerUrl::credentials);
    BrowserFeed {
        url: said.map_or(derived, BrokerUrl::upgrade_url),
        login: credentials
            .map_or(broker::GUEST, |said| said.login())
            .to_owned(),
        passcode: credentials
            .map_or(broker::GUEST, |said| said.passcode())
            .to_owned(),
    }
}

/// The gateway's address; none for the real one, which the client knows, with the second host that it falls back to.
fn gateway_base(settings: &Settings, sim: Option<&RunningSim>) -> Option<String> {
    match (&settings.gateway, sim) {
        (_, Some(sim)) => Some(sim.url()),
        (Gateway::Sim(address), None) => Some(format!("http://{address}")),
        (Gateway::Custom(url), None) => Some(url.to_string()),
        (Gateway::WeChat, None) => None,
    }
}

fn notify_url(settings: &Settings, bound: SocketAddr) -> Result<Url, String> {
    match &settings.notify_url {
        Some(url) => Ok(url.clone()),
        None => Url::parse(&format!("http://{}/wxpay/notify", reachable(bound)))
            .map_err(|error| format!("--notify-url: {error}")),
    }
}

/// The desk on its ledger and gateway.
pub(super) fn desk_for(
    settings: &Settings,
    bound: SocketAddr,
    store: Ledger,
    sim: Option<&RunningSim>,
) -> Result<Desk, String> {
    let mut client = Client::builder(settings.account.clone()).plain_http_without_identity();
    let base = gateway_base(settings, sim);
    let in_the_clear = base
        .as_ref()
        .is_some_and(|base| base.starts_with("http://"));
    if let Some(base) = base {
        client = client.base_url(base);
    }
    if let Some(identity) = &settings.identity {
        client = client.identity(identity.clone());
    }
    let client = client.build().map_err(|error| match error {
        BuildError::Identity(error) => format!("WXPAY_CERT_FILE: {error}"),
        error => format!("--gateway: {error}"),
    })?;
    Ok(Desk {
        store,
        client,
        account: settings.account.clone(),
        sign_type: settings.sign_type,
        confirm: settings.confirm,
        clock: match (settings.clock, sim) {
            (ClockSetting::Sim, Some(sim)) => Clock::Sim(sim.clock()),
            _ => Clock::Real,
        },
        notify_url: notify_url(settings, bound)?
            .as_str()
            .parse()
            .map_err(|error| format!("--notify-url: {error}"))?,
        flights: Flights::default(),
        certificate: if in_the_clear || settings.identity.is_some() {
            MerchantCertificate::AtHand
        } else {
            MerchantCertificate::Missing
        },
    })
}

/// A desk for one question, while nothing serves.
pub(in crate::command) fn offline_desk(settings: &Settings, store: Ledger) -> Result<Desk, String> {
    desk_for(settings, settings.listen, store, None)
}

/// What the routes share.
pub(super) fn shared(
    settings: &Settings,
    bound: SocketAddr,
    desk: Arc<Desk>,
    messaging: &Messaging,
    sim: Option<&RunningSim>,
    relay: RelayStatus,
    front: Front,
) -> Result<Shared, String> {
    let metrics = PrometheusBuilder::new()
        .install_recorder()
        .map_err(|error| format!("cannot keep metrics: {error}"))?;
    Ok(Shared {
        public: notify_url(settings, bound)?,
        feed: BrowserFeed {
            url: messaging.feed.url.clone(),
            login: messaging.feed.login.clone(),
            passcode: messaging.feed.passcode.clone(),
        },
        phone: sim.and_then(|sim| Url::parse(&sim.url()).ok()),
        tickets_demanded: !settings.gateway.is_sim(),
        bare_notify: settings.gateway != Gateway::WeChat,
        broker: messaging.broker.clone(),
        publisher: messaging.publisher.clone(),
        relay,
        metrics,
        front,
        desk,
    })
}

/// This process among the relays of one ledger.
pub(super) fn relay_id() -> RelayId {
    RelayId::new(&format!(
        "relay-{}-{}",
        std::process::id(),
        random::hex::<4>()
    ))
}
