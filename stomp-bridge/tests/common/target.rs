//! A broker that a publisher can reach through a proxy: an embedded one or RabbitMQ.

use super::{Server, config};
use futures_util::future::join_all;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use stomp_bridge::broker::BrokerLimits;
use stomp_bridge::client::{Backoff, BrokerUrl};
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
    /// User and passcode of who publishes, as a URL has them.
    pub payer: String,
    /// Of who reads the queue.
    pub listener: String,
}

impl Target {
    /// The payer's way through whatever listens at `addr`.
    pub fn through(&self, addr: SocketAddr) -> BrokerUrl {
        self.url(&self.payer, addr)
    }

    /// The listener's.
    pub fn read_through(&self, addr: SocketAddr) -> BrokerUrl {
        self.url(&self.listener, addr)
    }

    fn url(&self, account: &str, addr: SocketAddr) -> BrokerUrl {
        let (scheme, path) = match self.scheme {
            Scheme::Tcp => ("stomp", ""),
            Scheme::WebSocket => ("ws", "/ws"),
        };
        format!("{scheme}://{account}@{addr}{path}")
            .parse()
            .unwrap()
    }
}

/// The embedded broker, and RabbitMQ where the feature asks for it; each over both.
async fn all() -> Vec<Target> {
    let embedded = Embedded::start().await;
    let schemes = [Scheme::Tcp, Scheme::WebSocket];
    let targets = schemes.map(|scheme| embedded.target(scheme)).into_iter();
    #[cfg(feature = "rabbitmq-tests")]
    let targets = targets.chain(schemes.map(super::rabbitmq::target));
    targets.collect()
}

/// All at once: most of the time is spent waiting.
pub async fn everywhere(check: impl AsyncFn(&Target)) {
    let targets = all().await;
    join_all(targets.iter().map(|target| check(target))).await;
}

/// One after the other, for who reads the queue that they share.
pub async fn everywhere_in_turn(check: impl AsyncFn(&Target)) {
    for target in &all().await {
        check(target).await;
    }
}

/// Short waits between connects.
pub fn backoff() -> Backoff {
    Backoff {
        base: Duration::from_millis(10),
        cap: Duration::from_millis(50),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over {:?}", self.name, self.scheme)
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
            max_total_bytes: usize::MAX,
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
            listener: "listener:l".to_owned(),
        }
    }
}
