//! `/pay/refundquery`: how far refunds are, by their own number or by their order's.

use wxpay_core::api::{ErrorCode, OrderRef, RefundQuery, RefundRef};

use super::{
    Gateway, Moment,
    envelope::{Fields, Refusal, Request},
    order::{Order, OrderState},
    refund::{self, Refund},
};

/// Refunds of one answer.
const PAGE: usize = 10;

/// The fields of the nth refund.
struct Names {
    out_refund_no: &'static str,
    refund_id: &'static str,
    refund_status: &'static str,
    refund_fee: &'static str,
    refund_channel: &'static str,
    refund_account: &'static str,
    refund_recv_accout: &'static str,
    refund_success_time: &'static str,
}

macro_rules! names {
    ($($n:literal)*) => {
        [$(Names {
            out_refund_no: concat!("out_refund_no_", $n),
            refund_id: concat!("refund_id_", $n),
            refund_status: concat!("refund_status_", $n),
            refund_fee: concat!("refund_fee_", $n),
            refund_channel: concat!("refund_channel_", $n),
            refund_account: concat!("refund_account_", $n),
            refund_recv_accout: concat!("refund_recv_accout_", $n),
            refund_success_time: concat!("refund_success_time_", $n),
        }),*]
    };
}

const NAMES: [Names; PAGE] = names!(0 1 2 3 4 5 6 7 8 9);

pub(super) fn answer(
    gateway: &Gateway,
    request: &Request<'_>,
    now: Moment,
) -> Result<Fields, Refusal> {
    let query = RefundQuery::from_params(&request.params)?;
    let unknown = || Refusal::business(ErrorCode::RefundNotExist, "退款不存在");
    let skipped = usize::try_from(query.offset.unwrap_or(0)).unwrap_or(usize::MAX);
    let one = |found: Option<(&'_ Order, &'_ Refund)>| {
        found
            .filter(|(order, _)| {
                order.key.mch_id == request.account.mch_id && order.appid == request.account.appid
            })
            .map(|(order, refund)| fields(order, &[refund], 1, now))
            .ok_or_else(unknown)
    };
    let of_order = |by: &OrderRef| {
        let order = refund::find(gateway, request, by)?;
        let page: Vec<_> = order.refunds.iter().skip(skipped).take(PAGE).collect();
        if page.is_empty() {
            return Err(unknown());
        }
        Ok(fields(order, &page, order.refunds.len(), now))
    };
    match query.by {
        RefundRef::RefundId(id) => one(gateway.book.by_refund_id(&id)),
        RefundRef::OutRefundNo(number) => {
            one(gateway.book.by_refund(&request.account.mch_id, &number))
        }
        RefundRef::TransactionId(id) => of_order(&OrderRef::TransactionId(id)),
        RefundRef::OutTradeNo(number) => of_order(&OrderRef::OutTradeNo(number)),
    }
}

fn fields(order: &Order, refunds: &[&Refund], total: usize, now: Moment) -> Fields {
    let mut fields = vec![
        ("out_trade_no", order.key.out_trade_no.to_string()),
        ("total_fee", order.total_fee.to_string()),
        ("cash_fee", order.total_fee.to_string()),
        ("fee_type", "CNY".to_owned()),
        ("refund_count", refunds.len().to_string()),
        ("total_refund_count", total.to_string()),
    ];
    if let OrderState::Success(paid) = order.state(now) {
        fields.push(("transaction_id", paid.transaction_id.to_string()));
    }
    for (refund, names) in refunds.iter().zip(&NAMES) {
        let status = refund.status(now);
        fields.extend([
            (names.out_refund_no, refund.out_refund_no.to_string()),
            (names.refund_id, refund.refund_id.to_string()),
            (names.refund_fee, refund.refund_fee.to_string()),
            (names.refund_channel, "ORIGINAL".to_owned()),
            (
                names.refund_account,
                "REFUND_SOURCE_RECHARGE_FUNDS".to_owned(),
            ),
            (names.refund_recv_accout, "支付用户零钱".to_owned()),
            (names.refund_status, status.as_str().to_owned()),
        ]);
        if now >= refund.ends_at() {
            fields.push((names.refund_success_time, refund.success_time()));
        }
    }
    fields
}
