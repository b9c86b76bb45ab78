//! `/healthz`, `/readyz`, `/metrics`.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use order_store::Health;
use serde_json::json;
use stomp_bridge::client::Status;

use super::App;

/// Rows that may wait while the broker is away before the service calls itself not ready.
const OUTBOX_WAITING_MAX: usize = 10_000;

/// Alive: the event loop answers.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// Ready: the ledger takes writes, the relay is connected or its backlog is small, and nothing is being drained.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let ledger = match app.desk.store.health() {
        Health::Writable => Ok(()),
        Health::Away { why } => Err(format!("the ledger is away: {why}")),
        Health::Failed { why, .. } => Err(format!("the ledger failed: {why}")),
        Health::Closed => Err("the ledger is closed".to_owned()),
    };
    let waiting = match app.desk.store.outbox_status().await {
        Ok(status) => status.waiting,
        Err(error) => return not_ready(&[error.to_string()]),
    };
    let connected = matches!(*app.publisher.status().borrow(), Status::Connected { .. });
    let mut faults = Vec::new();
    if let Err(fault) = ledger {
        faults.push(fault);
    }
    if !connected && waiting > OUTBOX_WAITING_MAX {
        faults.push(format!("{waiting} rows wait for a broker that is away"));
    }
    if app.front.stop.is_cancelled() {
        faults.push("draining".into());
    }
    if faults.is_empty() {
        return Json(
            json!({"ready": true, "broker_connected": connected, "outbox_waiting": waiting}),
        )
        .into_response();
    }
    not_ready(&faults)
}

fn not_ready(faults: &[String]) -> Response {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        Json(json!({"ready": false, "faults": faults})),
    )
        .into_response()
}

/// Prometheus text.
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    if let Ok(status) = app.desk.store.outbox_status().await {
        gauge("paydesk_outbox_waiting", status.waiting);
        gauge("paydesk_outbox_parked", status.parked);
    }
    if let Some(broker) = &app.broker {
        let stats = broker.stats();
        gauge("paydesk_broker_connections", stats.connections);
        gauge("paydesk_broker_subscriptions", stats.subscriptions);
    }
    app.metrics.run_upkeep();
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        app.metrics.render(),
    )
        .into_response()
}

fn gauge(name: &'static str, value: usize) {
    #[allow(clippy::cast_precision_loss)]
    // A count that a float cannot hold exactly is beyond what this process can hold at all.
    metrics::gauge!(name).set(value as f64);
}
