//! The embedded broker on a loopback port, with the rights of a payment's flow.

use std::net::SocketAddr;

use axum::extract::ws::WebSocketUpgrade;
use stomp_bridge::broker::{Broker, BrokerConfig, ExchangeKind, May, User};
use tokio::net::TcpListener;

use super::PASSCODE;

pub struct Embedded {
    pub broker: Broker,
    pub addr: SocketAddr,
}

impl Embedded {
    pub async fn start() -> Self {
        let config = BrokerConfig::new()
            .exchange("paynotify", ExchangeKind::Fanout)
            .queue("order_pay")
            .user(
                User::new("payer", PASSCODE)
                    .configure(May::only(["order_pay"]))
                    .write(May::only(["paynotify", "amq.default"])),
            )
            .user(
                User::new("listener", PASSCODE)
                    .configure(May::only(["order_pay"]))
                    .read(May::only(["order_pay", "paynotify"])),
            );
        let broker = Broker::new(config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mounted = broker.clone();
        let upgrade = move |ws: WebSocketUpgrade| async move { mounted.upgrade(ws) };
        let app = axum::Router::new().route("/ws", axum::routing::get(upgrade));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { broker, addr }
    }

    pub fn url(&self, login: &str) -> String {
        format!("ws://{login}:{PASSCODE}@{}/ws", self.addr)
    }
}
