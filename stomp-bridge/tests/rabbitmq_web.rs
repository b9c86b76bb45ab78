//! What a client makes of RabbitMQ's (3.10) WebSocket where it is no STOMP that goes wrong, and how large a message may be.
//!
//! | RabbitMQ | held by |
//! |---|---|
//! | another path than `/ws` | `a_wrong_path_is_told` |
//! | which subprotocol it takes | `the_highest_subprotocol_is_chosen_and_none_is_taken_too` |
//! | a body that is not UTF-8, in text mode | `a_body_that_is_no_text_…` |
//! | 20 MB | `twenty_megabytes_…` |
//! | DISCONNECT over TCP | `a_disconnect_over_tcp_gets_its_receipt_and_the_end` |

#![allow(clippy::unwrap_used)]

mod common;

use common::rabbitmq::{account_and_address, ctl, fresh, root, stomp, web_stomp};
use common::raw::Raw;
use common::target::backoff;
use common::{SOON, soon};
use std::net::SocketAddr;
use stomp_bridge::client::{
    BrokerUrl, ConnectError, ConnectOptions, Cut, Destination, Lost, Publication, PublishError,
    Publisher, PublisherConfig, Step, Subscriber, SubscriberConfig, SubscriberStatus,
};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::{ProtocolError, SubProtocolError};

/// Who may do everything.
fn admin(scheme: &str, addr: SocketAddr, path: &str) -> BrokerUrl {
    let ((login, passcode), _) = account_and_address("RABBITMQ_ADMIN_URL");
    let url = format!("{scheme}://{login}:{passcode}@{addr}{path}");
    url.parse().unwrap()
}

async fn publish(url: BrokerUrl, to: &Destination, body: impl Into<Vec<u8>>) {
    let publisher = Publisher::spawn(PublisherConfig::new(url));
    let publication = Publication::new(to.clone(), body.into());
    soon(publisher.publish(publication)).await.unwrap();
    publisher.shutdown(SOON).await;
}

fn reader(url: BrokerUrl, of: &Destination) -> SubscriberConfig {
    let mut config = SubscriberConfig::new(url, of.clone());
    config.backoff = backoff();
    config
}

/// What the subscriber last lost its connection by, once it says so and `wanted` is in it.
async fn lost(subscriber: &Subscriber, wanted: &str) -> Lost {
    let mut status = subscriber.status();
    let told = |status: &SubscriberStatus| match status {
        SubscriberStatus::Connecting {
            last_error: Some(lost),
            ..
        } => Some(lost.clone()),
        _ => None,
    };
    let is_told = |status: &SubscriberStatus| {
        told(status).is_some_and(|lost| lost.to_string().contains(wanted))
    };
    let found = soon(status.wait_for(is_told)).await.unwrap();
    told(&found).unwrap()
}

#[tokio::test]
async fn a_wrong_path_is_told() {
    let wrong = admin("ws", web_stomp(), "/nowhere");
    let error = Publisher::connect_once(&wrong, &ConnectOptions::default()).await;
    let error = error.unwrap_err();
    assert_eq!(error, ConnectError::UpgradeRefused { status: 404 });
    assert_eq!(error.step(), Step::WebSocket);
}

#[tokio::test]
async fn the_highest_subprotocol_is_chosen_and_none_is_taken_too() {
    for (offered, chosen) in [
        ("v12.stomp", Some("v12.stomp")),
        ("v10.stomp, v11.stomp", Some("v11.stomp")),
    ] {
        let (_, answered) = Raw::open(web_stomp(), offered).await.unwrap();
        assert_eq!(answered.as_deref(), chosen, "{offered}");
    }
    // It upgrades and names none, which this client does not take.
    let unknown = Raw::open(web_stomp(), "mqtt").await.err().unwrap();
    let none = ProtocolError::SecWebSocketSubProtocolError(SubProtocolError::NoSubProtocol);
    assert!(matches!(unknown, Error::Protocol(why) if why == none));
}

/// It ends each connection that it is sent to, and is sent to each; so it is told, and who reads over TCP can take it away.
#[tokio::test]
async fn a_body_that_is_no_text_is_told_and_what_is_behind_it_waits_until_it_is_gone() {
    let name = fresh("no-text");
    let queue = Destination::queue(&name).unwrap();
    let tcp = || admin("stomp", stomp(), "");
    publish(tcp(), &queue, b"\xff\x00\xfe").await;
    publish(tcp(), &queue, "text").await;
    let mut over_ws = Subscriber::spawn(reader(admin("ws", web_stomp(), "/ws"), &queue));
    let lost = lost(&over_ws, "UTF-8").await;
    assert!(matches!(lost, Lost::Cut(Cut::Protocol { .. })), "{lost:?}");

    let mut over_tcp = Subscriber::spawn(reader(tcp(), &queue));
    loop {
        let message = soon(over_tcp.recv()).await.unwrap();
        soon(message.ack()).await.unwrap();
        if message.body[..] == b"\xff\x00\xfe"[..] {
            break;
        }
        publish(tcp(), &queue, message.body.to_vec()).await;
    }
    over_tcp.close().await;
    let message = soon(over_ws.recv()).await.unwrap();
    assert_eq!(message.text(), Some("text"));
    soon(message.ack()).await.unwrap();
    over_ws.close().await;
    ctl(&["delete_queue", &name]).await;
}

#[tokio::test]
async fn twenty_megabytes_go_both_ways_where_the_limit_allows_them() {
    let name = fresh("large");
    let queue = Destination::queue(&name).unwrap();
    let ws = || admin("ws", web_stomp(), "/ws");
    let body = vec![b'x'; 20_000_000];
    let publication = || Publication::new(queue.clone(), body.clone());
    let publisher = Publisher::spawn(PublisherConfig::new(ws()));
    let refused = soon(publisher.publish(publication())).await.unwrap_err();
    assert!(matches!(refused, PublishError::NotSent(_)), "{refused:?}");
    publisher.shutdown(SOON).await;
    let mut config = PublisherConfig::new(ws());
    config.max_body_bytes = body.len();
    let publisher = Publisher::spawn(config);
    soon(publisher.publish(publication())).await.unwrap();
    publisher.shutdown(SOON).await;

    let careful = Subscriber::spawn(reader(ws(), &queue));
    let lost = lost(&careful, "too long").await;
    assert!(matches!(lost, Lost::Cut(Cut::Protocol { .. })), "{lost:?}");
    careful.close().await;

    let mut config = reader(ws(), &queue);
    config.connect.limits.max_frame_bytes = 21_000_000;
    let mut generous = Subscriber::spawn(config);
    let message = soon(generous.recv()).await.unwrap();
    assert!(message.body == body, "{} bytes", message.body.len());
    soon(message.ack()).await.unwrap();
    generous.close().await;
    ctl(&["delete_queue", &name]).await;
}

#[tokio::test]
async fn a_disconnect_over_tcp_gets_its_receipt_and_the_end() {
    let mut tcp = root().await;
    assert!(tcp.done("DISCONNECT", "").await.is_empty());
    assert_eq!(tcp.next().await, None);
}
