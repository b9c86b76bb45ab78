//! What the publisher does with messages that a cut took: sends them again, finds the one to blame,
//! keeps the order of each key. And the drain, the look at the queues.

#![allow(clippy::unwrap_used)]

mod common;

use common::script::{Peer, Script};
use common::{SOON, Server, soon};
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;
use stomp_bridge::client::{
    Advice, Backoff, BrokerUrl, ConnectOptions, Credentials, Cut, Destination, Publication,
    PublishError, Published, Publisher, PublisherConfig, QueueCheck, QueueReport, Resend,
    SubscribeError, Subscriber, check_queue,
};
use stomp_bridge::frame::{Command, Frame};

fn quick(url: BrokerUrl) -> PublisherConfig {
    let mut config = PublisherConfig::new(url);
    config.backoff = Backoff {
        base: Duration::from_millis(10),
        cap: Duration::from_millis(50),
    };
    config
}

fn message(body: &str) -> Publication {
    Publication::new(Destination::queue("order_pay").unwrap(), body.to_owned()).message_id(body)
}

/// A confirmed message's answer, comparable.
fn done(answer: Result<Published, PublishError>) -> Result<(), PublishError> {
    answer.map(|Published { .. }| ())
}

fn all_done(answers: &[Result<Published, PublishError>]) -> bool {
    answers.iter().all(Result::is_ok)
}

fn id(frame: &Frame) -> &str {
    assert_eq!(frame.command, Command::Send);
    frame.header("x-outbox-id").unwrap()
}

/// Takes frames in until it has seen `count`.
async fn read(peer: &mut Peer, count: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    while frames.len() < count {
        frames.push(peer.frame().await);
    }
    frames
}

#[tokio::test]
async fn what_a_close_took_is_sent_again_one_by_one_with_the_same_headers() {
    let script = Script::listen().await;
    let publisher = Publisher::spawn(quick(script.url()));
    let broker = async {
        let mut first = script.accept("0,0").await;
        let sent = read(&mut first, 3).await;
        first.receipt_for(&sent[0]).await;
        // The receipt got through only if the next is known to be lost: it is read in order.
        drop(first);
        let mut second = script.accept("0,0").await;
        let mut again = second.frame().await;
        if id(&again) == "1" {
            second.receipt_for(&again).await;
            again = second.frame().await;
        }
        for old in &sent[1..] {
            assert_eq!(id(&again), id(old));
            for name in ["destination", "persistent", "amqp-message-id"] {
                assert_eq!(again.header(name), old.header(name));
            }
            assert_eq!(again.body, old.body);
            assert!(
                second.frame().now_or_never().is_none(),
                "the next one waits for the receipt"
            );
            second.receipt_for(&again).await;
            if id(old) != "3" {
                again = second.frame().await;
            }
        }
        second
    };
    let sent = join_all(["1", "2", "3"].map(|n| publisher.publish(message(n))));
    let (results, _second) = tokio::join!(soon(sent), broker);
    assert!(all_done(&results));
}

#[tokio::test]
async fn what_a_silent_broker_took_is_sent_again_together_until_the_deadline() {
    let script = Script::listen().await;
    let mut config = quick(script.url());
    config.receipt_timeout = Duration::from_millis(200);
    let publisher = Publisher::spawn(config);
    let broker = async {
        let mut first = script.accept("0,0").await;
        read(&mut first, 2).await;
        assert_eq!(first.next().await, None, "no receipt in time");
        let mut second = script.accept("0,0").await;
        for frame in read(&mut second, 2).await {
            second.receipt_for(&frame).await;
        }
        second
    };
    let sent = join_all(["1", "2"].map(|n| publisher.publish(message(n))));
    let (results, _second) = tokio::join!(soon(sent), broker);
    assert!(all_done(&results));

    let script = Script::listen().await;
    let mut config = quick(script.url());
    config.receipt_timeout = Duration::from_millis(50);
    config.resend = Resend::Within(Duration::from_millis(120));
    let publisher = Publisher::spawn(config);
    let mute = async {
        loop {
            let mut peer = script.accept("0,0").await;
            while peer.next().await.is_some() {}
        }
    };
    let publish = publisher.publish(message("1"));
    let result = tokio::select! {
        result = soon(publish) => result,
        () = mute => unreachable!(),
    };
    let error = result.unwrap_err();
    let reason = Cut::ReceiptTimeout;
    assert_eq!(error, PublishError::Unknown { reason });
    assert_eq!(error.advice(), Advice::PublishAgain);
}

fn note(arrived: &std::sync::Mutex<Vec<String>>, id: &str) {
    let mut arrived = arrived.lock().unwrap();
    if !arrived.iter().any(|seen| seen == id) {
        arrived.push(id.to_owned());
    }
}

