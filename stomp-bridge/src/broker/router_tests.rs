#[path = "router_tests/dead.rs"]
mod dead;

use super::*;
use crate::broker::{BrokerConfig, ExchangeKind};
use bytes::Bytes;
use std::time::Duration;

fn config(limits: BrokerLimits) -> BrokerConfig {
    BrokerConfig::new()
        .exchange("paynotify", ExchangeKind::Fanout)
        .exchange("paynotify.page", ExchangeKind::Direct)
        .bind("paynotify", "paynotify.page", "")
        .queue("order_pay")
        .limits(limits)
}

fn router(limits: BrokerLimits) -> Router {
    made(&config(limits))
}

fn made(config: &BrokerConfig) -> Router {
    let mut router = Router::new(config, Instant::now()).unwrap();
    for conn in 1..=3 {
        router.add_connection(conn);
    }
    router
}

fn message(body: &str) -> Stored {
    keyed("", body)
}

fn keyed(key: &str, body: &str) -> Stored {
    held_by(&Held::new(usize::MAX), key, body)
}

fn held_by(held: &Held, key: &str, body: &str) -> Stored {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Stored::new(held, "", key, vec![], body).unwrap()
}

/// (connection, body, redelivered, tag) of what a connection takes. Nothing of it is written yet.
fn taken(router: &mut Router, conn: ConnId) -> Vec<(ConnId, String, bool, u64)> {
    let mut taken = VecDeque::new();
    router.take(conn, 0, &mut taken);
    let text = |m: &Stored| String::from_utf8(m.body().to_vec()).unwrap();
    taken
        .into_iter()
        .map(|d| (conn, text(&d.message), d.redelivered, d.tag))
        .collect()
}

fn got(router: &mut Router) -> Vec<(ConnId, String, bool, u64)> {
    (1..=3).flat_map(|conn| taken(router, conn)).collect()
}

fn bodies(router: &mut Router) -> Vec<(ConnId, String)> {
    got(router)
        .into_iter()
        .map(|(conn, body, ..)| (conn, body))
        .collect()
}

/// Of a subscription on a connection, with an ACK mode and a prefetch.
fn sub(conn: ConnId, name: &str, mode: AckMode, prefetch: Option<usize>) -> Consume<'_> {
    Consume {
        conn,
        name,
        mode,
        prefetch,
    }
}

fn auto(conn: ConnId) -> Consume<'static> {
    sub(conn, "a", AckMode::Auto, None)
}

fn read(router: &mut Router, consume: Consume<'_>, exchange: &str, key: &str) {
    router
        .consume_exchange(consume, (exchange, key), Own::Unnamed)
        .unwrap();
}

fn one(conn: ConnId, body: &str) -> (ConnId, String) {
    (conn, body.to_owned())
}

#[test]
fn one_send_serves_the_fanout_and_the_page_with_that_key() {
    let mut router = router(BrokerLimits::default());
    read(&mut router, auto(1), "paynotify", "");
    read(&mut router, auto(2), "paynotify.page", "k2");
    read(&mut router, auto(3), "paynotify.page", "#");
    router.publish("paynotify", keyed("k2", "m")).unwrap();
    assert_eq!(bodies(&mut router), [one(1, "m"), one(2, "m")]);
    router.publish("paynotify", keyed("other", "n")).unwrap();
    assert_eq!(bodies(&mut router), [one(1, "n")]);
    router.unsubscribe(1, "a").unwrap();
    router.remove_connection(2);
    router.publish("paynotify", keyed("k2", "o")).unwrap();
    assert!(bodies(&mut router).is_empty());
    assert_eq!(router.subscriptions(), 1);
    assert_eq!(
        router.queues(),
        2,
        "the queues of subscriptions go with them"
    );
    assert_eq!(
        router.publish("nope", message("x")),
        Err(RouteError::NoExchange)
    );
}

#[test]
fn a_queue_that_two_ways_lead_to_gets_a_message_once() {
    let config = config(BrokerLimits::default())
        .exchange("topics", ExchangeKind::Topic)
        .bind("paynotify", "order_pay", "")
        .bind("paynotify", "order_pay", "again")
        .bind("paynotify", "topics", "")
        .bind("topics", "order_pay", "#")
        .bind("topics", "order_pay", "*.b")
        .bind("topics", "paynotify", "#");
    let mut router = made(&config);
    router.consume(auto(1), "order_pay").unwrap();
    router.publish("paynotify", keyed("a.b", "m")).unwrap();
    assert_eq!(bodies(&mut router), [one(1, "m")]);
}

