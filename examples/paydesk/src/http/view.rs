//! Orders and their logs as the API shows them.

use order_store::{LogEntry, Order, Refund};
use serde_json::{Value, json};
use url::Url;

/// An order as `GET /api/orders/{out_trade_no}` shows it. `pay_page` is the page's address, ticket included.
pub(crate) fn order(order: &Order, pay_page: Option<&str>) -> Value {
    json!({
        "out_trade_no": order.key.out_trade_no,
        "state": order.state().as_str(),
        "total_fee": order.terms.total_fee,
        "fee_type": order.terms.fee_type,
        "body": order.terms.body,
        "attach": order.terms.attach,
        "transaction_id": order.transaction_id(),
        "code_url": order.attempts.last().and_then(|attempt| attempt.prepay.as_ref()).map(|prepay| prepay.code_url.as_str()),
        "created_at": order.created_at.to_string(),
        "expires_at": order.expires_at().to_string(),
        "paid_at": order.paid_at().map(|at| at.to_string()),
        // Whether the gateway's own answer stands behind the payment, or its notify alone; nothing is paid: null.
        "confirmed": order.first_payment().map(|_| !order.has_unconfirmed()),
        "refunded_fee": order.refunded_fee(),
        "refunds": order.refunds.iter().map(refund).collect::<Vec<_>>(),
        "attention": order.attention.iter().map(|attention| attention.as_str()).collect::<Vec<_>>(),
        "pay_page": pay_page,
    })
}

/// One refund of an order.
pub(crate) fn refund(refund: &Refund) -> Value {
    json!({
        "out_refund_no": refund.out_refund_no,
        "transaction_id": refund.transaction_id,
        "refund_fee": refund.refund_fee,
        "reason": refund.reason,
        "state": refund.state.as_str(),
        "refund_id": refund.refund_id,
        "begun_at": refund.begun_at.to_string(),
        "changed_at": refund.changed_at.to_string(),
    })
}

/// One row of an order's log.
pub(crate) fn log_entry(entry: &LogEntry) -> Value {
    json!({
        "at": entry.at.to_string(),
        "from": entry.from.map(order_store::OrderState::as_str),
        "to": entry.to.as_str(),
        "by": entry.by.as_str(),
        "what": entry.what.to_string(),
    })
}

/// The address of an order's pay page.
pub(crate) fn pay_page(base: &Url, order: &Order) -> String {
    let mut url = base.clone();
    url.set_path("/wxpay");
    url.query_pairs_mut()
        .clear()
        .append_pair("orderId", order.key.out_trade_no.as_str())
        .append_pair("t", &order.page_ticket.to_hex());
    url.into()
}
