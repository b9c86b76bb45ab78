//! The whole of a connection, over streams in memory that take and give as little as they like, by a
//! clock that stands still while anybody has something to do.

#[path = "connection_tests/client.rs"]
mod client;
#[path = "connection_tests/stingy.rs"]
mod stingy;

use super::*;
use crate::broker::message::Stored;
use crate::broker::{Broker, BrokerConfig, BrokerLimits, ExchangeKind, May, User};
use crate::frame::Command;
use crate::fuzz::Choices;
use client::{Client, Over};
use stingy::Stingy;

const BOTH: [Over; 2] = [Over::Tcp, Over::WebSocket];

fn broker(limits: BrokerLimits) -> Broker {
    let root = User::new("root", "r")
        .configure(May::All)
        .write(May::All)
        .read(May::All);
    let config = BrokerConfig::new()
        .exchange("paynotify", ExchangeKind::Fanout)
        .queue("order_pay")
        .user(root)
        .limits(limits);
    Broker::new(config).unwrap()
}

/// A body that tells any other piece of the stream from itself.
fn body(n: usize) -> String {
    format!("{n:07};").repeat(20 + n % 40)
}

fn message(broker: &Broker, n: usize) -> Stored {
    let number = ("x-number".to_owned(), n.to_string());
    let now = Instant::now().into_std();
    let held = broker.hub.with(now, |r| r.held().clone());
    Stored::new(&held, "", "order_pay", vec![number], body(n).into()).unwrap()
}

/// To the fanout.
fn publish(broker: &Broker, n: usize) {
    let message = message(broker, n);
    let now = Instant::now().into_std();
    let done = broker.hub.with(now, |r| r.publish("paynotify", message));
    done.unwrap();
}

/// To the queue.
fn enqueue(broker: &Broker, n: usize) {
    let message = message(broker, n);
    let now = Instant::now().into_std();
    broker
        .hub
        .with(now, |r| r.publish_to_queue("order_pay", message));
}

fn assert_is(frame: &crate::frame::Frame, n: usize) {
    assert_eq!(frame.command, Command::Message, "{frame:?}");
    assert_eq!(frame.header("x-number"), Some(&*n.to_string()));
    assert_eq!(frame.body, body(n), "the body of {n}");
}

