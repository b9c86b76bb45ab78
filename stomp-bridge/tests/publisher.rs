//! The publisher's promises: what each outcome means, the window, reconnection, the drain.

#![allow(clippy::unwrap_used)]

mod common;

use common::script::Script;
use common::{SOON, Server, config, soon};
use futures_util::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use stomp_bridge::broker::BrokerLimits;
use stomp_bridge::client::{
    Backoff, BrokerUrl, ConnectError, ConnectOptions, Credentials, Cut, Destination, Lost, NotSent,
    Publication, PublishError, Publisher, PublisherConfig, Resend, Status, Step, Subscriber,
};
use stomp_bridge::frame::{Command, Frame};
use tokio::net::TcpListener;

fn quick(url: BrokerUrl) -> PublisherConfig {
    let mut config = PublisherConfig::new(url);
    config.backoff = Backoff {
        base: Duration::from_millis(10),
        cap: Duration::from_millis(50),
    };
    config
}

/// Answers at the first cut, as the outcome of one SEND.
fn once(url: BrokerUrl) -> PublisherConfig {
    let mut config = quick(url);
    config.resend = Resend::Never;
    config
}

fn message(body: &str) -> Publication {
    Publication::new(Destination::queue("order_pay").unwrap(), body.to_owned()).message_id(body)
}

async fn until(publisher: &Publisher, wanted: impl FnMut(&Status) -> bool) -> Status {
    soon(publisher.status().wait_for(wanted))
        .await
        .unwrap()
        .clone()
}

fn is_connected(status: &Status) -> bool {
    matches!(status, Status::Connected { .. })
}

fn unknown<T>(result: Result<T, PublishError>) -> Cut {
    match result {
        Err(PublishError::Unknown { reason }) => reason,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was confirmed"),
    }
}

#[tokio::test]
async fn it_comes_back_when_the_broker_does_and_what_waited_is_sent() {
    let server = Server::start().await;
    let (payer, listener) = (server.payer(), server.listener());
    let publisher = Publisher::spawn(quick(payer));
    soon(publisher.publish(message("before"))).await.unwrap();
    let addr = server.stop().await;
    let down = until(
        &publisher,
        |s| matches!(s, Status::Connecting { last_error: Some(e), .. } if matches!(e, Lost::Connect(_)) && e.to_string().contains("refused")),
    );
    assert!(matches!(down.await, Status::Connecting { .. }));
    let waiting = tokio::spawn({
        let publisher = publisher.clone();
        async move { publisher.publish(message("while down")).await }
    });
    let server = Server::at(addr, config(BrokerLimits::default())).await;
    soon(waiting).await.unwrap().unwrap();
    assert!(is_connected(&publisher.status().borrow()));

    let order_pay = Destination::queue("order_pay").unwrap();
    let options = ConnectOptions::default();
    let mut reader = Subscriber::open(&listener, &order_pay, &options)
        .await
        .unwrap();
    // The broker is in memory: what came before the restart is gone, as its docs say.
    assert_eq!(
        soon(reader.recv()).await.unwrap().text(),
        Some("while down")
    );
    server.stop().await;
    assert_eq!(soon(reader.recv()).await, None);
    assert!(matches!(reader.cut(), Some(Cut::Closed { note }) if note.contains("1001")));
    assert_eq!(publisher.shutdown(Duration::ZERO).await.unsettled, 0);
}

#[tokio::test]
async fn a_cut_leaves_what_was_sent_unknown_and_what_was_not_waits() {
    let script = Script::listen().await;
    let mut config = once(script.url());
    config.window = 2;
    let publisher = Publisher::spawn(config);
    let broker = async {
        let mut first = script.accept("0,0").await;
        assert_eq!(first.frame().await.header("x-outbox-id"), Some("1"));
        assert_eq!(first.frame().await.header("x-outbox-id"), Some("2"));
        drop(first);
        let mut second = script.accept("0,0").await;
        let third = second.frame().await;
        assert_eq!(
            third.header("x-outbox-id"),
            Some("3"),
            "beyond the window: never sent before"
        );
        second.receipt_for(&third).await;
        second
    };
    let sent = join_all(["1", "2", "3"].map(|n| publisher.publish(message(n))));
    let (mut results, _second) = tokio::join!(soon(sent), broker);
    results.pop().unwrap().unwrap();
    for result in results {
        assert!(matches!(unknown(result), Cut::Closed { .. }));
    }
}

