//! The subscriber's promises: acknowledgements, redelivery, reconnection, bounded waits.

#![allow(clippy::unwrap_used)]

mod common;

use common::script::{Peer, Script};
use common::{SOON, Server, soon};
use futures_util::StreamExt;
use std::time::Duration;
use stomp_bridge::client::{
    AckError, AckMode, Backoff, BrokerUrl, Credentials, Destination, HeaderError, Lost, Message,
    Publication, Publisher, PublisherConfig, Requeue, SubscribeError, Subscriber, SubscriberConfig,
    SubscriberStatus,
};
use stomp_bridge::frame::{Command, Frame};

fn order_pay() -> Destination {
    Destination::queue("order_pay").unwrap()
}

fn quick(url: BrokerUrl) -> SubscriberConfig {
    let mut config = SubscriberConfig::new(url, order_pay());
    config.backoff = Backoff {
        base: Duration::from_millis(10),
        cap: Duration::from_millis(50),
    };
    config
}

async fn publish(server: &Server, bodies: impl IntoIterator<Item = u32>) {
    let publisher = Publisher::spawn(PublisherConfig::new(server.payer()));
    let messages = bodies
        .into_iter()
        .map(|n| Publication::new(order_pay(), n.to_string()));
    let all = publisher.publish_all(messages).map(|(_, answer)| answer);
    let answers: Vec<_> = soon(all.collect()).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(publisher.shutdown(SOON).await.unsettled, 0);
}

async fn next(subscriber: &mut Subscriber) -> Message {
    soon(subscriber.recv()).await.expect("a message")
}

async fn subscribe(config: SubscriberConfig) -> Subscriber {
    soon(Subscriber::subscribe(config)).await.unwrap()
}

/// A MESSAGE as a broker sends it.
fn delivery(body: &str, ack: &str, redelivered: &str) -> Frame {
    Frame::new(Command::Message)
        .with("subscription", "0")
        .with("destination", "/queue/order_pay")
        .with("message-id", ack)
        .with("redelivered", redelivered)
        .with("ack", ack)
        .with_body(body.to_owned())
}

async fn accept(script: &Script) -> Peer {
    let mut peer = script.accept("0,0").await;
    let subscribe = peer.frame().await;
    assert_eq!(subscribe.command, Command::Subscribe);
    peer.receipt_for(&subscribe).await;
    peer
}

#[tokio::test]
async fn it_comes_back_and_what_a_cut_took_is_stale() {
    let script = Script::listen().await;
    let mut config = quick(script.url());
    config.prefetch = Some(7);
    config = config.header("x-queue-type", "quorum").unwrap();
    let mut subscriber = Subscriber::spawn(config);
    let mut first = script.accept("0,0").await;
    let asked = first.frame().await;
    for (name, value) in [
        ("destination", "/queue/order_pay"),
        ("ack", "client-individual"),
        ("prefetch-count", "7"),
        ("x-queue-type", "quorum"),
    ] {
        assert_eq!(asked.header(name), Some(value));
    }
    first.receipt_for(&asked).await;
    first.say(&delivery("a", "1", "false")).await;
    first.say(&delivery("b", "2", "false")).await;
    let a = next(&mut subscriber).await;
    assert!(!a.redelivered());
    // `b` waits in the subscriber while the connection is cut.
    drop(first);
    let mut second = script.accept("0,0").await;
    let again = second.frame().await;
    let receipt = |f: &Frame| f.headers.iter().position(|(n, _)| n == "receipt");
    assert_eq!(receipt(&again), receipt(&asked));
    assert_eq!(again.header("x-queue-type"), Some("quorum"));
    assert_eq!(soon(a.ack()).await, Err(AckError::StaleConnection));
    second.receipt_for(&again).await;
    second.say(&delivery("a", "3", "true")).await;
    second.say(&delivery("b", "4", "true")).await;
    for (body, ack) in [("a", "3"), ("b", "4")] {
        let message = next(&mut subscriber).await;
        assert_eq!(message.text(), Some(body));
        assert!(message.redelivered());
        assert_eq!(soon(message.ack()).await, Ok(()));
        assert_eq!(soon(message.ack()).await, Err(AckError::AlreadySettled));
        let said = second.frame().await;
        assert_eq!((said.command, said.header("id")), (Command::Ack, Some(ack)));
        assert_eq!(said.header("receipt"), None);
    }
    assert_eq!(soon(a.ack()).await, Err(AckError::StaleConnection));
    drop(subscriber);
    assert_eq!(second.frame().await.command, Command::Disconnect);
    assert_eq!(soon(a.ack()).await, Err(AckError::Stopped));
}

