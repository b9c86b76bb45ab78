//! Records of the largest size, and of the usual one.

use std::{sync::Arc, time::Duration};

use super::super::{
    keys::Kind,
    record::{Hold, StoredLog, StoredRow, VALUE_MAX_BYTES, encode},
    settle::rows_of,
};
use super::{create, key, mark_paid, open};
use crate::{
    By, LogEntry, OrderKey, OrderState, OrderStore as _, OrderStoreExt as _, OutboxFacts, OutboxId,
    OutboxKind, OutboxRow, PageTicket, REASON_MAX_BYTES, Refusal, RelayId, Timestamp, What,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_value_is_larger_than_the_limit_and_drained_values_go() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()).unwrap());
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..300 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let number = format!("order-{n}");
            store.create(create(&number)).await.unwrap();
            store.mark_paid(mark_paid(&number)).await.unwrap();
        });
    }
    callers.join_all().await;
    let claims = store
        .claim(RelayId::new("r"), Duration::from_mins(1), 500)
        .await
        .unwrap();
    for claim in claims {
        let reason = "\u{1}\"\\".repeat(REASON_MAX_BYTES);
        store.park(claim.token, reason).await.unwrap();
    }
    let rest = store
        .claim(RelayId::new("r"), Duration::from_mins(1), 500)
        .await
        .unwrap();
    let mut acks = tokio::task::JoinSet::new();
    for claim in rest {
        let store = Arc::clone(&store);
        acks.spawn(async move { store.ack(claim.token).await.unwrap() });
    }
    acks.join_all().await;

    store
        .shared
        .read(|live| {
            for kind in [Kind::Orders, Kind::Log, Kind::Outbox, Kind::Attempts] {
                for item in live.trees.tree(kind) {
                    assert!(item.unwrap().1.len() <= VALUE_MAX_BYTES);
                }
            }
            let mut rows = 0;
            for item in live.trees.tree(Kind::Outbox) {
                let left = rows_of(&item.unwrap().1).unwrap();
                assert!(!left.is_empty(), "a drained value is removed");
                rows += left.len();
            }
            let status = store.shared.relay().status(Timestamp::from_millis(0));
            assert_eq!(rows, status.waiting + status.leased + status.parked);
            assert_eq!(status.parked, 500);
            Ok(())
        })
        .unwrap();
}

/// The largest row that the limits of its fields allow: JSON writes `"` and `\` twice as long.
#[test]
fn the_largest_rows_fit_a_value() {
    let wide = |bytes: usize| "\"".repeat(bytes);
    let number = "9".repeat(32);
    let key = OrderKey {
        mch_id: wide(32).parse().unwrap(),
        out_trade_no: number.parse().unwrap(),
    };
    let at = Timestamp::from_millis(i64::MAX);
    let row = StoredRow {
        slot: u16::MAX,
        row: OutboxRow {
            id: OutboxId::paid(&key, OutboxKind::PayNotify),
            key: key.clone(),
            kind: OutboxKind::PayNotify,
            facts: OutboxFacts {
                transaction_id: number.parse().unwrap(),
                page_ticket: PageTicket::from_bytes([255; 16]),
            },
            created_at: at,
            attempts: u32::MAX,
            last_error: Some("e".repeat(REASON_MAX_BYTES)),
        },
        hold: Hold::Until(at),
    };
    assert!(encode(&row).len() < VALUE_MAX_BYTES / 4);

    let log = |what| StoredLog {
        key: Some(key.clone()),
        order: None,
        prev: Some(u128::MAX.into()),
        entry: LogEntry {
            at,
            from: Some(OrderState::Refunding),
            to: OrderState::Refunding,
            by: By::Operator,
            what,
        },
    };
    let contradicted = What::Contradicted {
        attempt: number.parse().unwrap(),
        transaction_id: number.parse().unwrap(),
        // A control character is written six times as long.
        reason: "\u{1}".repeat(200),
    };
    let refused = What::Refused {
        command: "confirm_payment".to_owned(),
        attempt: number.parse().unwrap(),
        transaction_id: number.parse().unwrap(),
        refusal: Refusal::TransactionOfOtherOrder { owner: key.clone() },
    };
    let refund_refused = What::RefundRefused {
        command: "refund_result".to_owned(),
        out_refund_no: "9".repeat(64).parse().unwrap(),
        transaction_id: Some(number.parse().unwrap()),
        refusal: Refusal::NoSuchRefund {
            number: "9".repeat(64).parse().unwrap(),
        },
    };
    let cleared = What::AttentionCleared {
        attention: crate::Attention::TransactionMismatch,
        note: "\u{1}".repeat(200),
    };
    for what in [contradicted, refused, refund_refused, cleared] {
        assert!(encode(&log(what)).len() < VALUE_MAX_BYTES / 2);
    }
}

#[tokio::test]
async fn an_order_larger_than_a_value_is_written_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.create(create("order-1")).await.unwrap();
    let mut now = Timestamp::from_millis(0);
    for _ in 0..crate::ATTEMPTS_MAX {
        let begun = store
            .begin_attempt(crate::BeginAttempt {
                key: key("order-1"),
                by: By::Shop,
                now,
            })
            .await
            .unwrap();
        store
            .attach_prepay(crate::AttachPrepay {
                key: key("order-1"),
                attempt: begun.order.current_attempt().unwrap().number.clone(),
                prepay_id: "p".repeat(64).parse().unwrap(),
                code_url: "u".repeat(256).parse().unwrap(),
                by: By::Shop,
                now,
            })
            .await
            .unwrap();
        now = now + crate::CODE_URL_LIFE;
    }
    let order = store.get(&key("order-1")).await.unwrap().unwrap();
    assert!(encode(&order).len() > VALUE_MAX_BYTES);
    store.close().await.unwrap();
    let store = open(folder.path()).unwrap();
    assert_eq!(store.get(&key("order-1")).await.unwrap(), Some(order));
    assert_eq!(store.log(&key("order-1")).await.unwrap().len(), 41);
}

#[test]
fn a_record_takes_three_quarters_of_its_json_at_most() {
    let random = crate::Random {
        page_ticket: crate::PageTicket::from_bytes([0xa5; 16]),
        notify_secret: crate::NotifySecret::from_bytes([0x5a; 16]),
    };
    let facts = crate::Facts::default();
    let made = crate::decide(
        None,
        &facts,
        &crate::Command::Create(create("order-1")),
        &random,
    );
    let order = made.change.unwrap().order;
    let paid = crate::decide(
        Some(&order),
        &facts,
        &crate::Command::MarkPaid(mark_paid("order-1")),
        &random,
    );
    let crate::Change { order, outbox, .. } = paid.change.unwrap();
    let order = (encode(&order).len(), serde_json::to_vec(&order).unwrap());
    let row = (encode(&outbox).len(), serde_json::to_vec(&outbox).unwrap());
    for (bytes, json) in [order, row] {
        println!("{bytes} bytes, {} in JSON", json.len());
        assert!(bytes * 4 <= json.len() * 3);
    }
}
