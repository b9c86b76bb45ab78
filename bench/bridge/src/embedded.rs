//! The embedded broker in a process of its own, mounted as a user would.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use stomp_bridge::broker::{Broker, BrokerConfig, BrokerLimits, ExchangeKind, May, User};
use tokio::net::TcpListener;

use crate::child::{self, Child};
use crate::machine::allow_open_files;

/// What it takes beyond the default: the publisher of 10 000 pages is one more.
const CONNECTIONS: usize = 11_000;
const FILES: u64 = 12_000;
/// Account of the pages and of the publisher; nobody else can reach the port in a way that matters.
pub(crate) const LOGIN: &str = "bench";

pub(crate) fn serve() -> Result<()> {
    allow_open_files(FILES)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut questions = child::questions();
        let broker = broker()?;
        let upgrade = move |ws: WebSocketUpgrade| async move { broker.upgrade(ws) };
        let app = axum::Router::new().route("/ws", get(upgrade));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|tcp| {
            // It cannot fail on an open socket; if it did, the figures would be worse.
            let _ = tcp.set_nodelay(true);
        });
        let served = tokio::spawn(async move { axum::serve(listener, app).await });
        while questions.recv().await.is_some() {
            child::answer(address)?;
        }
        served.abort();
        Ok(())
    })
}

fn broker() -> Result<Broker> {
    let limits = BrokerLimits {
        max_connections: CONNECTIONS,
        ..BrokerLimits::default()
    };
    let config = BrokerConfig::new()
        .exchange("paynotify", ExchangeKind::Fanout)
        .exchange("paynotify.page", ExchangeKind::Direct)
        .bind("paynotify", "paynotify.page", "")
        .user(User::new(LOGIN, LOGIN).write(May::All).read(May::All))
        .limits(limits);
    Ok(Broker::new(config)?)
}

/// Starts it, and says where it is.
pub(crate) fn start() -> Result<(Child, SocketAddr)> {
    let mut child = Child::start("broker")?;
    let address: SocketAddr = child.ask("where")?.parse()?;
    ensure!(address.ip().is_loopback(), "it is open to others");
    Ok((child, address))
}
