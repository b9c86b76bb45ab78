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

fn reply(xml: String) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], xml).into_response()
}

/// `POST /wxpay/notify`: the bare path, closed with the real gateway, which is told each order's own.
pub(crate) async fn bare(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    body: Bytes,
) -> Response {
    if !app.bare_notify {
        return StatusCode::NOT_FOUND.into_response();
    }
    let incoming = Incoming {
        body: &body,
        peer: peer.ip(),
        via: Via::Bare,
    };
    reply(app.desk.notified(incoming).await.xml)
}

/// `POST /wxpay/notify/{secret}`: the order's own path.
pub(crate) async fn secret(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(secret): Path<String>,
    body: Bytes,
) -> Response {
    let incoming = Incoming {
        body: &body,
        peer: peer.ip(),
        via: Via::Secret(secret),
    };
    reply(app.desk.notified(incoming).await.xml)
}
