//! The simulator's own routes, under `/sim`.
//!
//! Those that change something take JSON only and say so: a page of another site cannot send that content type.

use std::sync::Arc;
use std::time::Duration;

use axum::{
    Json, Router,
    extract::{
        DefaultBodyLimit, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    pay_request::PayRequest,
    shared::{Shared, random},
    show,
};
use crate::{
    clock::CLOCK_AHEAD_MAX,
    faults::FaultsChange,
    gateway::{OrderFilter, PayRefusal},
};

/// The longest request, in bytes.
const BODY_MAX_BYTES: usize = 16 * 1024;
/// How many rows a list has at most.
const ROWS_MAX: usize = 1000;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/sim/pay", post(pay))
        .route("/sim/orders", get(orders))
        .route("/sim/notifies", get(notifies))
        .route("/sim/clock", get(clock).post(advance))
        .route("/sim/faults", get(faults).post(change_faults))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
}

/// An answer that reports a failure: `application/problem+json` of RFC 9457.
struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: String) -> Self {
        Self {
            status,
            code,
            detail,
        }
    }

    fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        (self.status, content_type, body.to_string()).into_response()
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "bad_request", rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), "bad_request", rejection.body_text())
    }
}

impl From<PayRefusal> for Problem {
    fn from(refusal: PayRefusal) -> Self {
        let status = match refusal {
            PayRefusal::UnknownOrder => StatusCode::NOT_FOUND,
            PayRefusal::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::CONFLICT,
        };
        Self::new(status, refusal.code(), refusal.to_string())
    }
}

/// A request with a value that is none.
fn bad(error: impl Into<Box<dyn std::error::Error>>) -> Problem {
    Problem::bad_request(error.into().to_string())
}

type Answer = Result<Json<Value>, Problem>;
type Body<T> = Result<Json<T>, JsonRejection>;

fn body<T: DeserializeOwned>(body: Body<T>) -> Result<T, Problem> {
    Ok(body?.0)
}

async fn pay(State(shared): State<Arc<Shared>>, request: Body<PayRequest>) -> Answer {
    let (what, payment) = body(request)?.read().map_err(bad)?;
    let random = random().map_err(|error| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            error.to_string(),
        )
    })?;
    let now = shared.clock.now();
    let outcome = shared.gateway().pay(&what, payment, now, &random)?;
    shared.due.notify_one();
    tracing::info!(out_trade_no = %outcome.key.out_trade_no, paid = outcome.paid.is_some(), "pay");
    Ok(Json(show::outcome(&outcome)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrdersQuery {
    state: Option<String>,
    code_url: Option<String>,
    out_trade_no: Option<String>,
    limit: Option<usize>,
}

impl OrdersQuery {
    fn filter(&self) -> Result<OrderFilter, Problem> {
        match (self.state.as_deref(), &self.code_url, &self.out_trade_no) {
            (None, None, None) => Ok(OrderFilter::All),
            (Some("NOTPAY"), None, None) => Ok(OrderFilter::NotPay),
            (None, Some(code), None) => Ok(OrderFilter::Code(code.parse().map_err(bad)?)),
            (None, None, Some(number)) => Ok(OrderFilter::Number(number.parse().map_err(bad)?)),
            _ => Err(Problem::bad_request(
                "give one of state=NOTPAY, code_url and out_trade_no, or none",
            )),
        }
    }
}

async fn orders(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<OrdersQuery>, QueryRejection>,
) -> Answer {
    let Query(query) = query?;
    let filter = query.filter()?;
    let limit = query.limit.unwrap_or(ROWS_MAX).min(ROWS_MAX);
    let now = shared.clock.now();
    let gateway = shared.gateway();
    let rows = gateway
        .orders(&filter, now, limit)
        .into_iter()
        .map(|order| show::order(&gateway, order, now));
    Ok(Json(rows.collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NotifiesQuery {
    out_trade_no: Option<String>,
    limit: Option<usize>,
}

/// The latest tries, oldest first.
async fn notifies(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<NotifiesQuery>, QueryRejection>,
) -> Answer {
    let Query(query) = query?;
    let limit = query.limit.unwrap_or(ROWS_MAX).min(ROWS_MAX);
    let gateway = shared.gateway();
    let wanted = |number: &str| {
        query
            .out_trade_no
            .as_deref()
            .is_none_or(|only| only == number)
    };
    let mut rows: Vec<Value> = gateway
        .tries()
        .rev()
        .filter(|each| wanted(each.order.out_trade_no.as_str()))
        .take(limit)
        .map(show::one_try)
        .collect();
    rows.reverse();
    Ok(Json(rows.into()))
}

async fn clock(State(shared): State<Arc<Shared>>) -> Answer {
    Ok(Json(show::clock(&shared.clock)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_s: u64,
}

async fn advance(State(shared): State<Arc<Shared>>, request: Body<Advance>) -> Answer {
    let by = Duration::from_secs(body(request)?.advance_s);
    shared.clock.advance(by).map_err(|error| {
        Problem::bad_request(format!(
            "advance_s: {error} ({} s)",
            CLOCK_AHEAD_MAX.as_secs()
        ))
    })?;
    Ok(Json(show::clock(&shared.clock)))
}

async fn faults(State(shared): State<Arc<Shared>>) -> Answer {
    Ok(Json(json!(*shared.faults())))
}

async fn change_faults(State(shared): State<Arc<Shared>>, request: Body<FaultsChange>) -> Answer {
    let change = body(request)?;
    Ok(Json(json!(shared.change_faults(change))))
}
