//! Transactions, ACK and NACK.

use super::{Rules, fresh, on_queue};
use stomp_bridge::frame::{Command, Frame};

pub(super) async fn a_transaction_holds_back_messages_and_receipts(rules: &Rules) {
    let queue = fresh("tx");
    let mut tcp = rules.root().await;
    tcp.done(&format!("{}\nid:0", on_queue("SUBSCRIBE", &queue)), "")
        .await;
    let send = |body: &str, more: &str| {
        format!("SEND\ntransaction:t\ndestination:/amq/queue/{queue}\n{more}\n{body}\0")
    };
    let (begin, abort, commit) = (
        "BEGIN\ntransaction:t",
        "ABORT\ntransaction:t",
        "COMMIT\ntransaction:t",
    );
    tcp.done(begin, "").await;
    tcp.say(&send("aborted", "receipt:never\n")).await;
    assert!(tcp.done(abort, "").await.is_empty());
    // To begin it again empties it.
    tcp.done(begin, "").await;
    tcp.say(&send("forgotten", "")).await;
    tcp.done(begin, "").await;
    tcp.say(&send("one", "receipt:kept\n")).await;
    tcp.say(&send("two", "")).await;
    let plain = format!("SEND\ndestination:/amq/queue/{queue}");
    let mut heard = tcp.done(&plain, "outside").await;
    while heard.is_empty() {
        heard.push(tcp.frame().await);
    }
    assert_eq!(&heard[0].body[..], b"outside");
    let mut heard = tcp.done(commit, "").await;
    while heard.len() < 3 {
        heard.push(tcp.frame().await);
    }
    let receipts = |f: &&Frame| f.header("receipt-id") == Some("kept");
    assert_eq!(heard.iter().filter(receipts).count(), 1);
    let bodies: Vec<_> = heard
        .iter()
        .filter(|f| f.command == Command::Message)
        .map(|f| (&f.body[..], f.header("transaction")))
        .collect();
    let expected = [(&b"one"[..], Some("t")), (&b"two"[..], Some("t"))];
    assert_eq!(bodies, expected);
    tcp.say("COMMIT\ntransaction:t\n\n\0").await;
    assert_eq!(tcp.error().await.0, "Bad transaction");
}

pub(super) async fn a_transaction_holds_back_acks(rules: &Rules) {
    let queue = fresh("tx-ack");
    let mut tcp = rules.root().await;
    let subscribe = on_queue("SUBSCRIBE", &queue);
    tcp.done(
        &format!("{subscribe}\nid:0\nack:client-individual\nprefetch-count:1"),
        "",
    )
    .await;
    let send = format!("SEND\ndestination:/amq/queue/{queue}\n\n");
    tcp.say(&format!("{send}one\0{send}two\0")).await;
    let (one, _) = tcp.message().await;
    let ack = format!(
        "ACK\ntransaction:t\nid:{}\n\n\0",
        one.header("ack").unwrap()
    );
    tcp.done("BEGIN\ntransaction:t", "").await;
    tcp.say(&ack).await;
    assert!(tcp.done("ABORT\ntransaction:t", "").await.is_empty());
    tcp.done("BEGIN\ntransaction:t", "").await;
    tcp.say(&ack).await;
    let mut heard = tcp.done("COMMIT\ntransaction:t", "").await;
    if heard.is_empty() {
        heard.push(tcp.frame().await);
    }
    assert_eq!(&heard[0].body[..], b"two");
}

pub(super) async fn acks_nacks_and_prefetch(rules: &Rules) {
    let queue = fresh("ack");
    let mut tcp = rules.root().await;
    tcp.done(&on_queue("SEND", &queue), "one").await;
    let send = format!("SEND\ndestination:/amq/queue/{queue}");
    for body in ["two", "three"] {
        tcp.done(&send, body).await;
    }
    let subscribe = on_queue("SUBSCRIBE", &queue);
    tcp.say(&format!(
        "{subscribe}\nid:0\nack:client\nprefetch-count:2\n\n\0"
    ))
    .await;
    assert_eq!(tcp.message().await.1, "one");
    let (two, body) = tcp.message().await;
    assert_eq!((&*body, two.header("redelivered")), ("two", Some("false")));
    assert_eq!(two.header("ack"), two.header("message-id"));
    // Both, by the second.
    let id = two.header("ack").unwrap();
    tcp.say(&format!("ACK\nid:{id}\n\n\0")).await;
    let (three, body) = tcp.message().await;
    assert_eq!(body, "three");
    tcp.say(&format!("NACK\nid:{}\n\n\0", three.header("ack").unwrap()))
        .await;
    let (again, body) = tcp.message().await;
    assert_eq!(
        (&*body, again.header("redelivered")),
        ("three", Some("true"))
    );
    let id = again.header("ack").unwrap();
    let dropped = tcp.done(&format!("NACK\nrequeue:false\nid:{id}"), "").await;
    assert!(dropped.is_empty());
    tcp.say(&format!("ACK\nid:{id}\n\n\0")).await;
    let (message, body) = tcp.error().await;
    assert_eq!(message, "precondition_failed");
    assert!(
        body.starts_with("PRECONDITION_FAILED - unknown delivery tag "),
        "{body}"
    );
}
