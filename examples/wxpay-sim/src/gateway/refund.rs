//! `/secapi/pay/refund`: money goes back, a little later.

use std::time::Duration;

use wxpay_core::{
    Account, Fen, NotifyUrl, OutRefundNo, Params,
    api::{self, ErrorCode, OrderRef, RefundId, RefundStatus},
    notify::encrypt_req_info,
    xml,
};

use super::{
    Gateway, Moment, Random,
    envelope::{Fields, Refusal, Request},
    order::{Order, OrderKey, OrderState, Paid},
};

/// How long a refund is `PROCESSING` before the payer has the money.
pub const REFUND_TAKES: Duration = Duration::from_secs(5);
/// The most refunds of one payment.
const REFUNDS_MAX: usize = 50;

/// One refund of an order.
#[derive(Clone, Debug)]
pub struct Refund {
    /// The merchant's number.
    pub out_refund_no: OutRefundNo,
    /// The gateway's number.
    pub refund_id: RefundId,
    /// How much goes back.
    pub refund_fee: Fen,
    /// When it was asked for.
    pub begun_at: Moment,
    /// Where its end is told.
    pub notify_url: Option<NotifyUrl>,
}

impl Refund {
    /// When the payer has the money.
    #[must_use]
    pub fn ends_at(&self) -> Moment {
        self.begun_at.plus(REFUND_TAKES)
    }

    /// How far it is at `now`.
    #[must_use]
    pub fn status(&self, now: Moment) -> RefundStatus {
        if now >= self.ends_at() {
            RefundStatus::Success
        } else {
            RefundStatus::Processing
        }
    }

    /// The end, as the gateway writes it here: `2019-03-20 14:36:46`.
    pub(super) fn success_time(&self) -> String {
        let text = self.ends_at().rfc3339();
        text[..19].replace('T', " ")
    }
}

pub(super) fn answer(
    gateway: &mut Gateway,
    request: &Request<'_>,
    now: Moment,
    random: &Random,
) -> Result<Fields, Refusal> {
    let asked = api::Refund::from_params(&request.params)?;
    let order = find(gateway, request, &asked.by)?;
    let OrderState::Success(paid) = order.state(now) else {
        return Err(Refusal::business(
            ErrorCode::TradeStateError,
            "订单状态错误",
        ));
    };
    let (order, paid) = (order.clone(), paid.clone());
    // The same number again is the same refund: it is repeated until its answer arrives.
    let known = gateway
        .book
        .by_refund(&order.key.mch_id, &asked.out_refund_no);
    if let Some((owner, refund)) = known {
        if owner.key != order.key || refund.refund_fee != asked.refund_fee {
            return Err(Refusal::business(
                ErrorCode::InvalidRequest,
                "退款单号已存在，且参数不一致",
            ));
        }
        return Ok(fields(&order, &paid, refund));
    }
    check(&order, &asked)?;
    let refund = Refund {
        refund_id: free_refund_id(gateway, now, random)?,
        out_refund_no: asked.out_refund_no,
        refund_fee: asked.refund_fee,
        begun_at: now,
        notify_url: asked.notify_url,
    };
    if let Some(url) = &refund.notify_url {
        let body = notify_body(request.account, &order, &paid, &refund, random)?;
        gateway.notifies.add(
            order.key.clone(),
            paid.transaction_id.clone(),
            url.as_str(),
            &body,
            refund.ends_at(),
        );
    }
    let answer = fields(&order, &paid, &refund);
    gateway.book.add_refund(&order.key, refund);
    Ok(answer)
}

/// The merchant's order that was paid under this number.
pub(super) fn find<'g>(
    gateway: &'g Gateway,
    request: &Request<'_>,
    by: &OrderRef,
) -> Result<&'g Order, Refusal> {
    let mch_id = &request.account.mch_id;
    let order = match by {
        OrderRef::TransactionId(id) => gateway.book.by_transaction(id),
        OrderRef::OutTradeNo(number) => gateway.book.get(&OrderKey {
            mch_id: mch_id.clone(),
            out_trade_no: number.clone(),
        }),
    };
    order
        .filter(|order| order.key.mch_id == *mch_id && order.appid == request.account.appid)
        .ok_or_else(|| Refusal::business(ErrorCode::OrderNotExist, "订单不存在"))
}