/// As Web STOMP does it: closes on a message it does not like, without a word. Notes what arrived,
/// each once.
async fn touchy_broker(script: &Script, arrived: &std::sync::Mutex<Vec<String>>) {
    loop {
        let mut peer = script.accept("0,0").await;
        while let Some(frame) = peer.next().await {
            if frame.command == Command::Disconnect || frame.body.starts_with(b"poison") {
                break;
            }
            note(arrived, id(&frame));
            peer.receipt_for(&frame).await;
        }
    }
}

#[tokio::test]
async fn the_message_that_breaks_the_connection_is_found_and_other_keys_go_on() {
    let script = Script::listen().await;
    let mut config = quick(script.url());
    config.poison_tries = 4;
    config.backoff.base = Duration::from_millis(50);
    let publisher = Publisher::spawn(config);
    let arrived = std::sync::Mutex::<Vec<String>>::default();
    let plan: Vec<(String, &str)> = (0..40)
        .map(|n| match n {
            13 => ("poison".to_owned(), "unlucky"),
            25 | 35 => (format!("{n}"), "unlucky"),
            n => (format!("{n}"), ["a", "b", "c"][n % 3]),
        })
        .collect();
    let all = plan.iter().map(|(body, key)| {
        let publish = publisher.publish(message(body).key(*key));
        async {
            let result = publish.await;
            (result, arrived.lock().unwrap().len())
        }
    });
    let results = tokio::select! {
        results = soon(join_all(all)) => results,
        () = touchy_broker(&script, &arrived) => unreachable!(),
    };
    let mut last_of_others = 0;
    let mut poison_found = 0;
    for ((body, key), (result, seen)) in plan.iter().zip(results) {
        match (body.as_str(), *key) {
            ("poison", _) => {
                let error = result.unwrap_err();
                assert!(
                    matches!(
                        error,
                        PublishError::Poison {
                            tries: 4,
                            reason: Cut::Closed { .. }
                        }
                    ),
                    "{error:?}"
                );
                assert_eq!(error.advice(), Advice::Park);
                poison_found = seen;
            }
            (_, "unlucky") => {
                let error = result.unwrap_err();
                let behind = matches!(
                    &error,
                    PublishError::KeyBlocked { earlier: Some(id), .. } if id == "poison"
                );
                assert!(behind, "{error:?}");
                assert_eq!(error.advice(), Advice::AfterEarlier);
            }
            _ => {
                assert_eq!(done(result), Ok(()));
                last_of_others = last_of_others.max(seen);
            }
        }
    }
    // How many others were out with it at the first cut, and so are tried behind it, is the network's doing.
    assert!((13..=37).contains(&poison_found), "{poison_found}");
    assert_eq!(last_of_others, 37, "everything else arrived");
    // In order per key, though not in all: no key overtook itself.
    let mut by_key: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let arrived = arrived.lock().unwrap();
    for id in arrived.iter() {
        let (_, key) = plan.iter().find(|(body, _)| body == id).unwrap();
        by_key.entry(key).or_default().push(id);
    }
    for (key, ids) in by_key {
        let numbers: Vec<u32> = ids.iter().map(|id| id.parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "{key}: {numbers:?}");
        assert_ne!(key, "unlucky");
    }
}

#[tokio::test]
async fn a_network_that_ends_every_connection_makes_no_message_poison() {
    const LIFE: Duration = Duration::from_millis(100);
    let script = Script::listen().await;
    let mut config = quick(script.url());
    config.resend = Resend::Within(15 * LIFE);
    let publisher = Publisher::spawn(config);
    let sent = Cell::new(0);
    let network = async {
        loop {
            let mut peer = script.accept("0,0").await;
            let reading = async {
                while let Some(frame) = peer.next().await {
                    sent.set(sent.get() + u32::from(frame.command == Command::Send));
                }
            };
            tokio::time::timeout(LIFE, reading).await.ok();
        }
    };
    let result = tokio::select! {
        result = soon(publisher.publish(message("1"))) => result,
        () = network => unreachable!(),
    };
    assert!(
        matches!(
            &result,
            Err(PublishError::Unknown {
                reason: Cut::Closed { .. }
            })
        ),
        "{result:?}"
    );
    assert!(sent.get() >= 4, "it was sent {} times", sent.get());
}

#[tokio::test]
async fn what_one_broker_left_open_the_next_one_gets() {
    let (first, second) = (Script::listen().await, Script::listen().await);
    let urls = vec![first.url(), second.url()].try_into().unwrap();
    let mut config = PublisherConfig::with_brokers(urls);
    config.backoff = quick(first.url()).backoff;
    let publisher = Publisher::spawn(config);
    let brokers = async {
        let mut peer = first.accept("0,0").await;
        assert_eq!(id(&peer.frame().await), "1");
        drop((peer, first));
        let mut peer = second.accept("0,0").await;
        let again = peer.frame().await;
        assert_eq!(id(&again), "1");
        peer.receipt_for(&again).await;
        peer
    };
    let (result, _peer) = tokio::join!(soon(publisher.publish(message("1"))), brokers);
    assert_eq!(done(result), Ok(()));
}

