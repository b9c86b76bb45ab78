//! From a URL to a byte stream: TCP, then TLS and the WebSocket upgrade where the scheme asks.

use super::connect::{ConnectError, ConnectOptions, Step};
use super::tls::{TlsError, client_config};
use super::url::BrokerUrl;
use super::ws_io::WsIo;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::{Error as WsError, protocol::WebSocketConfig};

/// Both buffers of a WebSocket, in bytes. One publisher needs little; the default is 128 KiB each.
const WS_BUFFER_BYTES: usize = 8 * 1024;

/// A connected byte stream of any transport.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {
    /// What the peer said when it closed, where the transport can say anything.
    fn close_note(&self) -> Option<String> {
        None
    }
}

impl Io for TcpStream {}
impl Io for TlsStream<TcpStream> {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Io for WsIo<S> {
    fn close_note(&self) -> Option<String> {
        self.close_note()
    }
}

/// Dials, all steps within one deadline.
pub(crate) async fn dial(
    url: &BrokerUrl,
    options: &ConnectOptions,
    deadline: Instant,
) -> Result<Box<dyn Io>, ConnectError> {
    let tcp = tcp(url, deadline).await?;
    match (url.scheme().is_tls(), url.scheme().is_websocket()) {
        (false, false) => Ok(Box::new(tcp)),
        (true, false) => Ok(Box::new(tls(tcp, url, options, deadline).await?)),
        (false, true) => Box::pin(upgrade(tcp, url, options, deadline)).await,
        (true, true) => {
            let stream = tls(tcp, url, options, deadline).await?;
            Box::pin(upgrade(stream, url, options, deadline)).await
        }
    }
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

async fn tcp(url: &BrokerUrl, deadline: Instant) -> Result<TcpStream, ConnectError> {
    let host = url.host_for_dial();
    let resolve = |reason: String| ConnectError::Resolve {
        host: host.clone(),
        reason,
    };
    let addrs = within(
        Step::Resolve,
        deadline,
        lookup_host((host.as_str(), url.port())),
    )
    .await?
    .map_err(|e| resolve(e.to_string()))?;
    let mut last = resolve("it has no address".to_owned());
    for addr in addrs {
        match within(Step::Tcp, deadline, TcpStream::connect(addr)).await? {
            Ok(stream) => {
                // Receipts are waited for: small frames must not wait for more.
                if let Err(e) = stream.set_nodelay(true) {
                    tracing::debug!(error = %e, "TCP_NODELAY not set");
                }
                return Ok(stream);
            }
            Err(e) => {
                let addr = addr.to_string();
                last = if e.kind() == io::ErrorKind::ConnectionRefused {
                    ConnectError::Refused { addr }
                } else {
                    ConnectError::Unreachable {
                        addr,
                        reason: e.to_string(),
                    }
                };
            }
        }
    }
    Err(last)
}

async fn tls(
    tcp: TcpStream,
    url: &BrokerUrl,
    options: &ConnectOptions,
    deadline: Instant,
) -> Result<TlsStream<TcpStream>, ConnectError> {
    let host = url.host_for_dial();
    let name = ServerName::try_from(host.clone()).map_err(|_| TlsError::ServerName(host))?;
    let connector = TlsConnector::from(client_config(&options.extra_roots)?);
    let stream = within(Step::Tls, deadline, connector.connect(name, tcp)).await?;
    Ok(stream.map_err(|e| TlsError::Handshake(e.to_string()))?)
}

async fn upgrade<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: S,
    url: &BrokerUrl,
    options: &ConnectOptions,
    deadline: Instant,
) -> Result<Box<dyn Io>, ConnectError> {
    let not_websocket = |e: WsError| match e {
        WsError::Http(answer) => ConnectError::UpgradeRefused {
            status: answer.status().as_u16(),
        },
        e => ConnectError::NotWebSocket {
            reason: e.to_string(),
        },
    };
    let mut request = url
        .upgrade_url()
        .into_client_request()
        .map_err(not_websocket)?;
    request.headers_mut().insert(
        SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static("v12.stomp"),
    );
    let config = WebSocketConfig::default()
        .read_buffer_size(WS_BUFFER_BYTES)
        .write_buffer_size(WS_BUFFER_BYTES)
        .max_frame_size(Some(options.limits.max_frame_bytes))
        .max_message_size(Some(options.limits.max_frame_bytes));
    let work = client_async_with_config(request, stream, Some(config));
    let (ws, _) = within(Step::WebSocket, deadline, work)
        .await?
        .map_err(not_websocket)?;
    Ok(Box::new(WsIo::new(ws)))
}
