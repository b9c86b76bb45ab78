//! Standing alone: the broker's own listeners, without axum.

use super::connection::serve;
use super::hub::{Broker, Hub, Place};
use super::transport::{Sizes, Tcp, Ws};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// The pause after an accept that failed: out of file handles is not mended by haste.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// For telling a connection that there is no room.
const TURN_AWAY_TIMEOUT: Duration = Duration::from_secs(1);
/// Connections that are turned away at once; more are dropped without a word.
const MAX_TURNED_AWAY: usize = 64;
const SUBPROTOCOLS: [&str; 3] = ["v12.stomp", "v11.stomp", "v10.stomp"];
const NO_ROOM_WS: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const NO_ROOM_TCP: &[u8] = b"ERROR\nmessage:resource_error\ncontent-type:text/plain\n\
version:1.0,1.1,1.2\ncontent-length:41\n\nRESOURCE_ERROR - no room for a connection\0";

/// What a listener's connections speak.
#[derive(Clone, Copy)]
enum Speaks {
    WebSocket,
    Tcp,
}

impl Broker {
    /// Serves STOMP over WebSocket on this listener, at `/ws` and `/ws/`, until the broker is shut
    /// down or its last handle is dropped. Who drops the future ends its connections at once.
    ///
    /// It leaves the `Origin` header alone; where that matters, mount the broker in axum
    /// ([`upgrade`](Self::upgrade)) behind a check of it.
    ///
    /// ```no_run
    /// # use stomp_bridge::broker::{Broker, BrokerConfig};
    /// # async fn demo() -> std::io::Result<()> {
    /// let broker = Broker::new(BrokerConfig::new()).expect("nothing in it can be wrong");
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:15674").await?;
    /// let serving = tokio::spawn(broker.serve_ws(listener));
    /// // ...
    /// broker.shutdown(std::time::Duration::from_secs(5)).await;
    /// serving.await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn serve_ws(&self, listener: TcpListener) -> impl Future<Output = ()> + Send + use<> {
        accept(Arc::clone(&self.hub), listener, Speaks::WebSocket)
    }

    /// Serves STOMP over plain TCP on this listener, until the broker is shut down or its last
    /// handle is dropped. Who drops the future ends its connections at once.
    pub fn serve_tcp(&self, listener: TcpListener) -> impl Future<Output = ()> + Send + use<> {
        accept(Arc::clone(&self.hub), listener, Speaks::Tcp)
    }
}

async fn accept(hub: Arc<Hub>, listener: TcpListener, speaks: Speaks) {
    let mut stopping = hub.stopping();
    let mut connections = JoinSet::new();
    let mut turned_away = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            // An error means that the hub is gone, which is a stop too.
            _ = stopping.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => continue,
            Some(_) = turned_away.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let (socket, from) = match accepted {
            Ok((socket, from)) => (socket, from.ip()),
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // A frame is to go out at once. A socket that cannot do it is about to fail anyway.
        socket.set_nodelay(true).ok();
        match (hub.admit(Some(from)), speaks) {
            (Some(place), Speaks::WebSocket) => {
                connections.spawn(websocket(place, socket));
            }
            (Some(place), Speaks::Tcp) => {
                connections.spawn(serve(place, Tcp::new(socket)));
            }
            (None, _) if turned_away.len() < MAX_TURNED_AWAY => {
                turned_away.spawn(turn_away(socket, speaks));
            }
            (None, _) => {}
        }
    }
    drop(listener);
    // They were told to stop too, and have time-outs.
    while connections.join_next().await.is_some() {}
}

async fn turn_away(mut socket: TcpStream, speaks: Speaks) {
    let words = match speaks {
        Speaks::WebSocket => NO_ROOM_WS,
        Speaks::Tcp => NO_ROOM_TCP,
    };
    let told = async {
        socket.write_all(words).await?;
        socket.shutdown().await
    };
    // Who does not want to hear it need not.
    timeout(TURN_AWAY_TIMEOUT, told).await.ok();
}

async fn websocket(place: Place, socket: TcpStream) {
    let sizes = Sizes::of(&place.hub.limits.frame);
    let config = WebSocketConfig::default()
        .read_buffer_size(Sizes::READ_BUFFER)
        .write_buffer_size(Sizes::WRITE_BUFFER)
        .max_write_buffer_size(sizes.max_write_buffer)
        .max_frame_size(Some(sizes.max_message))
        .max_message_size(Some(sizes.max_message));
    let limit = place.hub.limits.connect_timeout;
    let handshake = Box::pin(accept_hdr_async_with_config(socket, answer, Some(config)));
    match timeout(limit, handshake).await {
        Ok(Ok(socket)) => serve(place, Ws::new(socket)).await,
        Ok(Err(error)) => tracing::debug!(%error, "no WebSocket handshake"),
        Err(_) => tracing::debug!("no WebSocket handshake in time"),
    }
}

/// 404 but for the one path, as RabbitMQ; the highest subprotocol that is offered.
#[expect(clippy::result_large_err, reason = "tungstenite's signature")]
fn answer(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    if !matches!(request.uri().path(), "/ws" | "/ws/") {
        let mut missing = ErrorResponse::new(None);
        *missing.status_mut() = StatusCode::NOT_FOUND;
        return Err(missing);
    }
    let offered: Vec<&str> = request
        .headers()
        .get_all("sec-websocket-protocol")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(',').map(str::trim))
        .collect();
    if let Some(chosen) = SUBPROTOCOLS.iter().find(|known| offered.contains(known)) {
        response
            .headers_mut()
            .insert("sec-websocket-protocol", HeaderValue::from_static(chosen));
    }
    Ok(response)
}