#[tokio::test]
async fn each_message_has_its_own_end() {
    let server = Server::start().await;
    publish(&server, 0..4).await;
    let mut subscriber = subscribe(quick(server.listener())).await;
    let mut messages = Vec::new();
    for n in 0..4_u32 {
        let message = next(&mut subscriber).await;
        assert_eq!(message.text(), Some(n.to_string().as_str()));
        messages.push(message);
    }
    soon(messages[0].ack()).await.unwrap();
    soon(messages[1].nack(Requeue::DeadLetter)).await.unwrap();
    soon(messages[2].nack(Requeue::Yes)).await.unwrap();
    let again = next(&mut subscriber).await;
    assert_eq!(again.text(), Some("2"));
    assert!(again.redelivered());
    soon(again.ack()).await.unwrap();
    // Nobody is left who could acknowledge 3.
    drop((again, messages));
    assert_eq!(soon(subscriber.close_within(SOON)).await.unsettled, 1);
    let mut subscriber = subscribe(quick(server.listener())).await;
    let left = next(&mut subscriber).await;
    assert_eq!(left.text(), Some("3"));
    assert!(left.redelivered());
    server.stop().await;
}

#[tokio::test]
async fn in_mode_client_an_acknowledgement_counts_for_all_before_it() {
    let server = Server::start().await;
    publish(&server, 0..4).await;
    let mut config = quick(server.listener());
    config.ack = AckMode::Client;
    let mut subscriber = subscribe(config.clone()).await;
    let mut messages = Vec::new();
    for _ in 0..4 {
        messages.push(next(&mut subscriber).await);
    }
    soon(messages[2].ack()).await.unwrap();
    assert_eq!(soon(messages[0].ack()).await, Err(AckError::AlreadySettled));
    assert_eq!(
        soon(subscriber.close_within(Duration::ZERO))
            .await
            .unsettled,
        1
    );
    let mut subscriber = subscribe(config).await;
    assert_eq!(next(&mut subscriber).await.text(), Some("3"));
    server.stop().await;
}

