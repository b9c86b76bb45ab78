//! From a URL to a byte stream: TCP, then TLS and the WebSocket upgrade where the scheme asks.

use super::connect_error::{ConnectError, within};
use super::counted::{Counted, Traffic};
use super::options::ConnectOptions;
use super::proxy::{Proxy, ProxyError, Target, tunnel};
use super::step::{Step, Steps};
use super::tls::client_config;
use super::tls_error::TlsError;
use super::url::BrokerUrl;
use super::ws_io::WsIo;
use super::ws_upgrade::{NotUpgraded, Offer, upgrade};
use rustls::pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A connected byte stream of any transport.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {
    /// What the peer said when it closed, where the transport can say anything.
    fn close_note(&self) -> Option<String> {
        None
    }

    /// What the network carried, whether or not it is a whole message yet.
    fn traffic(&self) -> Traffic;

    /// Bytes that it took and that are not on their way, where that has no bound of its own.
    fn unsent_bytes(&self) -> usize {
        0
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Io for Counted<S> {
    fn traffic(&self) -> Traffic {
        self.traffic()
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Io for TlsStream<Counted<S>> {
    fn traffic(&self) -> Traffic {
        self.get_ref().0.traffic()
    }
}

impl<S: Io> Io for WsIo<S> {
    fn close_note(&self) -> Option<String> {
        self.close_note()
    }

    fn traffic(&self) -> Traffic {
        self.stream().traffic()
    }

    fn unsent_bytes(&self) -> usize {
        self.unsent_bytes()
    }
}

/// Dials, all steps within one deadline. A WebSocket server that knows no subprotocol answers
/// without one, which RFC 6455 allows and our WebSocket library refuses: it is dialled once more
/// with nothing to choose from.
pub(crate) async fn dial(
    url: &BrokerUrl,
    options: &ConnectOptions,
    deadline: Instant,
    steps: &mut Steps<'_>,
) -> Result<Box<dyn Io>, ConnectError> {
    if !url.scheme().is_websocket() {
        let tcp = to_broker(url, options, deadline, steps).await?;
        return Ok(if url.scheme().is_tls() {
            Box::new(tls(tcp, url, options, deadline, steps).await?)
        } else {
            Box::new(tcp)
        });
    }
    let opened = match websocket(url, options, deadline, steps, Offer::Versions).await {
        Err(NotUpgraded::Unconfirmed) => {
            websocket(url, options, deadline, steps, Offer::Nothing).await
        }
        opened => opened,
    };
    Ok(opened?)
}

async fn websocket(
    url: &BrokerUrl,
    options: &ConnectOptions,
    deadline: Instant,
    steps: &mut Steps<'_>,
    offer: Offer,
) -> Result<Box<dyn Io>, NotUpgraded> {
    let tcp = to_broker(url, options, deadline, steps).await?;
    if url.scheme().is_tls() {
        let stream = tls(tcp, url, options, deadline, steps).await?;
        let upgraded = upgrade(stream, url, options, deadline, steps, offer);
        Ok(Box::new(Box::pin(upgraded).await?))
    } else {
        let upgraded = upgrade(tcp, url, options, deadline, steps, offer);
        Ok(Box::new(Box::pin(upgraded).await?))
    }
}

/// A TCP connection that ends at the broker, through a proxy or not.
async fn to_broker(
    url: &BrokerUrl,
    options: &ConnectOptions,
    deadline: Instant,
    steps: &mut Steps<'_>,
) -> Result<Counted<TcpStream>, ConnectError> {
    let stream = match options.proxy.proxy_for(url) {
        None => tcp(&url.host_for_dial(), url.port(), deadline, steps).await?,
        Some(proxy) => through(proxy, url, deadline, steps).await?,
    };
    Ok(Counted::new(stream))
}

/// A TCP connection that ends at the broker, through the proxy.
async fn through(
    proxy: &Proxy,
    url: &BrokerUrl,
    deadline: Instant,
    steps: &mut Steps<'_>,
) -> Result<TcpStream, ConnectError> {
    let (host, port) = (url.host_for_dial(), url.port());
    let targets = if proxy.kind().resolves_here() {
        let addrs = resolve(&host, port, deadline).await?;
        addrs.into_iter().map(Target::Addr).collect()
    } else {
        vec![Target::new(host, port)]
    };
    let mut last = ConnectError::TimedOut { step: Step::Proxy };
    for target in targets {
        let mut stream = tcp(&proxy.host_for_dial(), proxy.port(), deadline, steps)
            .await
            .map_err(|error| proxy_unreachable(proxy, &error))?;
        let asked = tunnel(&mut stream, proxy, &target);
        last = match within(Step::Proxy, deadline, asked).await? {
            Ok(()) => {
                steps.done(Step::Proxy, || format!("{proxy} to {target}"));
                return Ok(stream);
            }
            // Another address of the broker may be within its reach.
            Err(error @ ProxyError::Socks { .. }) => error.into(),
            Err(error) => return Err(error.into()),
        };
    }
    Err(last)
}

fn proxy_unreachable(proxy: &Proxy, error: &ConnectError) -> ConnectError {
    ConnectError::Proxy(ProxyError::Unreachable {
        proxy: proxy.to_string(),
        reason: error.to_string(),
    })
}

async fn resolve(
    host: &str,
    port: u16,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, ConnectError> {
    let failed = |reason: String| ConnectError::Resolve {
        host: host.to_owned(),
        reason,
    };
    let found = within(Step::Resolve, deadline, lookup_host((host, port))).await?;
    let addrs: Vec<_> = found.map_err(|e| failed(e.to_string()))?.collect();
    if addrs.is_empty() {
        return Err(failed("it has no address".to_owned()));
    }
    Ok(addrs)
}

async fn tcp(
    host: &str,
    port: u16,
    deadline: Instant,
    steps: &mut Steps<'_>,
) -> Result<TcpStream, ConnectError> {
    let addrs = resolve(host, port, deadline).await?;
    steps.done(Step::Resolve, || listed(&addrs));
    let mut last = ConnectError::TimedOut { step: Step::Tcp };
    for (n, addr) in addrs.iter().enumerate() {
        // An address that swallows packets leaves the others their share of the time.
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addrs.len() - n).unwrap_or(1);
        last = match timeout(share, TcpStream::connect(addr)).await {
            Ok(Ok(stream)) => {
                // Receipts are waited for: small frames must not wait for more.
                if let Err(e) = stream.set_nodelay(true) {
                    tracing::debug!(error = %e, "TCP_NODELAY not set");
                }
                steps.done(Step::Tcp, || addr.to_string());
                return Ok(stream);
            }
            Ok(Err(e)) if e.kind() == io::ErrorKind::ConnectionRefused => ConnectError::Refused {
                addr: addr.to_string(),
            },
            Ok(Err(e)) => ConnectError::Unreachable {
                addr: addr.to_string(),
                reason: e.to_string(),
            },
            Err(_) => ConnectError::TimedOut { step: Step::Tcp },
        };
    }
    Err(last)
}

fn listed(addrs: &[SocketAddr]) -> String {
    let ips: Vec<_> = addrs.iter().map(|addr| addr.ip().to_string()).collect();
    ips.join(", ")
}

async fn tls(
    tcp: Counted<TcpStream>,
    url: &BrokerUrl,
    options: &ConnectOptions,
    deadline: Instant,
    steps: &mut Steps<'_>,
) -> Result<TlsStream<Counted<TcpStream>>, ConnectError> {
    let host = url.host_for_dial();
    let name = ServerName::try_from(host.clone());
    let name = name.map_err(|_| TlsError::ServerName(host.clone()))?;
    let config = client_config(&options.extra_roots, options.identity.as_ref())?;
    let connector = TlsConnector::from(config);
    let stream = within(Step::Tls, deadline, connector.connect(name, tcp)).await?;
    let stream = stream.map_err(|e| {
        TlsError::behind(&e, &host).unwrap_or_else(|| TlsError::Handshake(e.to_string()))
    })?;
    steps.done(Step::Tls, || {
        let version = stream.get_ref().1.protocol_version();
        version.map_or_else(String::new, |version| format!("{version:?}"))
    });
    Ok(stream)
}
