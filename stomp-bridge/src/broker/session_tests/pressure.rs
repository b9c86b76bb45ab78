//! Who sends faster than others take.

use super::*;

#[test]
fn a_publisher_waits_for_who_falls_behind_and_is_not_silent_meanwhile() {
    let mut peer = Peer::new();
    peer.say("CONNECT\naccept-version:1.2\nlogin:root\npasscode:r\nheart-beat:1000,0\n\n\0");
    peer.router.add_connection(8);
    let other = crate::broker::router::Consume {
        conn: 8,
        name: "T_0",
        mode: crate::broker::router::AckMode::Auto,
        prefetch: None,
    };
    let own = crate::broker::router::Own::Unnamed;
    peer.router
        .consume_exchange(other, ("paynotify", ""), own)
        .unwrap();
    let limits = BrokerLimits::default();
    let before = limits.max_outgoing / 2;
    let send = "SEND\ndestination:/exchange/paynotify\n\nx\0";
    assert!(peer.say(&send.repeat(before + 2)).is_empty());
    assert!(peer.session.is_held());
    assert_eq!(peer.router.counters.published, before as u64);
    // However long the grace is, who is not read is not silent.
    peer.session
        .handle_timeout(peer.now + Duration::from_secs(5));
    assert!(!peer.session.is_closed());
    // The grace is over: the rest goes on, and the client was never silent.
    peer.now += limits.slow_grace;
    assert_eq!(peer.session.next_timeout(), Some(peer.now));
    peer.session.handle_timeout(peer.now);
    peer.router.tick(peer.now);
    peer.session.run(peer.now, &mut peer.router);
    assert!(!peer.session.is_held());
    assert_eq!(peer.router.counters.published, before as u64 + 2);
    peer.session
        .handle_timeout(peer.now + Duration::from_millis(1999));
    assert!(!peer.session.is_closed());
}

#[test]
fn a_slow_consumer_is_told_once() {
    let mut peer = Peer::logged_in("root", "r");
    peer.session.refuse_slow();
    peer.session.refuse_slow();
    assert_eq!(refused(&peer.answers()).0, "slow_consumer");
    assert!(peer.session.is_closed());
}
