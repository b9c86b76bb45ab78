//! What the simulator's own routes show, as JSON.

use serde_json::{Value, json};
use wxpay_core::Attach;

use crate::{
    clock::Clock,
    gateway::{Gateway, Moment, NotifyState, Order, OrderState, PayOutcome, Try},
};

pub(super) fn order(gateway: &Gateway, order: &Order, now: Moment) -> Value {
    let state = order.state(now);
    let paid = match state {
        OrderState::Success(paid) => Some(paid),
        _ => None,
    };
    json!({
        "out_trade_no": order.key.out_trade_no.as_str(),
        "mch_id": order.key.mch_id.as_str(),
        "appid": order.appid.as_str(),
        "sign_type": order.sign_type.as_str(),
        "trade_state": order.trade_state(now).as_str(),
        "total_fee": order.total_fee.get(),
        "body": order.body.as_str(),
        "attach": order.attach.as_ref().map(Attach::as_str),
        "notify_url": order.notify_url.as_str(),
        "prepay_id": order.prepay_id.as_str(),
        "code_url": order.code_url.as_str(),
        "code_expires_at": order.code_expires_at().rfc3339(),
        "created_at": order.created_at.rfc3339(),
        "pay_before": order.pay_before.map(Moment::rfc3339),
        "transaction_id": paid.map(|paid| paid.transaction_id.as_str()),
        "time_end": paid.map(|paid| paid.time_end.to_string()),
        "refunds": order.refunds.iter().map(|refund| json!({
            "out_refund_no": refund.out_refund_no.as_str(),
            "refund_id": refund.refund_id.as_str(),
            "refund_fee": refund.refund_fee.get(),
            "refund_status": refund.status(now).as_str(),
        })).collect::<Vec<_>>(),
        "notify": paid.and_then(|paid| paid.notify).and_then(|id| gateway.notify(id)).map(|notify| {
            let (state, next_at) = match notify.state() {
                NotifyState::Waiting(due) => ("waiting", Some(due.rfc3339())),
                NotifyState::Sending => ("sending", None),
                NotifyState::Answered => ("answered", None),
                NotifyState::GivenUp => ("given_up", None),
                NotifyState::Refused => ("refused", None),
            };
            json!({ "state": state, "tries": notify.tries(), "next_at": next_at })
        }),
    })
}

pub(super) fn one_try(each: &Try) -> Value {
    json!({
        "out_trade_no": each.order.out_trade_no.as_str(),
        "mch_id": each.order.mch_id.as_str(),
        "transaction_id": each.transaction_id.as_str(),
        "try": each.number,
        "url": &*each.url,
        "at": each.result.at.rfc3339(),
        "took_ms": u64::try_from(each.result.took.as_millis()).unwrap_or(u64::MAX),
        "status": each.result.status,
        "reply": each.result.reply,
        "verdict": each.result.verdict.as_str(),
    })
}

pub(super) fn outcome(outcome: &PayOutcome) -> Value {
    let paid = outcome.paid.as_ref();
    json!({
        "out_trade_no": outcome.key.out_trade_no.as_str(),
        "mch_id": outcome.key.mch_id.as_str(),
        "total_fee": outcome.total_fee.get(),
        "trade_state": if paid.is_some() { "SUCCESS" } else { "PAYERROR" },
        "transaction_id": paid.map(|(id, _)| id.as_str()),
        "time_end": paid.map(|(_, time_end)| time_end.to_string()),
        "notify": outcome.notify.is_some(),
    })
}

pub(super) fn clock(clock: &Clock) -> Value {
    let now = clock.now();
    json!({
        "now": now.rfc3339(),
        "now_unix_ms": now.unix_ms(),
        "ahead_s": clock.ahead().as_secs(),
    })
}
