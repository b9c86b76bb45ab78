//! Connections that are broken and not closed: each is found in bounded time and called what it is,
//! and the publisher goes on. Against the embedded broker and RabbitMQ, over TCP and WebSocket.

#![allow(clippy::unwrap_used)]

mod common;

use common::fault_proxy::{End, Fate, Fault, FaultProxy, Way};
use common::target::{Scheme, Target, backoff, everywhere};
use common::{SOON, soon};
use futures_util::future::join_all;
use std::time::Duration;
use stomp_bridge::client::{
    BrokerUrl, ConnectError, ConnectOptions, Cut, Destination, Publication, PublishError,
    Publisher, PublisherConfig, Resend, Step,
};
use tokio::time::Instant;

/// The shortest that RabbitMQ agrees on.
const BEAT: Duration = Duration::from_secs(1);
/// For a receipt where it is what finds the fault.
const RECEIPT: Duration = Duration::from_millis(1500);
/// What a fault that is due by then may take on a machine that does other things too.
const SLACK: Duration = Duration::from_secs(4);

/// Beats, and answers at the first cut.
fn once(url: BrokerUrl, receipt_timeout: Duration) -> PublisherConfig {
    let mut config = PublisherConfig::new(url);
    config.connect.heartbeat = BEAT;
    config.receipt_timeout = receipt_timeout;
    config.resend = Resend::Never;
    config.backoff = backoff();
    config
}

fn message(body: impl Into<String>) -> Publication {
    Publication::new(Destination::queue("order_pay").unwrap(), body.into())
}

