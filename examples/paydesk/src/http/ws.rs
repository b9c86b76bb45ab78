//! `GET /ws`: the embedded broker.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, State, WebSocketUpgrade},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{App, Problem, guard};

/// Upgrades to STOMP over WebSocket. Browsers do not keep other sites' pages from this by themselves: the Origin must be ours.
pub(crate) async fn upgrade(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let Some(broker) = &app.broker else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "no_broker",
            "pages of this service use another broker",
        ));
    };
    if !guard::own_origin(&headers, &app.public) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "other_site",
            "a page of another site may not connect here",
        ));
    }
    let upgrade = upgrade.map_err(|rejection| {
        Problem::new(
            StatusCode::UPGRADE_REQUIRED,
            "not_a_websocket",
            rejection.body_text(),
        )
    })?;
    Ok(broker.upgrade_from(upgrade, peer.ip()))
}
