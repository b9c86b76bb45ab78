//! Mounting in axum.

use super::connection::serve;
use super::hub::Broker;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Read buffer of a connection: browsers send little, and there may be many of them.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Write buffer of a connection; a message larger than this is written at once.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;
/// Frames of the largest size that a client may pack into one WebSocket message.
const PACKED_FRAMES: usize = 4;
/// A WebSocket message that is always taken, however small a frame must be.
const MIN_MESSAGE_BYTES: usize = 16 * 1024;

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
        let max_frame = self.hub.limits.frame.max_frame_bytes;
        let max_message = (max_frame * PACKED_FRAMES).max(MIN_MESSAGE_BYTES);
        ws.protocols(["v12.stomp", "v11.stomp", "v10.stomp"])
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            .max_write_buffer_size(WRITE_BUFFER_BYTES + 2 * max_message)
            .max_frame_size(max_message)
            .max_message_size(max_message)
            .on_upgrade(move |socket| serve(place, socket))
    }
}
