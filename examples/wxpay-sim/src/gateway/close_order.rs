//! `/pay/closeorder`: an unpaid order can no longer be paid.

use wxpay_core::api::{CloseOrder, ErrorCode};

use super::{
    Gateway, Moment,
    envelope::{Fields, Refusal, Request},
    order::{CLOSE_AFTER, OrderKey, OrderState},
};

pub(super) fn answer(
    gateway: &mut Gateway,
    request: &Request<'_>,
    now: Moment,
) -> Result<Fields, Refusal> {
    let key = OrderKey {
        mch_id: request.account.mch_id.clone(),
        out_trade_no: CloseOrder::from_params(&request.params)?.out_trade_no,
    };
    let order = gateway
        .book
        .get(&key)
        .filter(|order| order.appid == request.account.appid)
        .ok_or_else(|| Refusal::business(ErrorCode::OrderNotExist, "订单不存在"))?;
    match order.state(now) {
        OrderState::Success(_) => {
            return Err(Refusal::business(
                ErrorCode::OrderPaid,
                "订单已支付，不能关单",
            ));
        }
        OrderState::Closed => return Err(Refusal::business(ErrorCode::OrderClosed, "订单已关闭")),
        OrderState::PayError => {
            return Err(Refusal::business(
                ErrorCode::TradeStateError,
                "订单状态错误",
            ));
        }
        OrderState::NotPay => {}
    }
    if now.since(order.created_at) < CLOSE_AFTER {
        return Err(Refusal::business(
            ErrorCode::InvalidRequest,
            "订单生成后5分钟内不能关单 (an order can be closed 5 minutes after its creation)",
        ));
    }
    gateway.book.finish(&key, OrderState::Closed);
    Ok(vec![("result_msg", "OK".to_owned())])
}