/// Breaks a connection that works; gives how the next message ended. The one after it must go
/// through, over a second connection.
async fn broken(target: &Target, config: &PublisherConfig, way: Way, fault: Fault) -> Cut {
    let proxy = FaultProxy::whole(target.addr).await;
    let mut config = config.clone();
    config.urls = target.through(proxy.addr).into();
    let publisher = Publisher::spawn(config.clone());
    let answer = soon(publisher.publish(message("before"))).await;
    assert!(answer.is_ok(), "{target}: {answer:?}");
    proxy.now(way, fault).await;
    let begun = Instant::now();
    let cut = match soon(publisher.publish(message("lost"))).await {
        Err(PublishError::Unknown { reason }) => reason,
        other => panic!("{target}: {other:?}"),
    };
    let took = begun.elapsed();
    let due = config.receipt_timeout.min(2 * BEAT);
    assert!(took < due + SLACK, "{target}: {cut:?} after {took:?}");
    assert_eq!(proxy.connections(), 1, "{target}");
    let answer = soon(publisher.publish(message("after"))).await;
    assert!(answer.is_ok(), "{target}: {answer:?}");
    assert_eq!(proxy.connections(), 2, "{target}");
    assert_eq!(publisher.shutdown(SOON).await.unsettled, 0, "{target}");
    cut
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_connection_is_found_by_its_silence() {
    everywhere(async |target| {
        let config = once(target.through(target.addr), SOON);
        let cut = broken(target, &config, Way::ToClient, Fault::Swallow).await;
        assert_eq!(cut, Cut::Silent, "{target}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_whose_bytes_go_nowhere_is_found_by_the_receipt() {
    everywhere(async |target| {
        let mut config = once(target.through(target.addr), RECEIPT);
        for fault in [Fault::Swallow, Fault::Stuck] {
            // The broker still beats, as one under an alarm does.
            let cut = broken(target, &config, Way::ToBroker, fault).await;
            assert_eq!(cut, Cut::Blocked, "{target}");
        }
        config.connect.heartbeat = Duration::ZERO;
        let cut = broken(target, &config, Way::ToBroker, Fault::Swallow).await;
        assert_eq!(cut, Cut::ReceiptTimeout, "{target}");
    })
    .await;
}

/// Over WebSocket we do not announce beats, so that the broker does not look for them.
#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_the_broker_finds_the_same_by_our_silence() {
    everywhere(async |target| {
        if target.scheme == Scheme::Tcp {
            let config = once(target.through(target.addr), SOON);
            let cut = broken(target, &config, Way::ToBroker, Fault::Swallow).await;
            assert!(matches!(cut, Cut::Closed { .. }), "{target}: {cut:?}");
        }
    })
    .await;
}

/// Bodies that no buffer between holds: the writes themselves get stuck.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_takes_no_more_is_left() {
    everywhere(async |target| {
        let proxy = FaultProxy::whole(target.addr).await;
        let mut config = once(target.through(proxy.addr), RECEIPT);
        config.window = 64;
        let publisher = Publisher::spawn(config);
        soon(publisher.publish(message("before"))).await.unwrap();
        proxy.now(Way::ToBroker, Fault::Stuck).await;
        let begun = Instant::now();
        let big = || publisher.publish(message("x".repeat(1024 * 1024)));
        // The first of them get into the buffers; one that waits would be sent next.
        let error = tokio::select! {
            (answer, ..) = futures_util::future::select_all((0..64).map(|_| Box::pin(big()))) => {
                answer.unwrap_err()
            }
            () = tokio::time::sleep(SOON) => panic!("{target}: stuck"),
        };
        let took = begun.elapsed();
        let named = matches!(
            error,
            PublishError::Unknown {
                reason: Cut::Blocked | Cut::Stalled
            }
        );
        assert!(named, "{target}: {error:?}");
        assert!(took < RECEIPT + SLACK, "{target}: {took:?}");
        soon(publisher.publish(message("after"))).await.unwrap();
        assert_eq!(proxy.connections(), 2, "{target}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_stomp_end_the_connection_at_once() {
    everywhere(async |target| {
        let mut config = once(target.through(target.addr), SOON);
        config.connect.heartbeat = Duration::ZERO;
        let fault = Fault::Garble { bytes: 2 };
        let cut = broken(target, &config, Way::ToClient, fault).await;
        assert!(matches!(cut, Cut::Protocol { .. }), "{target}: {cut:?}");
        // Whole heads of it have no end that could be found.
        let config = once(target.through(target.addr), RECEIPT);
        let fault = Fault::Garble { bytes: usize::MAX };
        let cut = broken(target, &config, Way::ToClient, fault).await;
        let named = matches!(
            cut,
            Cut::Protocol { .. } | Cut::Blocked | Cut::ReceiptTimeout
        );
        assert!(named, "{target}: {cut:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_broker_is_waited_for_up_to_the_receipts_time() {
    everywhere(async |target| {
        let config = once(target.through(target.addr), RECEIPT);
        let slow = Fault::Drip {
            bytes: 1,
            pause: Duration::from_millis(300),
        };
        let cut = broken(target, &config, Way::ToClient, slow).await;
        assert_eq!(cut, Cut::Blocked, "{target}: bytes came all the time");

        let slow = Fault::Drip {
            bytes: 16,
            pause: Duration::from_millis(10),
        };
        let fate = move |_| Some(Fate::at_once(Way::ToClient, slow));
        let proxy = FaultProxy::before(target.addr, fate).await;
        let publisher = Publisher::spawn(once(target.through(proxy.addr), SOON));
        let answers = join_all((0..20).map(|n| publisher.publish(message(n.to_string()))));
        for answer in soon(answers).await {
            assert!(answer.is_ok(), "{target}: {answer:?}");
        }
        assert_eq!(proxy.connections(), 1, "{target}");
    })
    .await;
}

/// What goes wrong before there is a session.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_handshake_has_a_name_and_an_end() {
    let options = ConnectOptions {
        connect_timeout: RECEIPT,
        ..ConnectOptions::default()
    };
    let drip = Fault::Drip {
        bytes: 1,
        pause: Duration::from_millis(200),
    };
    let faults = [
        (Way::ToClient, Fault::Swallow),
        (Way::ToBroker, Fault::Swallow),
        (Way::ToBroker, Fault::Stuck),
        (Way::ToClient, drip),
        (Way::ToClient, Fault::Garble { bytes: 1 }),
        (Way::ToClient, Fault::Cut(End::Orderly)),
        (Way::ToClient, Fault::Cut(End::Reset)),
    ];
    everywhere(async |target| {
        let step = match target.scheme {
            Scheme::Tcp => Step::Stomp,
            Scheme::WebSocket => Step::WebSocket,
        };
        for (way, fault) in faults {
            let fate = move |_| Some(Fate::at_once(way, fault));
            let proxy = FaultProxy::before(target.addr, fate).await;
            let url = target.through(proxy.addr);
            let begun = Instant::now();
            let error = soon(Publisher::connect_once(&url, &options)).await;
            let (error, took) = (error.unwrap_err(), begun.elapsed());
            let named = match (fault, target.scheme) {
                (Fault::Garble { .. }, Scheme::Tcp) => {
                    matches!(error, ConnectError::NotStomp { .. })
                }
                (Fault::Cut(_), Scheme::Tcp) => matches!(error, ConnectError::Closed { .. }),
                (Fault::Garble { .. } | Fault::Cut(_), Scheme::WebSocket) => {
                    matches!(error, ConnectError::NotWebSocket { .. })
                }
                _ => error == ConnectError::TimedOut { step },
            };
            // A reset may be there before the connection is looked at.
            let early = fault == Fault::Cut(End::Reset)
                && matches!(error, ConnectError::Unreachable { .. });
            let named = early || (named && error.step() == step);
            assert!(named, "{target}, {fault:?}: {error:?}");
            assert!(took < RECEIPT + SLACK, "{target}, {fault:?}: {took:?}");
        }
    })
    .await;
}