#[tokio::test]
async fn a_drain_waits_for_what_came_before_it_and_leaves_the_publisher_at_work() {
    let script = Script::listen().await;
    let publisher = Publisher::spawn(quick(script.url()));
    let mut peer = script.accept("0,0").await;
    let mut sends = pin!(join_all(["1", "2"].map(|n| publisher.publish(message(n)))));
    let frames = tokio::select! {
        _ = &mut sends => panic!("no receipt yet"),
        frames = read(&mut peer, 2) => frames,
    };
    let drained = soon(publisher.drain(Duration::from_millis(20))).await;
    assert_eq!(drained.unsettled, 2);
    let (drained, results, ()) = tokio::join!(soon(publisher.drain(SOON)), soon(sends), async {
        for frame in &frames {
            peer.receipt_for(frame).await;
        }
    });
    assert_eq!(drained.unsettled, 0);
    assert!(all_done(&results));
    let (result, ()) = tokio::join!(soon(publisher.publish(message("3"))), async {
        let frame = peer.frame().await;
        peer.receipt_for(&frame).await;
    });
    assert_eq!(done(result), Ok(()));
    assert_eq!(soon(publisher.drain(SOON)).await.unsettled, 0);
    let drained = soon(publisher.shutdown(SOON)).await;
    assert_eq!(drained.unsettled, 0);
    assert_eq!(
        soon(publisher.drain(SOON)).await.unsettled,
        0,
        "it is stopped"
    );
}

#[tokio::test]
async fn a_shutdown_sends_again_what_a_cut_takes_meanwhile() {
    let script = Script::listen().await;
    let publisher = Publisher::spawn(quick(script.url()));
    let mut first = script.accept("0,0").await;
    let mut publish = pin!(publisher.publish(message("1")));
    tokio::select! {
        _ = &mut publish => panic!("no receipt yet"),
        _ = first.frame() => {}
    }
    let broker = async {
        drop(first);
        let mut second = script.accept("0,0").await;
        let again = second.frame().await;
        assert_eq!(id(&again), "1");
        second.receipt_for(&again).await;
        assert_eq!(second.frame().await.command, Command::Disconnect);
    };
    let (drained, result, ()) = tokio::join!(soon(publisher.shutdown(SOON)), soon(publish), broker);
    assert_eq!(drained.unsettled, 0);
    assert_eq!(done(result), Ok(()));
}

#[tokio::test]
async fn the_queues_are_looked_at_with_an_account_that_may_read() {
    let server = Server::start().await;
    let order_pay = Destination::queue("order_pay").unwrap();
    let missing = Destination::amq_queue("missing").unwrap();
    let mut config = quick(server.payer());
    config.check = Some(QueueCheck {
        every: Duration::from_millis(10),
        credentials: Credentials::new("listener", "l").unwrap(),
        queues: vec![order_pay.clone()],
    });
    let publisher = Publisher::spawn(config.clone());
    let mut queues = publisher.queues();
    assert_eq!(*queues.borrow(), QueueReport::NotChecked);
    soon(queues.wait_for(|r| *r == QueueReport::AllThere))
        .await
        .unwrap();
    publisher.shutdown(Duration::ZERO).await;
    assert!(
        soon(queues.wait_for(|_| false)).await.is_err(),
        "the check ends with the publisher"
    );

    config.check.as_mut().unwrap().queues = vec![order_pay.clone(), missing.clone()];
    let publisher = Publisher::spawn(config);
    let mut queues = publisher.queues();
    let report = soon(queues.wait_for(|r| matches!(r, QueueReport::Faults(_))))
        .await
        .unwrap()
        .clone();
    let QueueReport::Faults(faults) = report else {
        panic!("{report:?}")
    };
    let [(queue, SubscribeError::Refused { .. })] = &faults[..] else {
        panic!("{faults:?}")
    };
    assert_eq!(*queue, missing);

    // The side effect: a message is lent, and comes back marked.
    soon(publisher.publish(message("1"))).await.unwrap();
    let listener = server.listener();
    let options = ConnectOptions::default();
    soon(check_queue(&listener, &order_pay, &options))
        .await
        .unwrap();
    let mut reader = soon(Subscriber::open(&listener, &order_pay, &options))
        .await
        .unwrap();
    let lent = soon(reader.recv()).await.unwrap();
    assert_eq!(lent.text(), Some("1"));
    assert!(lent.redelivered());
    server.stop().await;
}