#[tokio::test(start_paused = true)]
async fn what_a_slow_consumer_reads_is_whole_and_ends_with_the_error() {
    for (over, seed) in BOTH.into_iter().flat_map(|o| (0..40).map(move |s| (o, s))) {
        let (mut choices, _) = Choices::of(&[seed]);
        let broker = broker(BrokerLimits {
            max_outgoing: 2 + choices.below(12),
            ..BrokerLimits::default()
        });
        let mut client = Client::connect(&broker, over, 1 + choices.below(2000), seed).await;
        client.subscribe("/exchange/paynotify", "auto", "").await;
        let (mut sent, mut got) = (0, 0);
        // It reads now and then, and less than there is.
        while broker.stats().dropped == 0 {
            for _ in 0..=choices.below(3) {
                publish(&broker, sent);
                sent += 1;
            }
            if choices.below(2) == 0 {
                let frame = client.frame().await;
                if frame.command == Command::Error {
                    break;
                }
                assert_is(&frame, got);
                got += 1;
            }
        }
        let error = loop {
            let frame = client.frame().await;
            if frame.command != Command::Message {
                break frame;
            }
            assert_is(&frame, got);
            got += 1;
        };
        assert_eq!(error.header("message"), Some("slow_consumer"), "{error:?}");
        assert_eq!(client.next().await, None, "an ERROR is the last");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_consumer_that_reads_nothing_is_not_waited_for() {
    for over in BOTH {
        let broker = broker(BrokerLimits {
            max_outgoing: 4,
            ..BrokerLimits::default()
        });
        let mut client = Client::connect(&broker, over, 1000, 0).await;
        client.subscribe("/exchange/paynotify", "auto", "").await;
        for n in 0..100 {
            publish(&broker, n);
            tokio::task::yield_now().await;
        }
        assert!(broker.stats().dropped > 0);
        let began = Instant::now();
        while broker.stats().connections > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let most = LAST_WORDS_TIMEOUT * 2 + Duration::from_millis(20);
        assert!(began.elapsed() <= most, "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn each_message_of_a_queue_comes_whole_and_each_ack_counts() {
    const MESSAGES: usize = 200;
    for (over, seed) in BOTH.into_iter().flat_map(|o| (0..20).map(move |s| (o, s))) {
        let (mut choices, _) = Choices::of(&[seed]);
        let broker = broker(BrokerLimits::default());
        for n in 0..MESSAGES {
            enqueue(&broker, n);
        }
        let mut client = Client::connect(&broker, over, 1 + choices.below(2000), seed).await;
        let most = format!("prefetch-count:{}\n", 1 + choices.below(20));
        client
            .subscribe("/queue/order_pay", "client-individual", &most)
            .await;
        for n in 0..MESSAGES {
            let frame = client.frame().await;
            assert_is(&frame, n);
            let id = frame.header("ack").unwrap();
            client.say(&format!("ACK\nid:{id}\n\n\0")).await;
        }
        client.say("DISCONNECT\nreceipt:bye\n\n\0").await;
        let bye = client.frame().await;
        assert_eq!(bye.header("receipt-id"), Some("bye"));
        assert_eq!(client.next().await, None);
        assert_eq!(broker.shutdown(Duration::from_secs(5)).await, 0);
        assert_eq!(broker.stats().delivered, MESSAGES as u64, "none came again");
    }
}

#[tokio::test(start_paused = true)]
async fn who_beats_and_does_not_read_for_a_while_stays() {
    for (over, seed) in BOTH.into_iter().flat_map(|o| (0..20).map(move |s| (o, s))) {
        let broker = broker(BrokerLimits::default());
        let mut client = Client::beating(&broker, over, 256, seed).await;
        client.subscribe("/queue/order_pay", "auto", "").await;
        // More than there is room for on the way, so that the broker waits to write.
        for n in 0..20 {
            enqueue(&broker, n);
        }
        for _ in 0..9 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            client.say("\n").await;
        }
        for n in 0..20 {
            assert_is(&client.frame().await, n);
        }
        enqueue(&broker, 20);
        assert_is(&client.frame().await, 20);
    }
}

#[tokio::test(start_paused = true)]
async fn who_reads_steadily_is_not_cut_however_long_it_takes() {
    const MESSAGES: usize = 1000;
    for over in BOTH {
        let write_timeout = Duration::from_millis(200);
        let broker = broker(BrokerLimits {
            write_timeout,
            ..BrokerLimits::default()
        });
        let mut client = Client::connect(&broker, over, 1024, 0).await;
        for n in 0..MESSAGES {
            enqueue(&broker, n);
        }
        client.subscribe("/queue/order_pay", "auto", "").await;
        let began = Instant::now();
        client
            .say("SEND\ndestination:/exchange/paynotify\nreceipt:r\n\n\0")
            .await;
        let (mut got, mut receipt_after) = (0, None);
        while got < MESSAGES {
            let frame = client.frame().await;
            if frame.command == Command::Receipt {
                receipt_after = Some(got);
            } else {
                assert_is(&frame, got);
                got += 1;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(began.elapsed() > write_timeout * 20);
        let after = receipt_after.expect("a receipt before the backlog's end");
        assert!(after < MESSAGES / 2, "it waited for {after} messages");

        // Who does not read at all is.
        for n in 0..MESSAGES {
            enqueue(&broker, n);
        }
        let began = Instant::now();
        while broker.stats().connections > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let given_up_after = began.elapsed();
        assert!(given_up_after >= write_timeout, "{given_up_after:?}");
        assert!(given_up_after < write_timeout * 3, "{given_up_after:?}");
    }
}