fn check(order: &Order, asked: &api::Refund) -> Result<(), Refusal> {
    let refuse = |description| Err(Refusal::business(ErrorCode::InvalidRequest, description));
    if asked.total_fee != order.total_fee {
        return refuse("订单金额或退款金额与之前请求不一致，请核实后再试");
    }
    let refunded: u64 = order.refunds.iter().map(|each| each.refund_fee.get()).sum();
    if asked.refund_fee.is_zero() || refunded + asked.refund_fee.get() > order.total_fee.get() {
        return refuse("申请退款金额大于订单可退金额");
    }
    if order.refunds.len() >= REFUNDS_MAX {
        return refuse("一笔订单最多退款50次");
    }
    Ok(())
}

fn free_refund_id(gateway: &Gateway, now: Moment, random: &Random) -> Result<RefundId, Refusal> {
    const RANGE: u64 = 10_000_000_000;
    let day = &now.beijing().to_string()[..8];
    let mut number = random.number() % RANGE;
    loop {
        let text = format!("5000000051{day}{number:010}");
        let id: RefundId = text
            .parse()
            .map_err(|_| Refusal::business(ErrorCode::SystemError, "系统超时"))?;
        if gateway.book.by_refund_id(&id).is_none() {
            return Ok(id);
        }
        // The book holds fewer refunds than there are numbers, so this ends.
        number = (number + 1) % RANGE;
    }
}

fn fields(order: &Order, paid: &Paid, refund: &Refund) -> Fields {
    vec![
        ("transaction_id", paid.transaction_id.to_string()),
        ("out_trade_no", order.key.out_trade_no.to_string()),
        ("out_refund_no", refund.out_refund_no.to_string()),
        ("refund_id", refund.refund_id.to_string()),
        ("refund_fee", refund.refund_fee.to_string()),
        ("total_fee", order.total_fee.to_string()),
        ("fee_type", "CNY".to_owned()),
        ("cash_fee", order.total_fee.to_string()),
        ("cash_refund_fee", refund.refund_fee.to_string()),
        ("coupon_refund_count", "0".to_owned()),
    ]
}

/// The refund notify: no sign, and all that it tells is encrypted with the API key.
fn notify_body(
    account: &Account,
    order: &Order,
    paid: &Paid,
    refund: &Refund,
    random: &Random,
) -> Result<String, Refusal> {
    let told = message(vec![
        ("out_refund_no", refund.out_refund_no.to_string()),
        ("out_trade_no", order.key.out_trade_no.to_string()),
        ("refund_account", "REFUND_SOURCE_RECHARGE_FUNDS".to_owned()),
        ("refund_fee", refund.refund_fee.to_string()),
        ("refund_id", refund.refund_id.to_string()),
        ("refund_recv_accout", "支付用户零钱".to_owned()),
        ("refund_request_source", "API".to_owned()),
        ("refund_status", RefundStatus::Success.as_str().to_owned()),
        ("settlement_refund_fee", refund.refund_fee.to_string()),
        ("settlement_total_fee", order.total_fee.to_string()),
        ("success_time", refund.success_time()),
        ("total_fee", order.total_fee.to_string()),
        ("transaction_id", paid.transaction_id.to_string()),
    ])?;
    let inner = told.trim_start_matches("<xml>").trim_end_matches("</xml>");
    let req_info = encrypt_req_info(&format!("<root>{inner}</root>"), account.key());
    message(vec![
        ("return_code", "SUCCESS".to_owned()),
        ("appid", account.appid.to_string()),
        ("mch_id", account.mch_id.to_string()),
        ("nonce_str", random.nonce()),
        ("req_info", req_info),
    ])
}

fn message(fields: Fields) -> Result<String, Refusal> {
    let mut params = Params::new();
    for (name, value) in fields {
        params
            .insert(name, value)
            .map_err(|_| Refusal::business(ErrorCode::SystemError, "系统超时"))?;
    }
    Ok(xml::write(&params))
}
