//! The HTTP upgrade to WebSocket.

use super::connect_error::{ConnectError, within};
use super::options::ConnectOptions;
use super::step::{Step, Steps};
use super::tls_error::TlsError;
use super::url::BrokerUrl;
use super::ws_io::WsIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{ProtocolError, SubProtocolError};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::{Error as WsError, protocol::WebSocketConfig};

/// Both buffers of a WebSocket, in bytes. One publisher needs little; the default is 128 KiB each.
const BUFFER_BYTES: usize = 8 * 1024;

/// What a message may hold beside its largest frame: the line end after it, small frames before.
const PACKING_BYTES: usize = 64 * 1024;

/// Best first. It binds no version: CONNECTED does.
const SUBPROTOCOLS: &str = "v12.stomp, v11.stomp, v10.stomp";

/// Which subprotocols are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    Versions,
    Nothing,
}

/// Why there is no WebSocket.
#[derive(Debug)]
pub(crate) enum NotUpgraded {
    /// The server chose none of the subprotocols that were offered.
    Unconfirmed,
    Failed(ConnectError),
}

impl From<ConnectError> for NotUpgraded {
    fn from(error: ConnectError) -> Self {
        Self::Failed(error)
    }
}

impl From<NotUpgraded> for ConnectError {
    fn from(error: NotUpgraded) -> Self {
        match error {
            NotUpgraded::Failed(error) => error,
            NotUpgraded::Unconfirmed => Self::NotWebSocket {
                reason: "it chose no subprotocol".to_owned(),
            },
        }
    }
}

/// Upgrades. With TLS 1.3 a server refuses our certificate only here.
pub(crate) async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    url: &BrokerUrl,
    options: &ConnectOptions,
    deadline: Instant,
    steps: &mut Steps<'_>,
    offer: Offer,
) -> Result<WsIo<S>, NotUpgraded> {
    let host = url.host();
    let failed = |error| not_upgraded(error, &host);
    let mut request = url.upgrade_url().into_client_request().map_err(failed)?;
    if offer == Offer::Versions {
        let versions = HeaderValue::from_static(SUBPROTOCOLS);
        request
            .headers_mut()
            .insert(SEC_WEBSOCKET_PROTOCOL, versions);
    }
    let max_message = options.limits.max_frame_bytes.saturating_add(PACKING_BYTES);
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_frame_size(Some(max_message))
        .max_message_size(Some(max_message));
    let work = client_async_with_config(request, stream, Some(config));
    let (ws, answer) = within(Step::WebSocket, deadline, work)
        .await?
        .map_err(failed)?;
    steps.done(Step::WebSocket, || {
        let chosen = answer.headers().get(SEC_WEBSOCKET_PROTOCOL);
        let chosen = chosen.and_then(|name| name.to_str().ok());
        chosen.unwrap_or("no subprotocol").to_owned()
    });
    Ok(WsIo::new(ws))
}

fn not_upgraded(error: WsError, host: &str) -> NotUpgraded {
    let tls = match &error {
        WsError::Io(e) => TlsError::behind(e, host),
        _ => None,
    };
    NotUpgraded::Failed(match (tls, error) {
        (Some(tls), _) => tls.into(),
        (
            None,
            WsError::Protocol(ProtocolError::SecWebSocketSubProtocolError(
                SubProtocolError::NoSubProtocol,
            )),
        ) => return NotUpgraded::Unconfirmed,
        (None, WsError::Http(answer)) => ConnectError::UpgradeRefused {
            status: answer.status().as_u16(),
        },
        (None, e) => ConnectError::NotWebSocket {
            reason: e.to_string(),
        },
    })
}
