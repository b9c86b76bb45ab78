//! `/wxpay…`: what the payer's browser calls.

use std::net::SocketAddr;

use axum::{
    Json,
    extract::{ConnectInfo, FromRequestParts, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use order_store::{Order, OrderState};
use serde::Deserialize;
use serde_json::{Value, json};
use wxpay_core::{Fen, OutTradeNo};

use super::{App, Problem, api};
use crate::{
    broker,
    desk::{NewOrder, PrepareError},
    pages::{self, Feed, Lang, Paid, Paying},
    random, ticket,
};

/// What a page's address holds.
#[derive(Deserialize)]
pub(crate) struct PageQuery {
    #[serde(rename = "orderId")]
    order_id: Option<String>,
    t: Option<String>,
    money: Option<String>,
    lang: Option<String>,
}

/// The order, if its ticket is shown or none is demanded. A wrong ticket and an unknown order look alike.
async fn opened(app: &App, query: &PageQuery) -> Result<Order, Problem> {
    let number = query
        .order_id
        .as_deref()
        .ok_or_else(|| Problem::field("orderId", "orderId is missing"))?;
    let order = api::find(app, number).await?;
    let shown = query
        .t
        .as_deref()
        .is_some_and(|ticket| order.page_ticket.matches(ticket));
    if app.tickets_demanded && !shown {
        return Err(Problem::unknown_order());
    }
    Ok(order)
}

/// Somebody at a page of an order, with a right to see it; without, the answer is the fail page.
pub(crate) struct Visit {
    lang: Lang,
    order: Order,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Query(query) = Query::<PageQuery>::from_request_parts(parts, app)
            .await
            .map_err(IntoResponse::into_response)?;
        let lang = Lang::of(query.lang.as_deref(), &parts.headers);
        match opened(app, &query).await {
            Ok(order) => Ok(Self { lang, order }),
            Err(problem) => Err(failed(lang, parts.uri.path(), &problem, None)),
        }
    }
}

fn address(path: &str, order: &Order) -> String {
    format!(
        "{path}?orderId={}&t={}",
        order.key.out_trade_no,
        order.page_ticket.to_hex()
    )
}

/// `GET /`: the shop.
pub(crate) async fn shop(Query(query): Query<PageQuery>, headers: HeaderMap) -> Response {
    let lang = Lang::of(query.lang.as_deref(), &headers);
    page(
        lang,
        StatusCode::OK,
        pages::shop(lang, &random::hex::<16>()),
    )
}

/// A page, never cached, with its language remembered.
fn page(lang: Lang, status: StatusCode, markup: maud::Markup) -> Response {
    let mut response = (status, markup).into_response();
    let cookie = format!(
        "lang={}; Path=/; Max-Age=31536000; SameSite=Lax",
        lang.code()
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `GET /wxpay`: the QR page; an order that is settled has pages of its own.
pub(crate) async fn qr(State(app): State<App>, Visit { lang, order }: Visit) -> Response {
    let here = address("/wxpay", &order);
    match app.desk.prepare(&order.key).await {
        Ok(prepared) => {
            let order = &prepared.order;
            let key = ticket::routing_key(&order.page_ticket);
            let markup = pages::pay(
                lang,
                &Paying {
                    out_trade_no: order.key.out_trade_no.as_str(),
                    body: order.terms.body.as_str(),
                    total_fee: order.terms.total_fee,
                    code_url: &prepared.prepay.code_url,
                    here: &here,
                    state: &address("/wxpay/state", order),
                    success: &address("/wxpay/toPaySuccess", order),
                    fail: &address("/wxpay/toPayFail", order),
                    phone: phone(&app, order).as_deref(),
                },
                &Feed {
                    url: &app.feed.url,
                    login: &app.feed.login,
                    passcode: &app.feed.passcode,
                    destination: &broker::page_destination(&key),
                },
            );
            match markup {
                Ok(markup) => page(lang, StatusCode::OK, markup),
                Err(error) => {
                    let problem = Problem::new(
                        StatusCode::BAD_GATEWAY,
                        "gateway",
                        format!("the code cannot be drawn: {error}"),
                    );
                    failed(lang, &here, &problem, Some(&here))
                }
            }
        }
        Err(PrepareError::NotUnpaid(OrderState::Closed)) => {
            Redirect::to(&address("/wxpay/toPayFail", &order)).into_response()
        }
        Err(PrepareError::NotUnpaid(_)) => {
            Redirect::to(&address("/wxpay/toPaySuccess", &order)).into_response()
        }
        Err(error) => failed(lang, &here, &error.into(), Some(&here)),
    }
}

/// The phone's page with this order on it.
fn phone(app: &App, order: &Order) -> Option<String> {
    let mut url = app.phone.clone()?;
    url.query_pairs_mut()
        .append_pair("out_trade_no", order.key.out_trade_no.as_str());
    Some(url.into())
}

fn failed(lang: Lang, here: &str, problem: &Problem, again: Option<&str>) -> Response {
    let reason = match problem.status() {
        StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => {
            lang.pick("没有这个订单", "There is no such order")
        }
        StatusCode::BAD_GATEWAY => {
            lang.pick("微信支付暂时没有回应", "WeChat Pay did not answer in time")
        }
        _ => lang.pick("服务暂时不可用", "The service cannot do this right now"),
    };
    tracing::debug!(detail = problem.detail(), "no pay page");
    page(
        lang,
        problem.status(),
        pages::fail(lang, here, reason, again),
    )
}

/// `GET /wxpay/toPaySuccess`: only for an order that is paid; an unpaid one goes back to its code.
pub(crate) async fn success(Visit { lang, order }: Visit) -> Response {
    let Some(transaction_id) = order.transaction_id() else {
        return Redirect::to(&address("/wxpay", &order)).into_response();
    };
    let paid = Paid {
        out_trade_no: order.key.out_trade_no.as_str(),
        body: order.terms.body.as_str(),
        total_fee: order.terms.total_fee,
        transaction_id: transaction_id.as_str(),
        here: &address("/wxpay/toPaySuccess", &order),
    };
    page(lang, StatusCode::OK, pages::success(lang, &paid))
}

/// `GET /wxpay/toPayFail`: for an order that was closed; one that is paid after all has the better page.
pub(crate) async fn fail(Visit { lang, order }: Visit) -> Response {
    match order.state() {
        OrderState::Closed => {
            let reason = lang.pick(
                "订单已关闭，请重新下单",
                "The order is closed; please order again",
            );
            let here = address("/wxpay/toPayFail", &order);
            page(lang, StatusCode::OK, pages::fail(lang, &here, reason, None))
        }
        OrderState::Unpaid => Redirect::to(&address("/wxpay", &order)).into_response(),
        _ => Redirect::to(&address("/wxpay/toPaySuccess", &order)).into_response(),
    }
}

/// `GET /wxpay/state`: what pages poll.
pub(crate) async fn state(
    State(app): State<App>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let order = opened(&app, &query).await?;
    let body = Json(json!({
        "out_trade_no": order.key.out_trade_no,
        "state": order.state().as_str(),
    }));
    Ok(([(header::CACHE_CONTROL, "no-store")], body).into_response())
}

/// `GET /wxpay/nativePay`: the code as JSON. `money`, in fen, must be the stored order's; with the simulator an unknown
/// order is made.
pub(crate) async fn native_pay(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Value>, Problem> {
    let money: Fen = query
        .money
        .as_deref()
        .ok_or_else(|| Problem::field("money", "money is missing"))?
        .parse()
        .map_err(|error| Problem::field("money", format!("money: {error}")))?;
    let order = match opened(&app, &query).await {
        Err(problem) if problem.status() == StatusCode::NOT_FOUND && !app.tickets_demanded => {
            make(&app, &query, money, peer).await?
        }
        other => other?,
    };
    if order.terms.total_fee != money {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "amount_mismatch",
            "money is not the order's amount",
        ));
    }
    let prepared = app.desk.prepare(&order.key).await?;
    Ok(Json(json!({
        "flag": true,
        "code": 20000,
        "message": "成功",
        "data": {
            "out_trade_no": prepared.order.key.out_trade_no,
            "total_fee": money,
            "code_url": prepared.prepay.code_url,
            "prepay_id": prepared.prepay.prepay_id,
        },
    })))
}

/// The demo's shortcut: the number and the amount alone make an order.
async fn make(
    app: &App,
    query: &PageQuery,
    money: Fen,
    peer: SocketAddr,
) -> Result<Order, Problem> {
    if money.is_zero() {
        return Err(Problem::field("money", "money is above zero"));
    }
    let number = query.order_id.as_deref().unwrap_or_default();
    let new = NewOrder {
        total_fee: money,
        body: "订单支付".parse()?,
        out_trade_no: Some(OutTradeNo::for_order(number)?),
        attach: None,
        idempotency_key: None,
        ip: peer.ip(),
    };
    let executed = app.desk.create(new).await?;
    Ok(executed.order)
}
