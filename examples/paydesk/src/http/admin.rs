//! `GET /admin`: the operator's page.

use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use order_store::{Kept, NotifyQuery, OrderQuery};
use serde::Deserialize;
use stomp_bridge::client::Status;

use super::{App, Problem};
use crate::pages::{self, Lang, Overview};

/// Rows of each table.
const ROWS: usize = 20;

#[derive(Deserialize)]
pub(crate) struct AdminQuery {
    lang: Option<String>,
}

/// What the ledger, the outbox and the inbox hold right now.
pub(crate) async fn admin(
    State(app): State<App>,
    Query(query): Query<AdminQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let lang = Lang::of(query.lang.as_deref(), &headers);
    let store = &app.desk.store;
    let orders = store
        .list(OrderQuery {
            state: None,
            since: None,
            cursor: None,
            limit: ROWS,
        })
        .await?
        .orders;
    let outbox = store.outbox_status().await?;
    let notifies = store
        .notifies(NotifyQuery {
            kept: Kept::All,
            before: None,
            limit: ROWS,
        })
        .await?;
    let broker = match &*app.publisher.status().borrow() {
        Status::Connected { server } => server
            .server
            .clone()
            .unwrap_or_else(|| format!("STOMP {}", server.version)),
        Status::Connecting { last_error, .. } => last_error
            .as_ref()
            .map_or_else(|| "connecting".to_owned(), ToString::to_string),
        _ => "stopped".to_owned(),
    };
    let overview = Overview {
        orders: &orders,
        outbox: &outbox,
        notifies: &notifies,
        broker: &broker,
        fault: app.relay.fault(),
    };
    Ok(pages::admin(lang, &overview).into_response())
}
