//! `/wxpay/notify…`: what the gateway posts.

use std::net::SocketAddr;

use axum::{
    body::Bytes,
    extract::{ConnectInfo, Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::App;
use crate::desk::{Incoming, Via};

/// `POST /wxpay/notify`: the bare path, closed with the real gateway, which is told each order's own.
pub(crate) async fn bare(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    body: Bytes,
) -> Response {
    if !app.bare_notify {
        return StatusCode::NOT_FOUND.into_response();
    }
    handle(app, peer, Via::Bare, body).await
}

/// `POST /wxpay/notify/{secret}`: the order's own path.
pub(crate) async fn secret(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(secret): Path<String>,
    body: Bytes,
) -> Response {
    handle(app, peer, Via::Secret(secret), body).await
}

/// `POST /wxpay/refund_notify`: a hint that a refund came to its end.
pub(crate) async fn refund(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    body: Bytes,
) -> Response {
    handle(app, peer, Via::Refund, body).await
}

/// In a task of its own, since a request ends where its connection does: a gateway that hangs up early must not leave
/// its notify half handled. The drain waits for these tasks.
async fn handle(app: App, peer: SocketAddr, via: Via, body: Bytes) -> Response {
    let incoming = Incoming {
        body,
        peer: peer.ip(),
        via,
    };
    let desk = app.desk.clone();
    let handled = app
        .front
        .tasks
        .spawn(async move { desk.notified(incoming).await });
    match handled.await {
        Ok(answered) => (
            [(header::CONTENT_TYPE, "text/xml; charset=utf-8")],
            answered.xml,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "a notify was not handled to its end");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
