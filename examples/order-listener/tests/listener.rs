//! The listener against the embedded broker: once in effect, whatever repeats or dies.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::process::Command;

use serde_json::json;
use support::{
    Listener, PASSCODE, binary,
    broker::{Embedded, Payer},
    desk::{Desk, TOKEN},
    import, lines_of, log, paid_rows, parked_codes, run,
};
use tempfile::TempDir;

const ORDERS: &str = r#"
    {"orders": [{"out_trade_no": "ORDER-1", "total_fee": 101, "body": "tea", "state": "unpaid"}], "next": null}
    {"out_trade_no": "ORDER-2", "total_fee": 202}
"#;

fn folder() -> TempDir {
    TempDir::new().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_twice_changes_nothing() {
    let (keep, server) = (folder(), Embedded::start().await);
    let data = keep.path();
    assert_eq!(import(data, ORDERS), "2 orders read, 2 new, 0 refused\n");
    assert_eq!(import(data, ORDERS), "2 orders read, 0 new, 0 refused\n");
    let listener = Listener::start(data, &server.url("listener"), |_| {});
    let payer = Payer::new(&server.url("payer"));
    payer.tell("ORDER-1", "4200000001").await;
    payer.tell("ORDER-1", "4200000001").await;
    payer.tell("ORDER-2", "4200000002").await;
    let paid = listener.next_paid();
    assert_eq!(paid["paid"], "ORDER-1");
    assert_eq!(paid["transactionId"], "4200000001");
    // The repeat was dealt with before this one.
    assert_eq!(listener.next_paid()["paid"], "ORDER-2");
    assert_eq!(listener.interrupt(), (Some(0), vec![]));

    let entries = log(data, "ORDER-1").await;
    assert_eq!((entries.len(), paid_rows(&entries)), (2, 1), "{entries:?}");
    let orders = lines_of(data, &["orders"]);
    let states: Vec<_> = orders
        .iter()
        .map(|o| (&o["state"], &o["confirmed"]))
        .collect();
    assert_eq!(states, [(&json!("paid"), &json!(false)); 2]);
    assert!(parked_codes(data).is_empty());
    // Nothing is left on the broker for the next one.
    let next = Listener::start(data, &server.url("listener"), |_| {});
    payer.tell("ORDER-2", "4200000002").await;
    next.wait_for_log("a repeat");
    assert_eq!(next.interrupt(), (Some(0), vec![]));
    assert_eq!(server.broker.stats().delivered, 4);
}

/// Fault points are compiled into debug builds only.
#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread")]
async fn killed_between_commit_and_acknowledgement_it_is_told_again_and_nothing_changes() {
    let (keep, server) = (folder(), Embedded::start().await);
    let data = keep.path();
    import(data, ORDERS);
    let listener = Listener::start(data, &server.url("listener"), |command| {
        command.env("ORDER_LISTENER_FAULT_POINT", "before_ack");
    });
    let payer = Payer::new(&server.url("payer"));
    payer.tell("ORDER-1", "4200000001").await;
    listener.wait_for_log("fault point reached: before_ack");
    listener.kill();
    let before = log(data, "ORDER-1").await;
    assert_eq!(paid_rows(&before), 1, "the commit came first");

    let listener = Listener::start(data, &server.url("listener"), |_| {});
    listener.wait_for_log("a repeat");
    payer.tell("ORDER-2", "4200000002").await;
    let handed_on = loop {
        let paid = listener.next_paid();
        if paid["paid"] == "ORDER-2" {
            break paid;
        }
        assert_eq!(paid["paid"], "ORDER-1");
    };
    assert_eq!(handed_on["transactionId"], "4200000002");
    assert_eq!(listener.interrupt(), (Some(0), vec![]));
    assert_eq!(log(data, "ORDER-1").await, before);
    // Twice the first, once the second: all are acknowledged.
    assert_eq!(server.broker.stats().delivered, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_message_is_set_aside_once_and_can_be_tried_again() {
    let (keep, server) = (folder(), Embedded::start().await);
    let data = keep.path();
    import(data, ORDERS);
    let listener = Listener::start(data, &server.url("listener"), |_| {});
    let payer = Payer::new(&server.url("payer"));
    payer.send("{", "garbage").await;
    payer.tell("ORDER-LATE", "4200000003").await;
    payer.tell("ORDER-1", "4200000001").await;
    payer.tell("ORDER-1", "another-one").await;
    payer.tell("ORDER-2", "4200000001").await;
    payer.tell("ORDER-2", "4200000002").await;
    assert_eq!(listener.next_paid()["paid"], "ORDER-1");
    assert_eq!(listener.next_paid()["paid"], "ORDER-2");
    assert_eq!(listener.interrupt(), (Some(0), vec![]));
    assert_eq!(
        parked_codes(data),
        [
            "unreadable",
            "unknown_order",
            "other_transaction",
            "transaction_of_other_order"
        ]
    );
    assert_eq!(server.broker.stats().delivered, 6, "none came twice");
    let parked = lines_of(data, &["parked", "list"]);
    assert_eq!(
        (&parked[0]["id"], &parked[0]["body"]),
        (&json!("garbage"), &json!("{"))
    );

    import(data, r#"{"out_trade_no": "ORDER-LATE", "total_fee": 303}"#);
    let retried = run(binary(data).args(["parked", "retry"]), "");
    assert_eq!(retried.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(retried.stdout).unwrap(),
        "4 messages tried, 1 taken, 3 left\n"
    );
    assert_eq!(parked_codes(data).len(), 3);
    assert_eq!(paid_rows(&log(data, "ORDER-LATE").await), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_message_can_go_to_the_dead_letters() {
    let (keep, server) = (folder(), Embedded::start().await);
    let data = keep.path();
    import(data, ORDERS);
    let listener = Listener::start(data, &server.url("listener"), |command: &mut Command| {
        command.env("ORDER_LISTENER_BAD_MESSAGES", "dead-letter");
    });
    let payer = Payer::new(&server.url("payer"));
    payer.send("{", "garbage").await;
    payer.tell("ORDER-1", "4200000001").await;
    assert_eq!(listener.next_paid()["paid"], "ORDER-1");
    assert_eq!(listener.interrupt(), (Some(0), vec![]));
    assert!(parked_codes(data).is_empty());
    // This broker has no dead-letter exchange for the queue, and counts what it drops.
    assert_eq!(server.broker.stats().dropped, 1);
    assert_eq!(server.broker.stats().delivered, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_is_asked_and_orders_are_learned_there() {
    let (keep, server, desk) = (folder(), Embedded::start().await, Desk::start().await);
    let data = keep.path();
    desk.order("LEARNED-1", "paid", Some("4200000001"));
    desk.order("UNPAID-1", "unpaid", None);
    desk.order("FORGED-1", "paid", Some("4200000002"));
    // Away at first: the message waits, and nothing is set aside.
    desk.answer("LATER-1", 503, json!({}));
    desk.answer("LATER-1", 200, json!("nonsense"));
    desk.order("LATER-1", "refunding", Some("4200000004"));
    let listener = Listener::start(data, &server.url("listener"), |command| {
        command
            .env("ORDER_LISTENER_DESK", desk.url())
            .env("PAYDESK_API_TOKEN", TOKEN);
    });
    let payer = Payer::new(&server.url("payer"));
    payer.tell("LEARNED-1", "4200000001").await;
    payer.tell("NOWHERE-1", "4200000001").await;
    payer.tell("UNPAID-1", "4200000009").await;
    payer.tell("FORGED-1", "4200000009").await;
    payer.tell("LATER-1", "4200000004").await;
    assert_eq!(listener.next_paid()["paid"], "LEARNED-1");
    assert_eq!(listener.next_paid()["paid"], "LATER-1");
    assert_eq!(listener.interrupt(), (Some(0), vec![]));
    assert_eq!(
        parked_codes(data),
        ["unknown_at_desk", "not_paid", "other_transaction"]
    );
    let orders = lines_of(data, &["orders"]);
    let learned = orders
        .iter()
        .find(|o| o["out_trade_no"] == "LEARNED-1")
        .unwrap();
    assert_eq!(
        (&learned["total_fee"], &learned["confirmed"]),
        (&json!(1990), &json!(true))
    );
    assert_eq!(paid_rows(&log(data, "LATER-1").await), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_has_to_wait_is_the_brokers_again_after_a_stop() {
    let (keep, server, desk) = (folder(), Embedded::start().await, Desk::start().await);
    let data = keep.path();
    desk.answer("ORDER-1", 503, json!({}));
    let listener = Listener::start(data, &server.url("listener"), |command| {
        command
            .env("ORDER_LISTENER_DESK", desk.url())
            .env("PAYDESK_API_TOKEN", TOKEN);
    });
    let payer = Payer::new(&server.url("payer"));
    payer.tell("ORDER-1", "4200000001").await;
    listener.wait_for_log("has to wait");
    assert_eq!(listener.interrupt(), (Some(0), vec![]));
    assert!(parked_codes(data).is_empty());

    import(data, ORDERS);
    let listener = Listener::start(data, &server.url("listener"), |_| {});
    assert_eq!(listener.next_paid()["paid"], "ORDER-1");
    assert_eq!(listener.interrupt(), (Some(0), vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_that_the_desk_sees_otherwise_is_set_aside() {
    let (keep, server, desk) = (folder(), Embedded::start().await, Desk::start().await);
    let data = keep.path();
    import(data, ORDERS);
    desk.order("ORDER-1", "paid", Some("4200000001"));
    desk.order("LEARNED-1", "paid", Some("4200000002"));
    let listener = Listener::start(data, &server.url("listener"), |command| {
        command
            .env("ORDER_LISTENER_DESK", desk.url())
            .env("PAYDESK_API_TOKEN", TOKEN);
    });
    let payer = Payer::new(&server.url("payer"));
    payer.tell("ORDER-1", "4200000001").await;
    payer.tell("LEARNED-1", "4200000002").await;
    assert_eq!(listener.next_paid()["paid"], "LEARNED-1");
    assert_eq!(listener.interrupt(), (Some(0), vec![]));
    assert_eq!(parked_codes(data), ["amount_mismatch"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_back_when_the_broker_does() {
    let (keep, server) = (folder(), Embedded::start().await);
    let data = keep.path();
    import(data, ORDERS);
    let listener = Listener::start(data, &server.url("listener"), |_| {});
    let payer = Payer::new(&server.url("payer"));
    payer.tell("ORDER-1", "4200000001").await;
    assert_eq!(listener.next_paid()["paid"], "ORDER-1");
    let server = Embedded::at(server.stop().await).await;
    let payer = Payer::new(&server.url("payer"));
    payer.tell("ORDER-2", "4200000002").await;
    assert_eq!(listener.next_paid()["paid"], "ORDER-2");
    assert_eq!(listener.interrupt(), (Some(0), vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_cannot_succeed_is_one_clear_line() {
    let (keep, server) = (folder(), Embedded::start().await);
    let data = keep.path();
    let wrong = server.url("listener").replace(PASSCODE, "wrong");
    let reason = |change: &dyn Fn(&mut Command), code: i32| {
        let mut command = binary(data);
        command.env("RUST_LOG", "off");
        change(&mut command);
        let output = run(&mut command, "");
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        text
    };
    let text = reason(
        &|c| {
            c.env("ORDER_LISTENER_BROKER", &wrong);
        },
        1,
    );
    assert!(
        text.contains("--broker") && text.contains("Access refused"),
        "{text}"
    );
    assert!(!text.contains("wrong"), "{text}");
    assert!(reason(&|_| {}, 1).contains("ORDER_LISTENER_BROKER"));
    let url = server.url("listener");
    let without_account = |c: &mut Command| {
        c.env("ORDER_LISTENER_BROKER", &url)
            .env_remove("WXPAY_MCH_ID");
    };
    assert!(reason(&without_account, 1).contains("--mch-id"));

    let listener = Listener::start(data, &url, |_| {});
    let text = reason(
        &|c| {
            c.arg("orders");
        },
        2,
    );
    assert!(text.contains("in use"), "{text}");
    assert_eq!(listener.interrupt(), (Some(0), vec![]));
}
