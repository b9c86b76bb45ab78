//! A broker on a loopback port, and what the tests share.
#![allow(dead_code, clippy::unwrap_used, missing_docs, unreachable_pub)]

pub mod conformance;
pub mod fault_proxy;
pub mod proxy;
pub mod rabbitmq;
pub mod raw;
pub mod rules;
pub mod script;
pub mod seeded;
pub mod target;
pub mod tcp;
pub mod tls;

use axum::extract::ws::WebSocketUpgrade;
use std::net::SocketAddr;
use std::time::Duration;
use stomp_bridge::broker::{Broker, BrokerConfig, BrokerLimits, ExchangeKind, May, User};
use stomp_bridge::client::BrokerUrl;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// For anything that should happen at once: long enough for a loaded machine.
pub const SOON: Duration = Duration::from_secs(20);

pub async fn soon<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(SOON, work)
        .await
        .expect("it did not happen in time")
}

/// The rights of the flow: payer publishes, listener reads, webguest reads the page route.
pub fn config(limits: BrokerLimits) -> BrokerConfig {
    BrokerConfig::new()
        .exchange("paynotify", ExchangeKind::Fanout)
        .exchange("paynotify.page", ExchangeKind::Direct)
        .bind("paynotify", "paynotify.page", "")
        .queue("order_pay")
        .user(
            User::new("payer", "p@y")
                .configure(May::only(["order_pay"]))
                .write(May::only(["paynotify", "amq.default"])),
        )
        .user(
            User::new("listener", "l")
                .configure(May::only(["order_pay"]))
                .read(May::only(["order_pay", "paynotify"])),
        )
        .user(User::new("webguest", "webguest").read(May::only(["paynotify.page"])))
        .user(
            User::new("root", "r")
                .configure(May::All)
                .write(May::All)
                .read(May::All),
        )
        .limits(limits)
}

pub struct Server {
    pub broker: Broker,
    pub addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(BrokerLimits::default()).await
    }

    pub async fn with(limits: BrokerLimits) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), config(limits)).await
    }

    pub async fn at(addr: SocketAddr, config: BrokerConfig) -> Self {
        let broker = Broker::new(config).unwrap();
        let listener = TcpListener::bind(addr).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mounted = broker.clone();
        let upgrade = move |ws: WebSocketUpgrade| async move { mounted.upgrade(ws) };
        let app = axum::Router::new().route("/ws", axum::routing::get(upgrade));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { broker, addr, task }
    }

    pub fn url(&self, user_and_passcode: &str) -> BrokerUrl {
        format!("ws://{user_and_passcode}@{}/ws", self.addr)
            .parse()
            .unwrap()
    }

    pub fn payer(&self) -> BrokerUrl {
        self.url("payer:p%40y")
    }

    pub fn listener(&self) -> BrokerUrl {
        self.url("listener:l")
    }

    pub fn guest(&self) -> BrokerUrl {
        self.url("webguest:webguest")
    }

    /// Drops the broker's handles, and tells it nothing.
    pub async fn abandon(self) {
        self.task.abort();
        assert!(self.task.await.is_err());
    }

    /// Closes the port and every connection.
    pub async fn stop(self) -> SocketAddr {
        self.task.abort();
        assert!(self.task.await.is_err());
        assert_eq!(self.broker.shutdown(SOON).await, 0);
        self.addr
    }
}
