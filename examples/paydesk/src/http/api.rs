//! `/api/orders`: what the shop's own programs call.

use std::net::SocketAddr;

use axum::{
    Json,
    body::Bytes,
    extract::{ConnectInfo, Path, Query, State},
    http::{HeaderMap, StatusCode},
};
use order_store::{
    BeginClose, By, Cursor, Executed, Order, OrderQuery, OrderState, OrderStoreExt as _, Outcome,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wxpay_core::{Fen, OutTradeNo};

use super::{App, Problem, view};
use crate::desk::NewOrder;

/// The longest `Idempotency-Key`.
const KEY_BYTES_MAX: usize = 255;
/// Orders of one page, unless the caller says fewer or more.
const PAGE_DEFAULT: usize = 50;
const PAGE_MAX: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderBody {
    total_fee: Value,
    body: String,
    out_trade_no: Option<String>,
    attach: Option<String>,
}

impl OrderBody {
    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(bytes).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid_json", error.to_string())
        })
    }

    fn total_fee(&self) -> Result<Fen, Problem> {
        let fee = self
            .total_fee
            .as_u64()
            .and_then(|fen| Fen::new(fen).ok())
            .filter(|fee| !fee.is_zero());
        fee.ok_or_else(|| {
            Problem::field("total_fee", "total_fee is a whole number of fen above zero")
        })
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= KEY_BYTES_MAX => Ok(Some(key.to_owned())),
        _ => Err(Problem::field(
            "Idempotency-Key",
            format!("Idempotency-Key is 1 to {KEY_BYTES_MAX} visible characters"),
        )),
    }
}

/// `POST /api/orders`: 201 for a new order, 200 for the same again, 409 for another under the same number.
pub(crate) async fn create(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let body = OrderBody::read(&bytes)?;
    let new = NewOrder {
        total_fee: body.total_fee()?,
        out_trade_no: body
            .out_trade_no
            .as_deref()
            .map(OutTradeNo::for_order)
            .transpose()?,
        body: body.body.parse()?,
        attach: body.attach.as_deref().map(str::parse).transpose()?,
        idempotency_key: idempotency_key(&headers)?,
        ip: peer.ip(),
    };
    let Executed { outcome, order, .. } = app.desk.create(new).await?;
    let status = match outcome {
        Outcome::AlreadyApplied => StatusCode::OK,
        _ => StatusCode::CREATED,
    };
    let page = view::pay_page(&app.public, &order);
    Ok((
        status,
        Json(json!({
            "out_trade_no": order.key.out_trade_no,
            "state": order.state().as_str(),
            "total_fee": order.terms.total_fee,
            "pay_page": page,
        })),
    ))
}

/// Which orders, as text.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct ListQuery {
    pub(crate) state: Option<String>,
    pub(crate) since: Option<String>,
    pub(crate) cursor: Option<String>,
    pub(crate) limit: Option<usize>,
}

impl ListQuery {
    /// The ledger's query, each field checked under its own name.
    pub(crate) fn checked(self) -> Result<OrderQuery, Problem> {
        let state = self
            .state
            .map(|state| state.parse::<OrderState>())
            .transpose()
            .map_err(|error| Problem::field("state", error.to_string()))?;
        let since = self
            .since
            .map(|since| since.parse::<jiff::Timestamp>())
            .transpose()
            .map_err(|_| Problem::field("since", "since is a time as RFC 3339 writes it"))?
            .map(|since| Timestamp::from_millis(since.as_millisecond()));
        let cursor = self
            .cursor
            .map(|cursor| cursor.parse::<Cursor>())
            .transpose()
            .map_err(|_| {
                Problem::field("cursor", "cursor is the next_cursor of the page before")
            })?;
        let limit = self.limit.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(Problem::field(
                "limit",
                format!("limit is from 1 to {PAGE_MAX}"),
            ));
        }
        Ok(OrderQuery {
            state,
            since,
            cursor,
            limit,
        })
    }
}

/// `GET /api/orders`: a page of orders, newest first, and the next cursor.
pub(crate) async fn list(
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, Problem> {
    let page = app.desk.store.list(query.checked()?).await?;
    Ok(Json(json!({
        "orders": page.orders.iter().map(|order| view::order(order, None)).collect::<Vec<_>>(),
        "next_cursor": page.next.map(|cursor| cursor.to_string()),
    })))
}

/// The order of a number that someone gave; what cannot be a number is no order of ours.
pub(crate) async fn find(app: &App, number: &str) -> Result<Order, Problem> {
    let number: OutTradeNo = number.parse().map_err(|_| Problem::unknown_order())?;
    app.desk
        .store
        .get(&app.desk.key(number))
        .await?
        .ok_or_else(Problem::unknown_order)
}

/// `GET /api/orders/{out_trade_no}`.
pub(crate) async fn get(
    State(app): State<App>,
    Path(number): Path<String>,
) -> Result<Json<Value>, Problem> {
    let order = find(&app, &number).await?;
    let page = view::pay_page(&app.public, &order);
    Ok(Json(view::order(&order, Some(&page))))
}

/// `GET /api/orders/{out_trade_no}/log`: oldest first.
pub(crate) async fn log(
    State(app): State<App>,
    Path(number): Path<String>,
) -> Result<Json<Value>, Problem> {
    let order = find(&app, &number).await?;
    let log = app.desk.store.log(&order.key).await?;
    Ok(Json(log.iter().map(view::log_entry).collect()))
}

/// `POST /api/orders/{out_trade_no}/close`: the intent is stored and answered; the sweeper carries it to the gateway.
pub(crate) async fn close(
    State(app): State<App>,
    Path(number): Path<String>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let order = find(&app, &number).await?;
    let executed = app
        .desk
        .store
        .begin_close(BeginClose {
            key: order.key,
            by: By::Shop,
            now: app.desk.clock.now(),
        })
        .await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(view::order(&executed.order, None)),
    ))
}
