//! What a queue loses, and where it goes.

use super::*;

#[test]
fn a_full_queue_drops_its_oldest_and_counts_them() {
    let limits = BrokerLimits {
        max_queue_messages: 2,
        max_queue_bytes: message("12345").size(),
        ..Default::default()
    };
    let mut router = router(limits);
    for body in ["", "", ""] {
        router.publish_to_queue("order_pay", message(body));
    }
    assert_eq!(router.counters.dropped, 2, "two are too many bytes");
    router.publish_to_queue("order_pay", message("12345"));
    assert_eq!(router.counters.dropped, 3);
    router.consume(auto(1), "order_pay").unwrap();
    assert_eq!(bodies(&mut router), [one(1, "12345")]);
}

#[test]
fn the_dead_go_where_their_queue_says_and_not_in_circles() {
    let mut router = router(BrokerLimits::default());
    let to = |key: &str, max_length| Arguments {
        max_length,
        dead_letter: Some(DeadLetter {
            exchange: String::new(),
            key: Some(key.into()),
        }),
        ..Default::default()
    };
    for (name, arguments) in [("a", to("b", Some(1))), ("b", to("a", Some(1)))] {
        let declaration = Declaration {
            arguments,
            ..Declaration::durable(name)
        };
        router.declare(1, &declaration).unwrap();
    }
    for body in ["1", "2", "3"] {
        router.publish_to_queue("a", keyed("a", body));
    }
    // 1 went to b, 2 pushed it out of there to a, where it died before: it is gone.
    let individual = sub(1, "a", AckMode::ClientIndividual, None);
    router.consume(individual, "a").unwrap();
    router.consume(auto(2), "b").unwrap();
    assert_eq!(bodies(&mut router), [one(1, "3"), one(2, "2")]);
    router.settle(1, 1, Settle::Discard).unwrap();
    assert_eq!(bodies(&mut router), [one(2, "3")]);
}

#[test]
fn one_step_does_not_bury_without_end() {
    const QUEUES: usize = 200;
    let limits = BrokerLimits {
        max_unacked: 20,
        ..Default::default()
    };
    let mut router = router(limits);
    let full = |n: usize| Declaration {
        arguments: Arguments {
            max_length: Some(1),
            dead_letter: Some(DeadLetter {
                exchange: String::new(),
                key: Some((n + 1).to_string()),
            }),
            ..Default::default()
        },
        ..Declaration::durable(&n.to_string())
    };
    for n in 0..QUEUES {
        router.declare(1, &full(n)).unwrap();
        router.publish_to_queue(&n.to_string(), message(&format!("of {n}")));
    }
    router.publish_to_queue("0", message("new"));
    router.audit();
    let mut first = |n: usize| {
        let name = n.to_string();
        router
            .consume(sub(1, &name, AckMode::Auto, None), &name)
            .unwrap();
        let got = bodies(&mut router);
        router.unsubscribe(1, &name).unwrap();
        got
    };
    assert_eq!(first(0), [one(1, "new")]);
    assert_eq!(first(10), [one(1, "of 9")], "each pushed out the next");
    assert_eq!(first(QUEUES - 1), [one(1, &format!("of {}", QUEUES - 1))]);
}

#[test]
fn the_dead_take_no_more_than_the_whole_broker_may_hold() {
    let limits = BrokerLimits {
        max_total_bytes: message("x").size() * 3,
        ..Default::default()
    };
    let mut router = made(
        &config(limits)
            .bind("paynotify", "a", "")
            .bind("paynotify", "b", "")
            .queue("a")
            .queue("b"),
    );
    for name in ["c", "d"] {
        let arguments = Arguments {
            dead_letter: Some(DeadLetter {
                exchange: "paynotify".into(),
                key: None,
            }),
            ..Default::default()
        };
        let declaration = Declaration {
            arguments,
            ..Declaration::durable(name)
        };
        router.declare(1, &declaration).unwrap();
        router
            .consume(sub(1, name, AckMode::Client, None), name)
            .unwrap();
        let held = router.held().clone();
        router.publish_to_queue(name, held_by(&held, name, "x"));
    }
    assert_eq!(bodies(&mut router).len(), 2);
    // There is no room for the dead of the first beside both, and for that of the second there is.
    for (tag, dead) in [(1, 0), (2, 1)] {
        router.settle(1, tag, Settle::Discard).unwrap();
        router.audit_held();
        let name = format!("{tag}");
        router
            .consume(sub(2, &name, AckMode::Client, None), "a")
            .unwrap();
        assert_eq!(bodies(&mut router).len(), dead);
        router.unsubscribe(2, &name).unwrap();
    }
}