#[tokio::test]
async fn an_error_refuses_the_named_message_and_the_rest_is_unknown() {
    let script = Script::listen().await;
    let publisher = Publisher::spawn(once(script.url()));
    let broker = async {
        let mut peer = script.accept("0,0").await;
        let (first, second) = (peer.frame().await, peer.frame().await);
        let error = Frame::new(Command::Error)
            .with("message", "access_refused")
            .with("receipt-id", second.header("receipt").unwrap())
            .with_body("no");
        peer.say(&error).await;
        peer.receipt_for(&first).await;
        assert_eq!(
            peer.next().await,
            None,
            "an ERROR is the end, though the broker stays"
        );
    };
    let sent = join_all(["1", "2"].map(|n| publisher.publish(message(n))));
    let (results, ()) = tokio::join!(soon(sent), broker);
    let [first, second] = <[_; 2]>::try_from(results).unwrap();
    assert!(
        matches!(unknown(first), Cut::ErrorFrame { message, .. } if message == "access_refused")
    );
    let refused = PublishError::Refused {
        message: "access_refused".into(),
        body: "no".into(),
    };
    assert_eq!(second, Err(refused));
}

#[tokio::test]
async fn a_receipt_that_does_not_come_is_unknown_in_bounded_time() {
    let script = Script::listen().await;
    let mut config = once(script.url());
    config.receipt_timeout = Duration::from_millis(100);
    let publisher = Publisher::spawn(config);
    // As RabbitMQ under a memory alarm: reads on, beats on, gives no receipt.
    let broker = async {
        let mut peer = script.accept("0,0").await;
        assert_eq!(peer.frame().await.command, Command::Send);
        assert_eq!(peer.next().await, None);
        script.accept("0,0").await
    };
    let (result, _peer) = tokio::join!(soon(publisher.publish(message("1"))), broker);
    assert_eq!(unknown(result), Cut::ReceiptTimeout);
}

#[tokio::test]
async fn a_broker_that_falls_silent_is_left() {
    let script = Script::listen().await;
    let mut config = quick(script.url());
    config.connect.heartbeat = Duration::from_millis(50);
    let publisher = Publisher::spawn(config);
    let mut first = script.accept("50,50").await;
    assert_eq!(
        first.connect.take().unwrap().header("heart-beat"),
        Some("50,50")
    );
    let status = until(&publisher, |s| {
        matches!(
            s,
            Status::Connecting {
                last_error: Some(_),
                ..
            }
        )
    });
    let Status::Connecting { last_error, .. } = status.await else {
        panic!()
    };
    assert_eq!(last_error, Some(Lost::Cut(Cut::Silent)));
    script.accept("0,0").await;
}

#[tokio::test]
async fn a_broker_that_stops_reading_is_left() {
    let script = Script::listen().await;
    let mut config = once(script.url());
    config.receipt_timeout = Duration::from_millis(300);
    config.queue_timeout = Duration::from_secs(1);
    config.window = 64;
    let publisher = Publisher::spawn(config);
    let peer = script.accept("0,0").await;
    let big = || {
        let body = vec![b'x'; 1024 * 1024];
        publisher.publish(Publication::new(
            Destination::queue("order_pay").unwrap(),
            body,
        ))
    };
    let results = soon(join_all((0..64).map(|_| big()))).await;
    drop(peer);
    for result in results {
        let error = result.unwrap_err();
        let stuck = matches!(
            &error,
            PublishError::Unknown {
                reason: Cut::Stalled | Cut::ReceiptTimeout
            } | PublishError::NotSent(NotSent::TimedOut)
        );
        assert!(stuck, "{error:?}");
    }
}

