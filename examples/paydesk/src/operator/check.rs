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

#[cfg(test)]
mod tests {
    use super::*;
    use order_store::{
        BeginAttempt, By, Confirmation, Create, MarkPaid, OrderStoreExt as _, SledOptions,
        SledStore, Timestamp,
    };
    use wxpay_core::{FeeType, Fen, SignType};

    /// A paid order and its log, from a ledger.
    async fn paid() -> (Order, Vec<LogEntry>) {
        let folder = tempfile::TempDir::new().unwrap();
        let store = SledStore::open(folder.path().join("ledger"), SledOptions::default()).unwrap();
        let (by, now) = (By::Shop, Timestamp::from_millis(1_700_000_000_000));
        let key = order_store::OrderKey {
            mch_id: "10000100".parse().unwrap(),
            out_trade_no: "CHECK-0001".parse().unwrap(),
        };
        let create = Create {
            key: key.clone(),
            appid: "wxd930ea5d5a258f4f".parse().unwrap(),
            sign_type: SignType::Md5,
            body: "tea".parse().unwrap(),
            total_fee: Fen::new(1).unwrap(),
            fee_type: FeeType::cny(),
            attach: None,
            product_id: "P1".parse().unwrap(),
            spbill_create_ip: "127.0.0.1".parse().unwrap(),
            notify_base: "http://127.0.0.1/wxpay/notify".parse().unwrap(),
            expires_after: None,
            by,
            now,
        };
        store.create(create).await.unwrap();
        let key = || key.clone();
        store
            .begin_attempt(BeginAttempt {
                key: key(),
                by,
                now,
            })
            .await
            .unwrap();
        let paid = MarkPaid {
            key: key(),
            attempt: key().out_trade_no,
            transaction_id: "4200000001".parse().unwrap(),
            total_fee: Fen::new(1).unwrap(),
            fee_type: FeeType::cny(),
            time_end: now.beijing(),
            confirmation: Confirmation::Confirmed,
            by,
            now,
        };
        let order = store.mark_paid(paid).await.unwrap().order;
        let log = store.log(&order.key).await.unwrap();
        (order, log)
    }

    #[tokio::test]
    async fn what_does_not_agree_is_found() {
        let (order, log) = paid().await;
        assert_eq!(faults_of(&order, &log), Vec::<String>::new());
        for gone in 0..log.len() {
            let mut log = log.clone();
            log.remove(gone);
            // The row of the attempt changes no state, so only the other two can be missed.
            assert_eq!(faults_of(&order, &log).is_empty(), gone == 1, "row {gone}");
        }
        let mut twice = order.clone();
        twice.payments.push(order.payments[0].clone());
        assert!(!faults_of(&twice, &log).is_empty());
        let mut unpaid = order;
        unpaid.payments.clear();
        assert!(!faults_of(&unpaid, &log).is_empty());
    }
}
