use super::*;
use crate::broker::ExchangeKind;

fn router(limits: BrokerLimits) -> Router {
    let config = BrokerConfig::new()
        .exchange("paynotify", ExchangeKind::Fanout)
        .exchange("paynotify.page", ExchangeKind::Direct)
        .bind("paynotify", "paynotify.page", "")
        .queue("order_pay")
        .limits(limits);
    let mut router = Router::new(&config).unwrap();
    for conn in 1..=3 {
        router.add_connection(conn);
    }
    router
}

fn message(body: &str) -> Stored {
    Stored {
        destination: "/d".into(),
        headers: vec![],
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

/// (connection, body, redelivered, tag) of what was routed since the last call.
fn got(router: &mut Router) -> Vec<(ConnId, String, bool, u64)> {
    let text = |m: &Stored| String::from_utf8(m.body.to_vec()).unwrap();
    let all = router.take_deliveries().into_iter();
    all.map(|d| (d.conn, text(&d.message), d.redelivered, d.tag))
        .collect()
}

fn bodies(router: &mut Router) -> Vec<(ConnId, String)> {
    got(router)
        .into_iter()
        .map(|(conn, body, ..)| (conn, body))
        .collect()
}

fn one(conn: ConnId, body: &str) -> (ConnId, String) {
    (conn, body.to_owned())
}

#[test]
fn one_send_serves_the_fanout_and_the_page_with_that_key() {
    let mut router = router(BrokerLimits::default());
    router
        .consume_exchange(1, "a", ("paynotify", ""), AckMode::Auto, None)
        .unwrap();
    router
        .consume_exchange(2, "a", ("paynotify.page", "k2"), AckMode::Auto, None)
        .unwrap();
    router
        .consume_exchange(3, "a", ("paynotify.page", "#"), AckMode::Auto, None)
        .unwrap();
    router.publish("paynotify", "k2", message("m")).unwrap();
    assert_eq!(bodies(&mut router), [one(1, "m"), one(2, "m")]);
    router.publish("paynotify", "other", message("n")).unwrap();
    assert_eq!(bodies(&mut router), [one(1, "n")]);
    router.unsubscribe(1, "a").unwrap();
    router.remove_connection(2);
    router.publish("paynotify", "k2", message("o")).unwrap();
    assert!(bodies(&mut router).is_empty());
    assert_eq!(router.subscriptions(), 1);
    assert_eq!(
        router.queues.len(),
        2,
        "the queues of subscriptions go with them"
    );
    assert_eq!(
        router.publish("nope", "", message("x")),
        Err(RouteError::NoExchange)
    );
}

#[test]
fn a_queue_holds_and_then_serves_in_turn() {
    let mut router = router(BrokerLimits::default());
    router.publish_to_queue("order_pay", message("1"));
    router.publish_to_queue("missing", message("lost"));
    router
        .consume(1, "a", "order_pay", AckMode::Auto, None)
        .unwrap();
    assert_eq!(bodies(&mut router), [one(1, "1")]);
    router
        .consume(2, "a", "order_pay", AckMode::Auto, None)
        .unwrap();
    for body in ["2", "3", "4"] {
        router.publish_to_queue("order_pay", message(body));
    }
    assert_eq!(bodies(&mut router), [one(1, "2"), one(2, "3"), one(1, "4")]);
    let again = router.consume(2, "a", "order_pay", AckMode::Auto, None);
    assert_eq!(again, Err(RouteError::DuplicateSubscription));
    assert_eq!(router.unsubscribe(3, "a"), Err(RouteError::NoSubscription));
}

#[test]
fn what_was_not_acknowledged_goes_back_in_order_when_the_connection_ends() {
    let mut router = router(BrokerLimits::default());
    for body in ["1", "2", "3", "4"] {
        router.publish_to_queue("order_pay", message(body));
    }
    router
        .consume(1, "a", "order_pay", AckMode::ClientIndividual, Some(3))
        .unwrap();
    assert_eq!(
        bodies(&mut router),
        [one(1, "1"), one(1, "2"), one(1, "3")],
        "prefetch 3"
    );
    router.settle(1, 2, Settle::Done).unwrap();
    assert_eq!(bodies(&mut router), [one(1, "4")]);
    router.settle(1, 1, Settle::Requeue).unwrap();
    assert_eq!(got(&mut router), [(1, "1".into(), true, 5)]);
    assert_eq!(
        router.settle(1, 2, Settle::Done),
        Err(RouteError::UnknownTag)
    );
    router.remove_connection(1);
    router
        .consume(2, "a", "order_pay", AckMode::Auto, None)
        .unwrap();
    let redelivered: Vec<_> = got(&mut router)
        .into_iter()
        .map(|(_, b, r, _)| (b, r))
        .collect();
    assert_eq!(redelivered, ["3", "4", "1"].map(|b| (b.to_owned(), true)));
}

#[test]
fn in_client_mode_one_ack_stands_for_all_before_it() {
    let mut router = router(BrokerLimits::default());
    router
        .consume(1, "a", "order_pay", AckMode::Client, Some(2))
        .unwrap();
    for body in ["1", "2", "3", "4"] {
        router.publish_to_queue("order_pay", message(body));
    }
    assert_eq!(bodies(&mut router).len(), 2);
    router.settle(1, 2, Settle::Done).unwrap();
    assert_eq!(bodies(&mut router), [one(1, "3"), one(1, "4")]);
    router.settle(1, 4, Settle::Discard).unwrap();
    assert_eq!(router.counters.dropped, 2);
}

#[test]
fn a_full_queue_drops_its_oldest_and_counts_them() {
    let limits = BrokerLimits {
        max_queue_messages: 2,
        max_queue_bytes: 5,
        ..Default::default()
    };
    let mut router = router(limits);
    for body in ["a", "b", "c"] {
        router.publish_to_queue("order_pay", message(body));
    }
    assert_eq!(router.counters.dropped, 1);
    router.publish_to_queue("order_pay", message("12345"));
    assert_eq!(router.counters.dropped, 3);
    router
        .consume(1, "a", "order_pay", AckMode::Auto, None)
        .unwrap();
    assert_eq!(bodies(&mut router), [one(1, "12345")]);
}

#[test]
fn a_queue_waits_for_a_slow_reader_where_a_notice_does_not() {
    let limits = BrokerLimits {
        max_outgoing: 4,
        ..Default::default()
    };
    let mut router = router(limits);
    router
        .consume(1, "q", "order_pay", AckMode::Auto, None)
        .unwrap();
    for n in 0..10 {
        router.publish_to_queue("order_pay", message(&n.to_string()));
    }
    assert_eq!(bodies(&mut router).len(), 2, "half of the outgoing limit");
    router.written(1, 2);
    assert_eq!(bodies(&mut router), [one(1, "2"), one(1, "3")]);
    assert!(router.take_slow().is_empty());

    router
        .consume_exchange(2, "x", ("paynotify", ""), AckMode::Auto, None)
        .unwrap();
    for _ in 0..5 {
        router.publish("paynotify", "", message("n")).unwrap();
    }
    assert_eq!(bodies(&mut router).len(), 4);
    assert_eq!(router.take_slow(), BTreeSet::from([2]));
}

#[test]
fn what_a_peer_can_make_grow_is_bounded() {
    let limits = BrokerLimits {
        max_queues: 2,
        max_subscriptions: 1,
        ..Default::default()
    };
    let mut router = router(limits);
    router.declare("order_pay").unwrap();
    router.declare("second").unwrap();
    assert_eq!(router.declare("third"), Err(RouteError::TooManyQueues));
    let notice = router.consume_exchange(1, "a", ("paynotify", ""), AckMode::Auto, None);
    assert_eq!(notice, Err(RouteError::TooManyQueues));
    router
        .consume(1, "a", "order_pay", AckMode::Auto, None)
        .unwrap();
    let second = router.consume(1, "b", "second", AckMode::Auto, None);
    assert_eq!(second, Err(RouteError::TooManySubscriptions));
}
