//! What a peer makes the broker hold, in bytes of the process.

use super::*;
use allocation_counter::measure;

/// A small message, alone in as much as one WebSocket message may bring.
fn padded(headers: &str) -> String {
    let padding = "\n".repeat(60_000);
    format!("{padding}SEND\ndestination:/queue/order_pay\n{headers}\nx\0")
}

/// The bytes that `say` makes the process hold, and those that are counted.
fn grown(peer: &mut Peer, times: usize, say: &str) -> (usize, usize) {
    let before = peer.router.held().bytes();
    let grown = measure(|| {
        for _ in 0..times {
            assert!(peer.say(say).is_empty());
        }
    });
    let counted = peer.router.held().bytes() - before;
    (usize::try_from(grown.bytes_current).unwrap(), counted)
}

#[test]
fn what_is_counted_is_what_is_held() {
    let headers = [
        "",
        "x-a:b\n",
        &"x-b:c\n".repeat(40),
        &format!("x:{}\n", "y".repeat(4000)),
    ];
    for header in headers {
        let mut peer = Peer::logged_in("root", "r");
        let (held, counted) = grown(&mut peer, 1000, &padded(header));
        assert!(
            held < counted * 3 / 2,
            "{held} of {counted} with {header:.20}"
        );
        assert!(
            counted < held * 3 / 2,
            "{held} of {counted} with {header:.20}"
        );
        assert_eq!(peer.router.counters.published, 1000);

        let header = format!("transaction:t\n{header}");
        peer.say("BEGIN\ntransaction:t\n\n\0");
        let (held, counted) = grown(&mut peer, 20, &padded(&header));
        assert!(
            held < counted * 3 / 2,
            "{held} of {counted} with {header:.20}"
        );
        assert!(
            counted < held * 3 / 2,
            "{held} of {counted} with {header:.20}"
        );
    }
}

#[test]
fn reading_a_message_in_any_version_keeps_no_more_of_it() {
    for version in ["1.0", "1.1", "1.2"] {
        let mut peer = Peer::new();
        let connect = format!("CONNECT\naccept-version:{version}\nlogin:root\npasscode:r\n\n\0");
        peer.say(&connect);
        peer.say("SUBSCRIBE\nid:0\nack:client\ndestination:/queue/order_pay\n\n\0");
        let body = "x".repeat(10_000);
        let send = format!("SEND\ndestination:/queue/order_pay\nx-url:http://a\n\n{body}\0");
        let (held, counted) = grown(&mut peer, 100, &send);
        assert!(counted < held * 3 / 2, "{held} of {counted}");
        let read = measure(|| assert_eq!(peer.messages().len(), 100));
        assert!(read.bytes_current < 10_000, "{version}: {read:?}");
        assert_eq!(peer.router.held().bytes(), counted, "until their ACK");
    }
}

#[test]
fn more_than_the_whole_broker_may_hold_is_refused() {
    let limits = BrokerLimits {
        max_total_bytes: 100_000,
        ..BrokerLimits::default()
    };
    let mut peer = Peer::with(limits).log_in("root", "r");
    let body = "x".repeat(9_000);
    let send = |to: &str| format!("SEND\ndestination:{to}\nreceipt:s\n\n{body}\0");
    // Two queues have it, and it counts once.
    for _ in 0..10 {
        let answer = peer.say(&send("/exchange/paynotify"));
        assert_eq!(answer, ["RECEIPT\nreceipt-id:s\n\n\0"]);
    }
    let held = peer.router.held().bytes();
    assert!((90_000..=100_000).contains(&held), "{held}");
    // Out at a consumer it counts until its ACK.
    peer.say("SUBSCRIBE\nid:0\nack:client\ndestination:/queue/order_pay\n\n\0");
    peer.say("SUBSCRIBE\nid:1\ndestination:/queue/second\n\n\0");
    assert_eq!(peer.messages().len(), 20);
    assert_eq!(peer.router.held().bytes(), held);
    let (message, body) = refused(&peer.say(&send("/exchange/paynotify")));
    assert_eq!(message, "resource_error");
    assert_eq!(body, "RESOURCE_ERROR - no more messages may be held");
    assert_eq!(peer.router.counters.published, 10);
    assert_eq!(peer.router.held().bytes(), held);

    let mut peer = Peer::with(limits).log_in("root", "r");
    peer.say("SUBSCRIBE\nid:0\nack:client\ndestination:/queue/order_pay\n\n\0");
    for _ in 0..10 {
        peer.say(&send("/queue/order_pay"));
    }
    assert_eq!(peer.messages().len(), 10);
    peer.say("ACK\nid:T_0@@session-7@@10\n\n\0");
    assert_eq!(peer.router.held().bytes(), 0);
    // A transaction counts.
    peer.say("BEGIN\ntransaction:t\n\n\0");
    let kept = send("/queue/order_pay\ntransaction:t");
    for _ in 0..10 {
        assert!(peer.say(&kept).is_empty());
    }
    assert_eq!(refused(&peer.say(&kept)).0, "resource_error");
    drop(peer.session);
    assert_eq!(peer.router.held().bytes(), 0);
}