#[tokio::test]
async fn nothing_waits_longer_than_its_time_out_or_for_nobody() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: BrokerUrl = format!("stomp://{}", nobody.local_addr().unwrap())
        .parse()
        .unwrap();
    drop(nobody);
    let mut config = quick(url);
    config.queue = 1;
    config.queue_timeout = Duration::from_millis(50);
    let publisher = Publisher::spawn(config);
    // The first waits in the queue, the second for room in it.
    for result in soon(join_all(["1", "2"].map(|n| publisher.publish(message(n))))).await {
        assert_eq!(result, Err(PublishError::NotSent(NotSent::TimedOut)));
    }
    let drained = soon(publisher.shutdown(Duration::from_millis(50))).await;
    assert!(
        drained.unsettled <= 1,
        "the abandoned one may still be in the queue"
    );
    let late = publisher.publish(message("3")).await;
    assert_eq!(late, Err(PublishError::NotSent(NotSent::Stopped)));
    assert_eq!(*publisher.status().borrow(), Status::Stopped);
}

#[tokio::test]
async fn the_drain_waits_for_receipts_and_answers_what_it_leaves() {
    let script = Script::listen().await;
    let publisher = Publisher::spawn(quick(script.url()));
    let mut peer = script.accept("0,0").await;
    let sends = join_all(["1", "2"].map(|n| publisher.publish(message(n))));
    let broker = async {
        let first = peer.frame().await;
        let second = peer.frame().await;
        // Only now is anything stopped, so both were sent.
        let (drained, ()) = tokio::join!(publisher.shutdown(Duration::from_millis(200)), async {
            peer.receipt_for(&first).await;
            assert_ne!(second.header("receipt"), first.header("receipt"));
        });
        assert_eq!(drained.unsettled, 1);
        assert_eq!(peer.frame().await.command, Command::Disconnect);
        assert_eq!(peer.next().await, None);
    };
    let (results, ()) = tokio::join!(soon(sends), broker);
    let [first, second] = <[_; 2]>::try_from(results).unwrap();
    assert!(first.is_ok());
    assert_eq!(unknown(second), Cut::Stopped);
}

#[tokio::test]
async fn the_last_handle_dropped_ends_the_connection() {
    let script = Script::listen().await;
    let publisher = Publisher::spawn(quick(script.url()));
    let mut peer = script.accept("0,0").await;
    until(&publisher, is_connected).await;
    let mut status = publisher.status();
    drop(publisher.clone());
    assert!(is_connected(&status.borrow()));
    drop(publisher);
    assert_eq!(peer.frame().await.command, Command::Disconnect);
    assert_eq!(peer.next().await, None);
    soon(status.wait_for(|s| *s == Status::Stopped))
        .await
        .unwrap();
}

#[tokio::test]
async fn credentials_are_asked_for_at_each_connect() {
    let script = Script::listen().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let mut config = quick(script.url());
    config.credentials = Some(Arc::new({
        let asked = Arc::clone(&asked);
        move || {
            let n = asked.fetch_add(1, Ordering::Relaxed);
            Credentials::new("payer", format!("token-{n}")).unwrap()
        }
    }));
    let _publisher = Publisher::spawn(config);
    for n in 0..3 {
        let peer = script.accept("0,0").await;
        let connect = peer.connect.unwrap();
        assert_eq!(
            connect.header("passcode"),
            Some(format!("token-{n}").as_str())
        );
    }
}

#[tokio::test]
async fn what_could_forge_a_header_is_not_sent() {
    let script = Script::listen().await;
    let publisher = Publisher::spawn(quick(script.url()));
    let bad = message("1").content_type("text/plain\nreceipt:evil");
    let refused = NotSent::ControlCharacter {
        header: "content-type".into(),
    };
    assert_eq!(publisher.publish(bad).await, Err(refused.into()));
    let bad = message("a\0b");
    let refused = NotSent::ControlCharacter {
        header: "x-outbox-id".into(),
    };
    assert_eq!(publisher.publish(bad).await, Err(refused.into()));
    // Brokers take the first of two, others the last.
    let bad = message("1").header("expiration", "1000");
    let bad = bad.header("Expiration", "60000");
    let refused = NotSent::RepeatedHeader {
        header: "Expiration".into(),
    };
    assert_eq!(publisher.publish(bad).await, Err(refused.into()));
    assert!(Credentials::new("u\nevil:1", "p").is_err());
    assert!(Credentials::new("u", "p\r").is_err());

    let mut config = quick(script.url());
    config.max_body_bytes = 3;
    let publisher = Publisher::spawn(config);
    let large = NotSent::TooLarge {
        bytes: 4,
        max_body_bytes: 3,
    };
    assert_eq!(publisher.publish(message("1234")).await, Err(large.into()));
    let shown = format!(
        "{publisher:?} {:?} {:?}",
        quick(script.url()),
        message("secret-body")
    );
    assert!(!shown.contains("secret-passcode"), "{shown}");
}

