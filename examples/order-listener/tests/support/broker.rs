//! The embedded broker on a loopback port, and the desk's side of it.

use std::net::SocketAddr;

use axum::extract::ws::WebSocketUpgrade;
use serde_json::json;
use stomp_bridge::{
    broker::{Broker, BrokerConfig, May, User},
    client::{Destination, Publication, Publisher, PublisherConfig},
};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{PASSCODE, PATIENCE};

pub struct Embedded {
    pub broker: Broker,
    pub addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Embedded {
    pub async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    pub async fn at(addr: SocketAddr) -> Self {
        let config = BrokerConfig::new()
            .queue("order_pay")
            .user(
                User::new("payer", PASSCODE)
                    .configure(May::only(["order_pay"]))
                    .write(May::only(["amq.default"])),
            )
            .user(
                User::new("listener", PASSCODE)
                    .configure(May::only(["order_pay"]))
                    .read(May::only(["order_pay"])),
            );
        let broker = Broker::new(config).unwrap();
        let listener = TcpListener::bind(addr).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mounted = broker.clone();
        let upgrade = move |ws: WebSocketUpgrade| async move { mounted.upgrade(ws) };
        let app = axum::Router::new().route("/ws", axum::routing::get(upgrade));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { broker, addr, task }
    }

    pub fn url(&self, login: &str) -> String {
        format!("ws://{login}:{PASSCODE}@{}/ws", self.addr)
    }

    /// Closes the port and every connection.
    pub async fn stop(self) -> SocketAddr {
        self.task.abort();
        assert!(self.task.await.is_err());
        assert_eq!(self.broker.shutdown(PATIENCE).await, 0);
        self.addr
    }
}

/// Publishes as the desk does.
pub struct Payer(Publisher);

impl Payer {
    pub fn new(url: &str) -> Self {
        Self(Publisher::spawn(PublisherConfig::new(url.parse().unwrap())))
    }

    /// Tells of a payment.
    pub async fn tell(&self, number: &str, transaction_id: &str) {
        let body = json!({"orderId": number, "transactionId": transaction_id});
        self.send(&body.to_string(), &format!("{number}:order_pay"))
            .await;
    }

    pub async fn send(&self, body: &str, id: &str) {
        let message = Publication::new(Destination::queue("order_pay").unwrap(), body.to_owned())
            .content_type("application/json")
            .message_id(id);
        self.0.publish(message).await.unwrap();
    }
}