#[test]
fn a_queue_holds_and_then_serves_in_turn() {
    let mut router = router(BrokerLimits::default());
    router.publish_to_queue("order_pay", message("1"));
    router.publish_to_queue("missing", message("lost"));
    router.consume(auto(1), "order_pay").unwrap();
    assert_eq!(bodies(&mut router), [one(1, "1")]);
    router.consume(auto(2), "order_pay").unwrap();
    for body in ["2", "3", "4"] {
        router.publish_to_queue("order_pay", message(body));
    }
    assert_eq!(bodies(&mut router), [one(1, "2"), one(1, "4"), one(2, "3")]);
    let again = router.consume(auto(2), "order_pay");
    assert_eq!(again, Err(RouteError::DuplicateSubscription));
    assert_eq!(router.unsubscribe(3, "a"), Err(RouteError::NoSubscription));
}

#[test]
fn what_was_not_acknowledged_goes_back_in_order_when_the_connection_ends() {
    let mut router = router(BrokerLimits::default());
    for body in ["1", "2", "3", "4"] {
        router.publish_to_queue("order_pay", message(body));
    }
    let individual = sub(1, "a", AckMode::ClientIndividual, Some(3));
    router.consume(individual, "order_pay").unwrap();
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
    router.consume(auto(2), "order_pay").unwrap();
    let redelivered: Vec<_> = got(&mut router)
        .into_iter()
        .map(|(_, b, r, _)| (b, r))
        .collect();
    assert_eq!(redelivered, ["3", "4", "1"].map(|b| (b.to_owned(), true)));
}

