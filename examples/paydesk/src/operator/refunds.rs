//! Refunds, as a list.

use order_store::{Order, OrderQuery, OrderState, PAGE_MAX, Refund, RefundState};
use serde_json::{Value, json};

use crate::{desk::Desk, http::refund_view};

/// The refunds of one order, or of all, those of the newest orders first.
///
/// The ledger keeps refunds with their orders, so this reads orders until it has as many as it was asked for.
pub(super) async fn list(
    desk: &Desk,
    out_trade_no: Option<&str>,
    state: Option<&str>,
    limit: usize,
) -> Result<Value, String> {
    let state = state.map(named).transpose()?;
    let wanted = |refund: &&Refund| state.is_none_or(|state| refund.state == state);
    let rows = |order: &Order| -> Vec<Value> {
        let refunds = order.refunds.iter().rev().filter(wanted);
        refunds
            .map(|refund| {
                let mut row = refund_view(refund);
                row["out_trade_no"] = json!(order.key.out_trade_no);
                row
            })
            .collect()
    };
    if let Some(number) = out_trade_no {
        let number = number
            .parse()
            .map_err(|_| format!("'{number}' is no order's number"))?;
        let order = desk.store.get(&desk.key(number)).await;
        return match order.map_err(|error| error.to_string())? {
            Some(order) => Ok(rows(&order).into_iter().take(limit).collect()),
            None => Err("there is no such order".to_owned()),
        };
    }
    let mut found = Vec::new();
    let mut cursor = None;
    while found.len() < limit {
        let query = OrderQuery {
            // A refund that is under way makes its order `refunding`.
            state: state
                .filter(|state| state.is_live())
                .map(|_| OrderState::Refunding),
            since: None,
            cursor,
            limit: PAGE_MAX,
        };
        let page = desk.store.list(query).await;
        let page = page.map_err(|error| error.to_string())?;
        found.extend(page.orders.iter().flat_map(rows));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    found.truncate(limit);
    Ok(found.into())
}

fn named(text: &str) -> Result<RefundState, String> {
    [
        RefundState::Processing,
        RefundState::Success,
        RefundState::Closed,
        RefundState::Change,
    ]
    .into_iter()
    .find(|state| state.as_str() == text)
    .ok_or_else(|| "--state: it is processing, success, closed or change".to_owned())
}
