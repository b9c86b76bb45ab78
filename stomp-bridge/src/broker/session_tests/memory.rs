//! What a peer makes the broker hold, in bytes of the process.

use super::*;
use allocation_counter::measure;

/// A small message, alone in as much as one WebSocket message may bring.
fn padded(headers: &str) -> String {
    let padding = "\n".repeat(60_000);
    format!("{padding}SEND\ndestination:/queue/order_pay\n{headers}\nx\0")
}

#[test]
fn a_small_message_holds_no_more_than_it_counts() {
    let mut peer = Peer::logged_in("root", "r");
    let send = padded("x-a:b\n");
    let grown = measure(|| {
        for _ in 0..1000 {
            assert!(peer.say(&send).is_empty());
        }
    });
    assert!(grown.bytes_current < 1 << 20, "{grown:?}");
    assert_eq!(peer.router.counters.published, 1000);
}

#[test]
fn a_transaction_holds_no_more_than_it_counts() {
    let mut peer = Peer::logged_in("root", "r");
    peer.say("BEGIN\ntransaction:t\n\n\0");
    let send = padded("transaction:t\n");
    let grown = measure(|| {
        for _ in 0..200 {
            assert!(peer.say(&send).is_empty());
        }
    });
    assert!(grown.bytes_current < 1 << 18, "{grown:?}");
}