#[test]
fn in_client_mode_one_ack_stands_for_all_before_it() {
    let mut router = router(BrokerLimits::default());
    let client = sub(1, "a", AckMode::Client, Some(2));
    router.consume(client, "order_pay").unwrap();
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
fn a_queue_waits_for_a_slow_reader_where_a_notice_does_not() {
    let limits = BrokerLimits {
        max_outgoing: 4,
        ..Default::default()
    };
    let mut router = router(limits);
    let on_queue = sub(1, "q", AckMode::Auto, None);
    router.consume(on_queue, "order_pay").unwrap();
    for n in 0..10 {
        router.publish_to_queue("order_pay", message(&n.to_string()));
    }
    assert_eq!(bodies(&mut router).len(), 2, "half of the outgoing limit");
    let mut next = VecDeque::new();
    router.take(1, 2, &mut next);
    assert_eq!(next.len(), 2);
    assert!(!router.is_slow(1));

    read(&mut router, auto(2), "paynotify", "");
    for _ in 0..5 {
        router.publish("paynotify", message("n")).unwrap();
    }
    assert_eq!(bodies(&mut router).len(), 4);
    assert!(router.is_slow(2));
}

#[test]
fn a_consumer_that_falls_behind_holds_a_publisher_up_once_and_not_for_ever() {
    let limits = BrokerLimits {
        max_outgoing: 4,
        ..Default::default()
    };
    let mut router = router(limits);
    let start = router.now;
    let grace = limits.slow_grace;
    read(&mut router, auto(1), "paynotify", "");
    read(&mut router, auto(2), "paynotify", "");
    router.publish("paynotify", message("1")).unwrap();
    assert_eq!(router.hold(3), None);
    router.publish("paynotify", message("2")).unwrap();
    assert_eq!(router.hold(3), Some(start + grace));
    router.take_woken();
    // Both catch up: the publisher is woken.
    for conn in [1, 2] {
        let mut taken = VecDeque::new();
        router.take(conn, 0, &mut taken);
        assert!(router.take_woken().is_empty());
        assert_eq!(taken.drain(..).count(), 2);
        router.take(conn, 2, &mut taken);
    }
    assert_eq!(router.take_woken(), [3]);
    assert_eq!(router.hold(3), None);
    // One does not: after the grace it is waited for no more, and then given up.
    for body in ["3", "4"] {
        router.publish("paynotify", message(body)).unwrap();
    }
    let mut taken = VecDeque::new();
    router.take(1, 0, &mut taken);
    assert_eq!(taken.drain(..).count(), 2);
    router.take(1, 2, &mut taken);
    assert!(router.hold(3).is_some());
    router.tick(start + grace);
    assert_eq!(router.hold(3), None);
    router.publish("paynotify", message("5")).unwrap();
    assert_eq!(router.hold(3), None);
    for body in ["6", "7"] {
        router.publish("paynotify", message(body)).unwrap();
    }
    assert!(router.is_slow(2) && !router.is_slow(1));
}

#[test]
fn what_a_peer_can_make_grow_is_bounded() {
    let limits = BrokerLimits {
        max_queues: 2,
        max_subscriptions: 1,
        max_unacked: 2,
        ..Default::default()
    };
    let mut router = router(limits);
    let declare = |router: &mut Router, name| router.declare(1, &Declaration::durable(name));
    declare(&mut router, "order_pay").unwrap();
    declare(&mut router, "second").unwrap();
    assert_eq!(
        declare(&mut router, "third"),
        Err(RouteError::TooManyQueues)
    );
    let notice = router.consume_exchange(auto(1), ("paynotify", ""), Own::Unnamed);
    assert_eq!(notice, Err(RouteError::TooManyQueues));
    let client = sub(1, "a", AckMode::Client, None);
    router.consume(client, "order_pay").unwrap();
    let second = router.consume(sub(1, "b", AckMode::Auto, None), "second");
    assert_eq!(second, Err(RouteError::TooManySubscriptions));
    for body in ["1", "2", "3"] {
        router.publish_to_queue("order_pay", message(body));
    }
    assert_eq!(bodies(&mut router).len(), 2, "until they are acknowledged");
    router.settle(1, 1, Settle::Done).unwrap();
    assert_eq!(bodies(&mut router), [one(1, "3")]);
}

#[test]
fn a_queue_left_behind_is_bound_by_policy_and_goes() {
    let minute = Duration::from_mins(1);
    let policy = crate::broker::Policy::new("^stomp-subscription-").unwrap();
    let config = config(BrokerLimits::default()).policy(policy.expires(minute).max_length(2));
    let mut router = made(&config);
    let start = router.now;
    let named = Declaration::durable("stomp-subscription-z");
    let from = ("paynotify", "");
    router
        .consume_exchange(auto(1), from, Own::Named(&named))
        .unwrap();
    router.remove_connection(1);
    for body in ["1", "2", "3"] {
        router.publish("paynotify", message(body)).unwrap();
    }
    router.tick(start + minute / 2);
    router
        .consume(sub(2, "z", AckMode::Client, None), "stomp-subscription-z")
        .unwrap();
    assert_eq!(bodies(&mut router), [one(2, "2"), one(2, "3")]);
    router.tick(start + minute * 2);
    assert_eq!(router.queues(), 2, "it is read");
    router.unsubscribe(2, "z").unwrap();
    router.tick(start + minute * 3);
    assert_eq!(router.queues(), 1);
    router.publish("paynotify", message("4")).unwrap();
    assert!(bodies(&mut router).is_empty());
    assert_eq!(
        router.consume(auto(3), "stomp-subscription-z"),
        Err(RouteError::NoQueue)
    );
}

#[test]
fn an_exclusive_queue_is_one_connections_and_goes_with_it() {
    let mut router = router(BrokerLimits::default());
    let own = Declaration {
        exclusive: true,
        ..Declaration::durable("own")
    };
    router.declare(1, &own).unwrap();
    router.declare(1, &own).unwrap();
    assert_eq!(router.declare(2, &own), Err(RouteError::Locked));
    assert_eq!(router.consume(auto(2), "own"), Err(RouteError::Locked));
    router.publish_to_queue("own", message("1"));
    router.remove_connection(1);
    assert_eq!(router.queues(), 1);
    router.declare(2, &own).unwrap();
}

#[test]
fn a_subscription_is_not_charged_for_an_earlier_one_of_its_name() {
    let mut router = router(BrokerLimits::default());
    let consume = sub(1, "s", AckMode::ClientIndividual, Some(1));
    router.consume(consume, "order_pay").unwrap();
    for body in ["a", "b", "c"] {
        router.publish_to_queue("order_pay", message(body));
    }
    let first = taken(&mut router, 1);
    assert_eq!(first.len(), 1);
    router.unsubscribe(1, "s").unwrap();
    router.consume(consume, "order_pay").unwrap();
    let second = taken(&mut router, 1);
    assert_eq!(second.len(), 1);
    // Settling the old one makes no room for a second one of the new.
    router.settle(1, first[0].3, Settle::Done).unwrap();
    assert_eq!(taken(&mut router, 1), []);
    router.settle(1, second[0].3, Settle::Done).unwrap();
    assert_eq!(taken(&mut router, 1).len(), 1);
    router.audit();
}
