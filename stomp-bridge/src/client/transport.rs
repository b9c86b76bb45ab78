//! From a URL to a byte stream: TCP, then TLS and the WebSocket upgrade where the scheme asks.

use super::connect_error::ConnectError;
use super::counted::Counted;
use super::options::ConnectOptions;
use super::proxy::{Proxy, ProxyError, Target, tunnel};
use super::step::{Step, Steps};
use super::tls::client_config;
use super::tls_error::TlsError;
use super::url::BrokerUrl;
use super::ws_io::WsIo;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::{Error as WsError, protocol::WebSocketConfig};

/// Both buffers of a WebSocket, in bytes. One publisher needs little; the default is 128 KiB each.
const WS_BUFFER_BYTES: usize = 8 * 1024;

/// What a message may hold beside its largest frame: the line end after it, small frames before.
const WS_PACKING_BYTES: usize = 64 * 1024;

/// Best first. It binds no version: CONNECTED does.
const SUBPROTOCOLS: &str = "v12.stomp, v11.stomp, v10.stomp";

/// A connected byte stream of any transport.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {
    /// What the peer said when it closed, where the transport can say anything.
    fn close_note(&self) -> Option<String> {
        None
    }

    /// Bytes that came in and may not be a whole message yet; 0 where all are handed on at once.
    fn bytes_read(&self) -> u64 {
        0
    }
}

impl Io for TcpStream {}
impl Io for TlsStream<TcpStream> {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Io for WsIo<Counted<S>> {
    fn close_note(&self) -> Option<String> {
        self.close_note()
    }

    fn bytes_read(&self) -> u64 {
        self.stream().bytes_read()
    }
}

/// Dials, all steps within one deadline.
pub(crate) async fn dial(
    url: &BrokerUrl,
    options: &ConnectOptions,
    deadline: Instant,
    steps: &mut Steps<'_>,
) -> Result<Box<dyn Io>, ConnectError> {
    let tcp = match options.proxy.proxy_for(url) {
        None => tcp(&url.host_for_dial(), url.port(), deadline, steps).await?,
        Some(proxy) => through(proxy, url, deadline, steps).await?,
    };
    match (url.scheme().is_tls(), url.scheme().is_websocket()) {
        (false, false) => Ok(Box::new(tcp)),
        (true, false) => Ok(Box::new(tls(tcp, url, options, deadline, steps).await?)),
        (false, true) => Box::pin(upgrade(tcp, url, options, deadline, steps)).await,
        (true, true) => {
            let stream = tls(tcp, url, options, deadline, steps).await?;
            Box::pin(upgrade(stream, url, options, deadline, steps)).await
        }
    }
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

async fn within<F: Future>(
    step: Step,
    deadline: Instant,
    work: F,
) -> Result<F::Output, ConnectError> {
    timeout_at(deadline, work)
        .await
        .map_err(|_| ConnectError::TimedOut { step })
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
    tcp: TcpStream,
    url: &BrokerUrl,
    options: &ConnectOptions,
    deadline: Instant,
    steps: &mut Steps<'_>,
) -> Result<TlsStream<TcpStream>, ConnectError> {
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

async fn upgrade<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: S,
    url: &BrokerUrl,
    options: &ConnectOptions,
    deadline: Instant,
    steps: &mut Steps<'_>,
) -> Result<Box<dyn Io>, ConnectError> {
    let host = url.host();
    let not_websocket = |error| not_upgraded(error, &host);
    let mut request = url
        .upgrade_url()
        .into_client_request()
        .map_err(not_websocket)?;
    request.headers_mut().insert(
        SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(SUBPROTOCOLS),
    );
    let max_message = options.limits.max_frame_bytes + WS_PACKING_BYTES;
    let config = WebSocketConfig::default()
        .read_buffer_size(WS_BUFFER_BYTES)
        .write_buffer_size(WS_BUFFER_BYTES)
        .max_frame_size(Some(max_message))
        .max_message_size(Some(max_message));
    let work = client_async_with_config(request, Counted::new(stream), Some(config));
    let (ws, answer) = within(Step::WebSocket, deadline, work)
        .await?
        .map_err(not_websocket)?;
    steps.done(Step::WebSocket, || {
        let chosen = answer.headers().get(SEC_WEBSOCKET_PROTOCOL);
        let chosen = chosen.and_then(|name| name.to_str().ok());
        chosen.unwrap_or("no subprotocol").to_owned()
    });
    Ok(Box::new(WsIo::new(ws)))
}

fn not_upgraded(error: WsError, host: &str) -> ConnectError {
    // With TLS 1.3 a server refuses our certificate after the handshake.
    let refused = match &error {
        WsError::Io(e) => TlsError::behind(e, host),
        _ => None,
    };
    match (refused, error) {
        (Some(tls), _) => tls.into(),
        (None, WsError::Http(answer)) => ConnectError::UpgradeRefused {
            status: answer.status().as_u16(),
        },
        (None, e) => ConnectError::NotWebSocket {
            reason: e.to_string(),
        },
    }
}
