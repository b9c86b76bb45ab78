//! The driver around the gateway's decisions: HTTP in, notifies out.

mod guard;
mod page;
mod pay_request;
mod pay_routes;
mod sender;
mod shared;
mod show;
mod sim_routes;

use std::sync::Arc;
use std::time::Duration;

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tokio::time;

pub(crate) use guard::Guard;
pub(crate) use sender::{client, run};
pub(crate) use shared::{Shared, random};

/// The longest that a request may take, its body included: a little more than the longest silence.
const REQUEST_WITHIN: Duration = pay_routes::SILENCE.saturating_add(Duration::from_secs(5));

/// All routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .merge(pay_routes::routes())
        .merge(sim_routes::routes())
        .merge(page::routes())
        .fallback(|| async { pay_routes::html(StatusCode::NOT_FOUND) })
        .layer(middleware::from_fn(within))
        .with_state(shared)
}

async fn within(request: Request, next: Next) -> Response {
    match time::timeout(REQUEST_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}