#[tokio::test]
async fn a_failed_connect_says_why() {
    let options = ConnectOptions {
        connect_timeout: Duration::from_millis(200),
        ..Default::default()
    };
    let once = async |url: &str| {
        let url = url.parse().unwrap();
        soon(Publisher::connect_once(&url, &options))
            .await
            .unwrap_err()
    };
    let server = Server::start().await;
    let addr = server.addr;
    let error = once(&format!("ws://payer:wrong@{addr}/ws")).await;
    let reason = "Access refused for user 'payer'".to_owned();
    assert_eq!(error, ConnectError::AccessRefused { reason });
    let error = once(&format!("ws://payer:p%40y@{addr}/elsewhere")).await;
    assert_eq!(error, ConnectError::UpgradeRefused { status: 404 });
    let error = once(&format!("stomp://payer:p%40y@{addr}")).await;
    assert!(
        matches!(
            error,
            ConnectError::NotStomp { .. } | ConnectError::Closed { .. }
        ),
        "HTTP is no STOMP: {error:?}"
    );
    let error = once(&format!("wss://payer:p%40y@{addr}/ws")).await;
    assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
    server.stop().await;
    let error = once(&format!("ws://payer:p%40y@{addr}/ws")).await;
    assert_eq!(
        error,
        ConnectError::Refused {
            addr: addr.to_string()
        }
    );
    assert!(error.to_string().contains("nothing listens there"));
    let error = once("stomp://no-such-host.invalid").await;
    let unresolved = matches!(error, ConnectError::Resolve { .. })
        || error
            == ConnectError::TimedOut {
                step: Step::Resolve,
            };
    assert!(unresolved, "{error:?}");

    let mute = Script::listen().await;
    let url = mute.url();
    let (error, _tcp) = tokio::join!(Publisher::connect_once(&url, &options), mute.accept_tcp());
    assert_eq!(error, Err(ConnectError::TimedOut { step: Step::Stomp }));
}

#[tokio::test]
async fn a_body_above_the_brokers_limit_is_told_and_does_not_stop_the_rest() {
    let server = Server::start().await;
    let publisher = Publisher::spawn(quick(server.payer()));
    let error = soon(publisher.publish(message(&"x".repeat(20_000))))
        .await
        .unwrap_err();
    assert!(matches!(error, PublishError::Refused { .. }), "{error:?}");
    soon(publisher.publish(message("small"))).await.unwrap();
    assert_eq!(publisher.shutdown(SOON).await.unsettled, 0);
    server.stop().await;
}

#[tokio::test]
async fn a_burst_fits_the_brokers_messages_however_it_is_packed() {
    let server = Server::start().await;
    let publisher = Publisher::spawn(quick(server.payer()));
    let bodies: Vec<String> = (0..300).map(|n| "付".repeat(10 * n)).collect();
    let order_pay = Destination::queue("order_pay").unwrap();
    let publish = |body| publisher.publish(Publication::new(order_pay.clone(), body));
    let results = soon(join_all(bodies.into_iter().map(publish))).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    server.stop().await;
}

/// Spans and sizes without a limit are taken as such.
#[tokio::test]
async fn what_has_no_limit_is_taken_as_that() {
    let server = Server::start().await;
    let mut config = PublisherConfig::new(server.payer());
    config.queue = usize::MAX;
    config.window = usize::MAX;
    config.queue_timeout = Duration::MAX;
    config.receipt_timeout = Duration::MAX;
    config.resend = Resend::Within(Duration::MAX);
    config.connect.connect_timeout = Duration::MAX;
    config.connect.heartbeat = Duration::MAX;
    let publisher = Publisher::spawn(config);
    soon(publisher.publish(message("1"))).await.unwrap();
    assert_eq!(soon(publisher.drain(Duration::MAX)).await.unsettled, 0);
    soon(publisher.publish(message("2"))).await.unwrap();
    let stopped = soon(publisher.shutdown(Duration::MAX)).await;
    assert_eq!(stopped.unsettled, 0);
    server.stop().await;
}
