//! Many messages at once: their answers come in order, and no more are taken than can be waited for.

#![allow(clippy::unwrap_used)]

mod common;

use common::script::Script;
use common::{Server, soon};
use futures_util::{FutureExt, StreamExt, stream};
use std::cell::Cell;
use std::pin::pin;
use stomp_bridge::client::{
    ConnectOptions, Destination, NotSent, Publication, PublishError, Published, Publisher,
    PublisherConfig, Subscriber,
};
use stomp_bridge::frame::Command;

fn message(body: &str) -> Publication {
    Publication::new(Destination::queue("order_pay").unwrap(), body.to_owned()).message_id(body)
}

/// A confirmed message's answer, comparable.
fn done(answer: Result<Published, PublishError>) -> Result<(), PublishError> {
    answer.map(|Published { .. }| ())
}

#[tokio::test]
async fn a_batch_is_answered_in_order_and_its_errors_are_its_own() {
    let server = Server::start().await;
    let mut config = PublisherConfig::new(server.payer());
    config.window = 50;
    config.max_body_bytes = 100;
    let publisher = Publisher::spawn(config);
    let messages = (0..3000).map(|n| match n {
        1000 => message(&"x".repeat(101)),
        2000 => message("ok").header("receipt", "mine"),
        n => message(&n.to_string()),
    });
    let answers: Vec<_> = soon(publisher.publish_all(messages).collect()).await;
    assert_eq!(answers.len(), 3000);
    for (n, (index, answer)) in answers.into_iter().enumerate() {
        assert_eq!(index, n);
        let expected = match n {
            1000 => Err(NotSent::TooLarge {
                bytes: 101,
                max_body_bytes: 100,
            }
            .into()),
            2000 => Err(NotSent::ReservedHeader {
                header: "receipt".into(),
            }
            .into()),
            _ => Ok(()),
        };
        assert_eq!(done(answer), expected, "message {n}");
    }
    let order: Vec<_> = {
        let order_pay = Destination::queue("order_pay").unwrap();
        let (listener, options) = (server.listener(), ConnectOptions::default());
        let reader = soon(Subscriber::open(&listener, &order_pay, &options)).await;
        let texts = reader.unwrap().take(2998);
        soon(texts.map(|m| m.text().unwrap().to_owned()).collect()).await
    };
    let sent = (0..3000).filter(|n| ![1000, 2000].contains(n));
    assert!(order.into_iter().eq(sent.map(|n: u32| n.to_string())));
    server.stop().await;
}

#[tokio::test]
async fn a_batch_takes_no_more_than_it_can_wait_for() {
    let script = Script::listen().await;
    let mut config = PublisherConfig::new(script.url());
    (config.window, config.queue) = (8, 4);
    let publisher = Publisher::spawn(config);
    let taken = Cell::new(0);
    let endless = (0_u64..).map(|n| {
        taken.set(taken.get() + 1);
        message(&n.to_string())
    });
    let mut answers = pin!(publisher.publish_all(endless));
    let broker = async {
        let mut peer = script.accept("0,0").await;
        let mut frames = Vec::new();
        while frames.len() < 8 {
            frames.push(peer.frame().await);
        }
        assert!(frames.iter().all(|frame| frame.command == Command::Send));
        (peer, frames)
    };
    let (mut peer, frames) = tokio::select! {
        _ = answers.next() => panic!("nothing has a receipt"),
        got = broker => got,
    };
    assert!(taken.get() <= 12, "{} were taken", taken.get());
    // The receipts come in another order than the answers.
    for frame in frames.iter().rev() {
        peer.receipt_for(frame).await;
    }
    for n in 0..8 {
        let (index, answer) = soon(answers.next()).await.unwrap();
        assert_eq!((index, done(answer)), (n, Ok(())));
    }
    assert!(taken.get() <= 8 + 12, "{} were taken", taken.get());
}

#[tokio::test]
async fn a_stream_gives_answers_while_it_waits_for_messages() {
    let server = Server::start().await;
    let publisher = Publisher::spawn(PublisherConfig::new(server.payer()));
    let messages = stream::iter([message("1"), message("2")]).chain(stream::pending());
    let mut answers = pin!(publisher.publish_stream(messages));
    for n in 0..2 {
        let (index, answer) = soon(answers.next()).await.unwrap();
        assert_eq!((index, done(answer)), (n, Ok(())));
    }
    assert!(answers.next().now_or_never().is_none());
    server.stop().await;
}
