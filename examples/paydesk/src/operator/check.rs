//! Whether the ledger agrees with itself.

use order_store::{LogEntry, Order, OrderQuery, OrderState, OrderStore};
use serde_json::{Value, json};

/// Orders read at once.
const PAGE: usize = 200;

/// Reads every order and its log; gives the counts and what is wrong.
pub(super) async fn check(store: &dyn OrderStore) -> Result<Value, String> {
    let (mut orders, mut rows, mut faults) = (0_u64, 0_u64, Vec::new());
    let mut cursor = None;
    loop {
        let page = store
            .list(OrderQuery {
                state: None,
                since: None,
                cursor,
                limit: PAGE,
            })
            .await
            .map_err(|error| error.to_string())?;
        for order in &page.orders {
            let log = store
                .log(&order.key)
                .await
                .map_err(|error| error.to_string())?;
            orders += 1;
            rows += log.len() as u64;
            for fault in faults_of(order, &log) {
                faults.push(json!({"out_trade_no": order.key.out_trade_no, "fault": fault}));
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(json!({"orders": orders, "log_rows": rows, "faults": faults}))
}

/// What an order and its log must have in common. Pure.
fn faults_of(order: &Order, log: &[LogEntry]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut state: Option<OrderState> = None;
    for entry in log {
        if entry.from != state {
            faults.push(format!(
                "a row of the log begins at {:?}, not where the one before ended",
                entry.from
            ));
        }
        state = Some(entry.to);
    }
    if state != Some(order.state()) {
        faults.push("the log does not end in the order's state".to_owned());
    }
    let paid = log
        .iter()
        .filter(|entry| {
            entry.to == OrderState::Paid
                && matches!(entry.from, Some(OrderState::Unpaid | OrderState::Closed))
        })
        .count();
    if paid != usize::from(!order.payments.is_empty()) {
        faults.push(format!("the log was paid {paid} times"));
    }
    for (at, payment) in order.payments.iter().enumerate() {
        if order.payments[..at].iter().any(|other| {
            other.attempt == payment.attempt || other.transaction_id == payment.transaction_id
        }) {
            faults.push(format!("payment {} is kept twice", payment.transaction_id));
        }
        if !order
            .attempts
            .iter()
            .any(|attempt| attempt.number == payment.attempt)
            && payment.attempt != order.key.out_trade_no
        {
            faults.push(format!(
                "payment {} is of no attempt",
                payment.transaction_id
            ));
        }
    }
    faults
}
