//! Mounting in axum.

use super::connection::serve;
use super::hub::Broker;
use super::transport::{Sizes, Ws};
use axum::extract::ws::WebSocketUpgrade;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

impl Broker {
    /// Answers a WebSocket upgrade and serves the connection. Mount it at `GET /ws`, behind a check
    /// of the `Origin` header where that matters: browsers let any page open a WebSocket anywhere.
    ///
    /// Of the subprotocols that the client offers the highest of `v12.stomp`, `v11.stomp`,
    /// `v10.stomp` is chosen; as with RabbitMQ it does not bind the version, CONNECT does.
    /// HTTP 503 when there is no room or the broker is shut down.
    pub fn upgrade(&self, ws: WebSocketUpgrade) -> Response {
        let Some(place) = self.hub.admit() else {
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
