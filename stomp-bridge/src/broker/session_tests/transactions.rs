//! BEGIN, COMMIT, ABORT.

use super::*;

#[test]
fn a_transaction_has_all_its_effects_at_the_commit_or_none() {
    let mut peer = Peer::logged_in("root", "r");
    peer.say("SUBSCRIBE\nid:0\nack:client\nprefetch-count:1\ndestination:/queue/order_pay\n\n\0");
    let send = |body: &str, more: &str| {
        format!("SEND\ndestination:/queue/order_pay\ntransaction:t\n{more}\n{body}\0")
    };
    // Aborted: nothing happened. Begun twice: the first is forgotten.
    assert!(peer.say("BEGIN\ntransaction:t\n\n\0").is_empty());
    assert!(peer.say(&send("aborted", "receipt:never\n")).is_empty());
    let aborted = peer.say("ABORT\ntransaction:t\nreceipt:a\n\n\0");
    assert_eq!(aborted, ["RECEIPT\nreceipt-id:a\n\n\0"]);
    peer.say("BEGIN\ntransaction:t\n\n\0");
    peer.say(&send("forgotten", ""));
    peer.say("BEGIN\ntransaction:t\n\n\0");
    peer.say(&send("one", "receipt:1\n"));
    peer.say(&send("two", ""));
    assert!(peer.messages().is_empty());
    let committed = peer.say("COMMIT\ntransaction:t\nreceipt:c\n\n\0");
    assert_eq!(
        committed,
        ["RECEIPT\nreceipt-id:1\n\n\0", "RECEIPT\nreceipt-id:c\n\n\0"]
    );
    assert!(peer.messages()[0].ends_with("\n\none\0"));
    // An ACK waits too.
    peer.say("BEGIN\ntransaction:t\n\n\0");
    peer.say("ACK\ntransaction:t\nid:T_0@@session-7@@1\n\n\0");
    assert!(peer.messages().is_empty());
    peer.say("COMMIT\ntransaction:t\n\n\0");
    assert!(peer.messages()[0].ends_with("\n\ntwo\0"));
    // One frame that may not be: none has an effect.
    peer.say("BEGIN\ntransaction:t\n\n\0");
    peer.say(&send("three", ""));
    peer.say("SEND\ndestination:/exchange/nope\ntransaction:t\n\nx\0");
    let published = peer.router.counters.published;
    assert_eq!(
        refused(&peer.say("COMMIT\ntransaction:t\n\n\0")).0,
        "not_found"
    );
    assert_eq!(peer.router.counters.published, published);
}

#[test]
fn transactions_are_bounded() {
    let limits = BrokerLimits::default();
    let mut peer = Peer::logged_in("root", "r");
    for n in 0..limits.max_transactions {
        peer.say(&format!("BEGIN\ntransaction:{n}\n\n\0"));
    }
    assert_eq!(
        refused(&peer.say("BEGIN\ntransaction:more\n\n\0")).0,
        "resource_error"
    );
    let mut peer = Peer::logged_in("root", "r");
    peer.say("BEGIN\ntransaction:t\n\n\0");
    let send = "SEND\ntransaction:t\ndestination:/queue/order_pay\n\n\0";
    for _ in 0..limits.max_transaction_frames {
        assert!(peer.say(send).is_empty());
    }
    assert_eq!(refused(&peer.say(send)).0, "resource_error");
    let mut peer = Peer::logged_in("root", "r");
    peer.say("BEGIN\ntransaction:t\n\n\0");
    let body = "x".repeat(10_000);
    let send = format!("SEND\ntransaction:t\ndestination:/queue/order_pay\n\n{body}\0");
    let mut taken = 0;
    while peer.say(&send).is_empty() {
        taken += 1;
        assert!(taken * 10_000 <= limits.max_transaction_bytes, "{taken}");
    }
    assert!(peer.session.is_closed());
    assert!(taken >= limits.max_transaction_bytes / 11_000, "{taken}");
}

#[test]
fn who_may_not_send_fills_no_transaction() {
    let mut peer = Peer::logged_in("webguest", "webguest");
    let answer = peer.say("BEGIN\ntransaction:t\nreceipt:b\n\n\0");
    let (message, body) = refused(&answer);
    assert_eq!(message, "access_refused");
    assert!(body.contains("user 'webguest'"), "{body}");

    let mut peer = Peer::logged_in("maker", "m");
    assert!(peer.say("BEGIN\ntransaction:t\n\n\0").is_empty());
    for destination in [
        "/exchange/paynotify/k",
        "/queue/order_pay",
        "/amq/queue/own",
    ] {
        let mut peer = Peer::logged_in("maker", "m");
        peer.say("BEGIN\ntransaction:t\n\n\0");
        let send = format!("SEND\ntransaction:t\ndestination:{destination}\n\nx\0");
        let (message, _) = refused(&peer.say(&send));
        assert_eq!(message, "access_refused", "{destination}");
    }
}