/// Servers before 1.2 give a message no `ack` header: it is named by its own id, from 1.1 on with its subscription.
#[tokio::test]
async fn older_servers_are_answered_in_their_own_words() {
    for (version, headers) in [
        ("1.0", &[("message-id", "m1")][..]),
        ("1.1", &[("subscription", "0"), ("message-id", "m1")]),
        ("1.2", &[("id", "m1")]),
    ] {
        for ack in [AckMode::Client, AckMode::ClientIndividual] {
            let script = Script::listen().await;
            let mut config = quick(script.url());
            config.ack = ack;
            let mut subscriber = Subscriber::spawn(config);
            let mut peer = script.accept_speaking(version, "0,0").await;
            let subscribe = peer.frame().await;
            peer.receipt_for(&subscribe).await;
            for (settled, command) in [(Command::Ack, "ack"), (Command::Nack, "nack")] {
                let mut message = delivery("a", "m1", "false");
                if version != "1.2" {
                    message.headers.retain(|(name, _)| name != "ack");
                }
                peer.say(&message).await;
                let message = next(&mut subscriber).await;
                let nack_is_known = version != "1.0";
                match (settled, nack_is_known) {
                    (Command::Ack, _) => soon(message.ack()).await.unwrap(),
                    (_, true) => soon(message.nack(Requeue::DeadLetter)).await.unwrap(),
                    (_, false) => {
                        let refused = soon(message.nack(Requeue::DeadLetter)).await;
                        assert!(refused.is_err(), "{version} has no NACK");
                        continue;
                    }
                }
                let said = peer.frame().await;
                assert_eq!(said.command, settled, "{version} {command}");
                for (name, value) in headers {
                    assert_eq!(said.header(name), Some(*value), "{version} {command}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_prefetch_leaves_the_rest_to_others() {
    let server = Server::start().await;
    let mut config = quick(server.listener());
    config.prefetch = Some(1);
    let mut one = subscribe(config.clone()).await;
    publish(&server, 0..3).await;
    let first = next(&mut one).await;
    let mut other = subscribe(config).await;
    let second = next(&mut other).await;
    assert_eq!((first.text(), second.text()), (Some("0"), Some("1")));
    soon(second.ack()).await.unwrap();
    assert_eq!(next(&mut other).await.text(), Some("2"));
    server.stop().await;
}

#[tokio::test]
async fn a_close_leaves_time_to_acknowledge_what_is_held() {
    let server = Server::start().await;
    publish(&server, 0..2).await;
    let mut subscriber = subscribe(quick(server.listener())).await;
    let held = next(&mut subscriber).await;
    let work = async {
        soon(held.ack()).await.unwrap();
        drop(held);
    };
    // The second waits in the subscriber, or on its way; it is the broker's again.
    let (closed, ()) = tokio::join!(soon(subscriber.close_within(SOON)), work);
    assert!(closed.unsettled <= 1);
    let mut subscriber = subscribe(quick(server.listener())).await;
    let left = next(&mut subscriber).await;
    assert_eq!(left.text(), Some("1"));
    soon(left.ack()).await.unwrap();
    drop(left);
    assert_eq!(soon(subscriber.close_within(SOON)).await.unsettled, 0);
    server.stop().await;
}

#[tokio::test]
async fn in_mode_auto_an_unsubscribe_loses_nothing() {
    const MESSAGES: u32 = 500;
    let server = Server::start().await;
    let mut config = quick(server.listener());
    config.ack = AckMode::Auto;
    config.buffer = 1;
    let mut subscriber = subscribe(config.clone()).await;
    publish(&server, 0..MESSAGES).await;
    let first = next(&mut subscriber).await;
    assert_eq!(soon(first.ack()).await, Err(AckError::AutoMode));
    subscriber.unsubscribe();
    let mut seen: Vec<u32> = vec![0];
    let number = |m: Message| m.text().unwrap().parse::<u32>().unwrap();
    while let Some(message) = soon(subscriber.recv()).await {
        seen.push(number(message));
    }
    assert_eq!(subscriber.cut(), None);
    // Whatever the first did not get is left for the second.
    let mut rest = subscribe(config).await;
    while seen.len() < MESSAGES as usize {
        seen.push(number(next(&mut rest).await));
    }
    assert!(seen.into_iter().eq(0..MESSAGES));
    server.stop().await;
}

/// The connection ends before the goodbye to the subscription is answered: it ends all the same, and what came is handed over.
#[tokio::test]
async fn an_unsubscribe_whose_answer_is_cut_off_is_one() {
    let script = Script::listen().await;
    let mut config = quick(script.url());
    config.ack = AckMode::Auto;
    config.buffer = 1;
    let mut subscriber = Subscriber::spawn(config);
    let mut status = subscriber.status();
    let mut peer = accept(&script).await;
    for n in ["1", "2", "3"] {
        peer.say(&delivery(n, n, "false")).await;
    }
    assert_eq!(next(&mut subscriber).await.text(), Some("1"));
    subscriber.unsubscribe();
    let goodbye = peer.frame().await;
    assert_eq!(goodbye.command, Command::Unsubscribe);
    drop(peer);
    assert_eq!(next(&mut subscriber).await.text(), Some("2"));
    assert_eq!(next(&mut subscriber).await.text(), Some("3"));
    assert!(soon(subscriber.recv()).await.is_none());
    soon(status.wait_for(|s| *s == SubscriberStatus::Ended))
        .await
        .unwrap();
    assert_eq!(
        soon(subscriber.close_within(Duration::MAX)).await.unsettled,
        0
    );
}

/// STOMP 1.0 has no NACK: the message can still be acknowledged.
#[tokio::test]
async fn a_nack_that_cannot_be_said_leaves_the_message_as_it_was() {
    let script = Script::listen().await;
    let mut subscriber = Subscriber::spawn(quick(script.url()));
    let mut peer = Peer::new(script.accept_tcp().await);
    peer.frame().await;
    let connected = Frame::new(Command::Connected).with("version", "1.0");
    peer.say(&connected).await;
    let subscribe = peer.frame().await;
    peer.receipt_for(&subscribe).await;
    peer.say(&delivery("1", "m-1", "false")).await;
    let message = next(&mut subscriber).await;
    let refused = soon(message.nack(Requeue::DeadLetter)).await;
    assert_eq!(refused, Err(AckError::NoNack));
    assert_eq!(soon(message.ack()).await, Ok(()));
    let ack = peer.frame().await;
    assert_eq!(ack.command, Command::Ack);
    assert_eq!(ack.header("message-id"), Some("m-1"));
    assert_eq!(soon(message.ack()).await, Err(AckError::AlreadySettled));
}

#[tokio::test]
async fn a_slow_reader_of_a_small_buffer_gets_everything_in_order() {
    const MESSAGES: u32 = 3000;
    let server = Server::start().await;
    let mut config = quick(server.listener());
    (config.buffer, config.prefetch) = (2, Some(50));
    let subscriber = subscribe(config).await;
    publish(&server, 0..MESSAGES).await;
    let seen = subscriber.take(MESSAGES as usize).then(async |message| {
        tokio::task::yield_now().await;
        message.ack().await.unwrap();
        message.text().unwrap().parse::<u32>().unwrap()
    });
    let seen: Vec<_> = soon(seen.collect()).await;
    assert!(seen.into_iter().eq(0..MESSAGES));
    server.stop().await;
}

#[tokio::test]
async fn a_refusal_ends_the_first_try_and_is_told_by_one_that_goes_on() {
    let server = Server::start().await;
    let refused = soon(Subscriber::subscribe(quick(server.guest()))).await;
    let error = refused.map(drop).unwrap_err();
    assert!(
        matches!(&error, SubscribeError::Refused { message, .. } if message == "access_refused"),
        "{error:?}"
    );
    let subscriber = Subscriber::spawn(quick(server.guest()));
    let mut status = subscriber.status();
    let told = |s: &SubscriberStatus| {
        matches!(
            s,
            SubscriberStatus::Connecting { attempt: 3.., last_error: Some(Lost::Refused { message, .. }) }
                if message == "access_refused"
        )
    };
    soon(status.wait_for(told)).await.unwrap();
    drop(subscriber);
    soon(status.wait_for(|s| *s == SubscriberStatus::Ended))
        .await
        .unwrap();
    server.stop().await;
}

#[tokio::test]
async fn credentials_are_asked_for_at_each_connect_and_the_status_tells() {
    let script = Script::listen().await;
    let mut config = quick(script.url());
    let asked = std::sync::atomic::AtomicUsize::new(0);
    config.credentials = Some(std::sync::Arc::new(move || {
        let n = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Credentials::new("listener", format!("token-{n}")).unwrap()
    }));
    let subscriber = Subscriber::spawn(config);
    let mut status = subscriber.status();
    for n in 0..2 {
        let peer = accept(&script).await;
        let passcode = format!("token-{n}");
        let connect = peer.connect.as_ref().unwrap();
        assert_eq!(connect.header("passcode"), Some(passcode.as_str()));
        let there = |s: &SubscriberStatus| matches!(s, SubscriberStatus::Subscribed { .. });
        soon(status.wait_for(there)).await.unwrap();
        drop(peer);
        soon(status.wait_for(|s| !there(s))).await.unwrap();
    }
}

#[test]
fn headers_that_could_be_another_are_refused() {
    let config = || {
        let url = "stomp://u:p@localhost".parse().unwrap();
        SubscriberConfig::new(url, order_pay())
    };
    for name in ["ack", "Destination", "prefetch-count", "a:b", ""] {
        let error = config().header(name, "x").unwrap_err();
        assert!(matches!(error, HeaderError::Reserved { .. }), "{name}");
    }
    for (name, value) in [("a\nb", "x"), ("a", "x\nreceipt:1"), ("a", "\0")] {
        let error = config().header(name, value).unwrap_err();
        assert!(matches!(error, HeaderError::ControlCharacter { .. }));
    }
    assert!(config().header("x-queue-name", "a:b").is_ok());
}
