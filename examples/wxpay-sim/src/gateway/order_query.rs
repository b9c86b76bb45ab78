//! `/pay/orderquery`: the state of an order, and its payment when there is one.

use wxpay_core::api::{ErrorCode, OrderQuery, OrderRef};

use super::{
    Gateway, Moment,
    envelope::{Fields, Refusal, Request},
    order::{Order, OrderKey, OrderState, Paid},
};

pub(super) fn answer(
    gateway: &Gateway,
    request: &Request<'_>,
    now: Moment,
) -> Result<Fields, Refusal> {
    let mch_id = &request.account.mch_id;
    let order = match OrderQuery::from_params(&request.params)?.by {
        OrderRef::TransactionId(id) => gateway
            .book
            .by_transaction(&id)
            .filter(|order| order.key.mch_id == *mch_id),
        OrderRef::OutTradeNo(out_trade_no) => gateway.book.get(&OrderKey {
            mch_id: mch_id.clone(),
            out_trade_no,
        }),
    };
    let order = order
        .filter(|order| order.appid == request.account.appid)
        .ok_or_else(|| Refusal::business(ErrorCode::OrderNotExist, "订单不存在"))?;
    let state = order.state(now);
    let mut fields = vec![
        ("trade_state", order.trade_state(now).as_str().to_owned()),
        (
            "trade_state_desc",
            if order.refunds.is_empty() {
                state.description().to_owned()
            } else {
                "订单发生过退款".to_owned()
            },
        ),
    ];
    if let OrderState::Success(paid) = state {
        fields.extend(payment(order, paid));
        fields.push(("cash_fee_type", "CNY".to_owned()));
    } else {
        fields.push(("out_trade_no", order.key.out_trade_no.to_string()));
        fields.extend(
            order
                .attach
                .as_ref()
                .map(|text| ("attach", text.to_string())),
        );
    }
    Ok(fields)
}

/// What a query and a notify both say about a payment.
pub(super) fn payment(order: &Order, paid: &Paid) -> Fields {
    let mut fields = vec![
        ("bank_type", paid.bank_type.to_string()),
        ("cash_fee", order.total_fee.to_string()),
        ("fee_type", "CNY".to_owned()),
        ("is_subscribe", "N".to_owned()),
        ("openid", paid.openid.to_string()),
        ("out_trade_no", order.key.out_trade_no.to_string()),
        ("time_end", paid.time_end.to_string()),
        ("total_fee", order.total_fee.to_string()),
        ("trade_type", "NATIVE".to_owned()),
        ("transaction_id", paid.transaction_id.to_string()),
    ];
    fields.extend(
        order
            .attach
            .as_ref()
            .map(|text| ("attach", text.to_string())),
    );
    fields.extend(order.device_info.clone().map(|text| ("device_info", text)));
    fields
}
