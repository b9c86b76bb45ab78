//! Mounting in axum.

#[cfg(doc)]
use super::config::BrokerLimits;
use super::connection::serve;
use super::hub::Broker;
use super::transport::{Sizes, Ws};
use axum::extract::ws::WebSocketUpgrade;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

impl Broker {
    /// Answers a WebSocket upgrade and serves the connection. Mount it at `GET /ws`, behind a check
    /// of the `Origin` header where that matters: browsers let any page open a WebSocket anywhere.
    ///
    /// Of the subprotocols that the client offers the highest of `v12.stomp`, `v11.stomp`,
    /// `v10.stomp` is chosen; as with RabbitMQ it does not bind the version, CONNECT does.
    /// HTTP 503 when there is no room or the broker is shut down.
    pub fn upgrade(&self, ws: WebSocketUpgrade) -> Response {
        self.upgraded(ws, None)
    }

    /// As [`upgrade`](Self::upgrade), for a peer whose address is known, so that
    /// [`BrokerLimits::max_connections_per_address`] counts. Behind a proxy it is the address that
    /// the proxy tells, not the proxy's own.
    ///
    /// ```
    /// use axum::extract::{ConnectInfo, State, ws::WebSocketUpgrade};
    /// use axum::response::Response;
    /// use std::net::SocketAddr;
    /// use stomp_bridge::broker::Broker;
    ///
    /// async fn ws(
    ///     State(broker): State<Broker>,
    ///     ConnectInfo(peer): ConnectInfo<SocketAddr>,
    ///     ws: WebSocketUpgrade,
    /// ) -> Response {
    ///     broker.upgrade_from(ws, peer.ip())
    /// }
    /// ```
    pub fn upgrade_from(&self, ws: WebSocketUpgrade, address: IpAddr) -> Response {
        self.upgraded(ws, Some(address))
    }

    fn upgraded(&self, ws: WebSocketUpgrade, from: Option<IpAddr>) -> Response {
        let Some(place) = self.hub.admit(from) else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        let sizes = Sizes::of(&self.hub.limits.frame);
        ws.protocols(["v12.stomp", "v11.stomp", "v10.stomp"])
            .read_buffer_size(Sizes::READ_BUFFER)
            .write_buffer_size(Sizes::WRITE_BUFFER)
            .max_write_buffer_size(sizes.max_write_buffer)
            .max_frame_size(sizes.max_message)
            .max_message_size(sizes.max_message)
            .on_upgrade(move |socket| serve(place, Ws::new(socket)))
    }
}
