//! A broker that a publisher can reach through a proxy: an embedded one or RabbitMQ.

use super::{Server, config};
use std::net::SocketAddr;
use stomp_bridge::broker::BrokerLimits;
use stomp_bridge::client::BrokerUrl;
use tokio::net::TcpListener;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Tcp,
    WebSocket,
}

pub struct Target {
    pub name: &'static str,
    pub scheme: Scheme,
    pub addr: SocketAddr,
    /// User and passcode, as a URL has them.
    pub payer: String,
    /// Of who reads the queue, with no proxy between.
    pub listener: BrokerUrl,
}

impl Target {
    /// The payer's way through whatever listens at `addr`.
    pub fn through(&self, addr: SocketAddr) -> BrokerUrl {
        let (scheme, path) = match self.scheme {
            Scheme::Tcp => ("stomp", ""),
            Scheme::WebSocket => ("ws", "/ws"),
        };
        let url = format!("{scheme}://{}@{addr}{path}", self.payer);
        url.parse().unwrap()
    }
}

/// An embedded broker with both kinds of listener.
pub struct Embedded {
    pub server: Server,
    tcp: SocketAddr,
}

impl Embedded {
    /// It drops nothing of a queue that its reader has not come to yet.
    pub async fn start() -> Self {
        let limits = BrokerLimits {
            max_queue_messages: usize::MAX,
            max_queue_bytes: usize::MAX,
            ..BrokerLimits::default()
        };
        let server = Server::at("127.0.0.1:0".parse().unwrap(), config(limits)).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = listener.local_addr().unwrap();
        tokio::spawn(server.broker.serve_tcp(listener));
        Self { server, tcp }
    }

    pub fn target(&self, scheme: Scheme) -> Target {
        Target {
            name: "embedded",
            scheme,
            addr: match scheme {
                Scheme::Tcp => self.tcp,
                Scheme::WebSocket => self.server.addr,
            },
            payer: "payer:p%40y".to_owned(),
            listener: self.server.listener(),
        }
    }
}
