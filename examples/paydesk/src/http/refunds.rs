//! `/api/orders/{out_trade_no}/refunds`.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
};
use order_store::Outcome;
use serde::Deserialize;
use serde_json::Value;
use wxpay_core::Fen;

use super::{App, Problem, api::find, view};
use crate::desk::NewRefund;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    out_refund_no: String,
    refund_fee: Value,
    reason: Option<String>,
    transaction_id: Option<String>,
}

/// `POST`: 202 for a new refund, 200 for the same again, 409 for another under the same number.
pub(crate) async fn refund(
    State(app): State<App>,
    Path(number): Path<String>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let body: RefundBody = serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid_json", error.to_string())
    })?;
    let refund_fee = body
        .refund_fee
        .as_u64()
        .and_then(|fen| Fen::new(fen).ok())
        .filter(|fee| !fee.is_zero())
        .ok_or_else(|| {
            Problem::field(
                "refund_fee",
                "refund_fee is a whole number of fen above zero",
            )
        })?;
    let order = find(&app, &number).await?;
    let new = NewRefund {
        key: order.key,
        out_refund_no: body.out_refund_no.parse()?,
        refund_fee,
        reason: body.reason.as_deref().map(str::parse).transpose()?,
        transaction_id: body.transaction_id.as_deref().map(str::parse).transpose()?,
    };
    let executed = app.desk.refund(new).await?;
    let status = match executed.outcome {
        Outcome::AlreadyApplied => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    };
    Ok((status, Json(view::order(&executed.order, None))))
}

/// `GET`: an order's refunds, oldest first.
pub(crate) async fn refunds(
    State(app): State<App>,
    Path(number): Path<String>,
) -> Result<Json<Value>, Problem> {
    let order = find(&app, &number).await?;
    Ok(Json(order.refunds.iter().map(view::refund).collect()))
}
