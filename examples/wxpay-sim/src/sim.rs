//! Starting and stopping a simulator.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use tokio::{net::TcpListener, task::JoinHandle, time};

use crate::{
    clock::Clock,
    driver::{self, Guard, Shared},
    faults::{Faults, FaultsChange},
    gateway::{Gateway, PayOutcome, PayRefusal, Payable, Payment, Try},
    merchant::Merchant,
};

/// How long open connections may take to end when the simulator stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(3);

/// How a simulator is set up.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The merchants that it knows, at least one, each `mch_id` with an `appid` once.
    pub merchants: Vec<Merchant>,
    /// Hosts besides loopback that notifies may be posted to, by name or address.
    pub allow_notify: Vec<String>,
    /// The most orders that are kept; when there are more, the one that was finished first is forgotten.
    pub max_orders: usize,
}

impl Default for SimConfig {
    /// 127.0.0.1:9011, [`Merchant::test`], no other host, 100 000 orders.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9011)),
            merchants: vec![Merchant::test()],
            allow_notify: Vec::new(),
            max_orders: 100_000,
        }
    }
}

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another process has the port.
    #[error("cannot listen on {addr}: the port is in use")]
    PortInUse {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// There is no merchant.
    #[error("there is no merchant")]
    NoMerchant,
    /// A merchant is there twice, perhaps with two keys.
    #[error("the merchant {merchant} is there twice")]
    MerchantTwice {
        /// Its `appid` and `mch_id`.
        merchant: String,
    },
    /// A host in [`SimConfig::allow_notify`] is not one.
    #[error("{host:?} is not a host that notifies could be allowed to")]
    AllowNotify {
        /// The text.
        host: String,
    },
    /// The process has no TLS provider. Call `rustls`'s `CryptoProvider::install_default` once in `main`.
    #[error("the process has no TLS provider: install one with CryptoProvider::install_default")]
    NoTlsProvider,
    /// The HTTP client that posts notifies cannot be made.
    #[error("the HTTP client for notifies cannot be made: {0}")]
    Client(#[source] reqwest::Error),
}

/// The simulator.
#[derive(Debug)]
pub struct Sim;

impl Sim {
    /// Listens and serves. Call it within a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// [`StartError`], in one line; nothing runs then.
    pub async fn start(config: SimConfig) -> Result<RunningSim, StartError> {
        check_merchants(&config.merchants)?;
        let guard =
            Guard::new(&config.allow_notify).map_err(|host| StartError::AllowNotify { host })?;
        if CryptoProvider::get_default().is_none() {
            return Err(StartError::NoTlsProvider);
        }
        let client = driver::client().map_err(StartError::Client)?;
        let addr = config.listen;
        let listen_error = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::PortInUse { addr },
            _ => StartError::Listen { addr, source },
        };
        let listener = TcpListener::bind(addr).await.map_err(listen_error)?;
        let addr = listener.local_addr().map_err(listen_error)?;

        let shared = Arc::new(Shared::new(Gateway::new(
            config.merchants,
            config.max_orders,
        )));
        let stopped = {
            let shared = shared.clone();
            async move { shared.stopped().await }
        };
        let server = axum::serve(listener, driver::router(shared.clone()))
            .with_graceful_shutdown(stopped)
            .into_future();
        Ok(RunningSim {
            addr,
            server: tokio::spawn(server),
            sender: tokio::spawn(driver::run(shared.clone(), client, guard)),
            shared,
        })
    }
}

fn check_merchants(merchants: &[Merchant]) -> Result<(), StartError> {
    if merchants.is_empty() {
        return Err(StartError::NoMerchant);
    }
    let identity = |merchant: &Merchant| {
        let account = merchant.account();
        (account.appid.clone(), account.mch_id.clone())
    };
    let mut seen = std::collections::HashSet::new();
    match merchants
        .iter()
        .map(identity)
        .find(|each| !seen.insert(each.clone()))
    {
        None => Ok(()),
        Some((appid, mch_id)) => Err(StartError::MerchantTwice {
            merchant: format!("{appid}:{mch_id}"),
        }),
    }
}

/// A simulator that serves. Dropping it stops it at once; [`RunningSim::shutdown`] lets open requests end.
#[derive(Debug)]
pub struct RunningSim {
    addr: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<io::Result<()>>,
    sender: JoinHandle<()>,
}

impl RunningSim {
    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its base URL, without a slash at the end: what a client takes for the gateway's host.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Its clock, to read and to move.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.shared.clock.clone()
    }

    /// The faults that are on.
    #[must_use]
    pub fn faults(&self) -> Faults {
        *self.shared.faults()
    }

    /// Changes the faults: what `POST /sim/faults` does.
    pub fn change_faults(&self, change: FaultsChange) {
        self.shared.change_faults(change);
    }

    /// The payer pays, or fails to: what `POST /sim/pay` does.
    ///
    /// # Errors
    /// [`PayRefusal`] when the order or its code cannot be paid; nothing changed then.
    pub fn pay(&self, what: &Payable, payment: Payment) -> Result<PayOutcome, PayRefusal> {
        let random = driver::random().map_err(|_| PayRefusal::Internal)?;
        let now = self.shared.clock.now();
        let outcome = self.shared.gateway().pay(what, payment, now, &random)?;
        self.shared.due.notify_one();
        Ok(outcome)
    }

    /// The latest tries to notify, oldest first: what `GET /sim/notifies` shows.
    #[must_use]
    pub fn notifies(&self) -> Vec<Try> {
        self.shared.gateway().tries().cloned().collect()
    }

    /// Stops: no new connection, no new try; requests on their way may end within three seconds.
    pub async fn shutdown(mut self) {
        self.shared.stop();
        if time::timeout(DRAIN_WITHIN, &mut self.server).await.is_err() {
            tracing::warn!("connections that did not end were cut");
        }
        if let Err(error) = (&mut self.sender).await {
            tracing::error!(%error, "the notify sender broke off");
        }
    }
}

impl Drop for RunningSim {
    fn drop(&mut self) {
        self.shared.stop();
        self.server.abort();
        self.sender.abort();
    }
}
