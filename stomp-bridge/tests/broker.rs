//! The broker's rules, with a peer that says exactly what it wants.

#![allow(clippy::unwrap_used)]

mod common;

use axum::extract::Path;
use axum::extract::ws::WebSocketUpgrade;
use common::raw::{Heard, Raw};
use common::{Server, soon};
use futures_util::{SinkExt, StreamExt};
use std::net::Ipv6Addr;
use std::time::Duration;
use stomp_bridge::broker::{
    Broker, BrokerConfig, BrokerLimits, ConfigError, ExchangeKind, May, User,
};
use stomp_bridge::client::{Destination, Publication, Publisher, PublisherConfig};
use stomp_bridge::frame::{Command, Limits};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::{Error, Message};

#[tokio::test]
async fn the_highest_offered_subprotocol_is_chosen() {
    let server = Server::start().await;
    for (offered, chosen) in [
        ("v12.stomp", Some("v12.stomp")),
        ("v10.stomp, v11.stomp, v12.stomp", Some("v12.stomp")),
        ("v10.stomp, v11.stomp", Some("v11.stomp")),
    ] {
        let (_, got) = Raw::open(server.addr, offered).await.unwrap();
        assert_eq!(got.as_deref(), chosen, "{offered}");
    }
    server.stop().await;
}

#[tokio::test]
async fn frames_may_be_packed_split_and_binary() {
    let server = Server::start().await;
    let (mut raw, _) = Raw::open(server.addr, "v12.stomp").await.unwrap();
    let login = b"\nCONNECT\r\naccept-version:1.2\r\nlogin:listener\r\npasscode:l\r\n\r\n\0\n";
    for byte in login {
        raw.ws.send(Message::binary(vec![*byte])).await.unwrap();
    }
    assert_eq!(raw.frame().await.command, Command::Connected);
    raw.say(
        "SUBSCRIBE\nid:1\ndestination:/queue/order_pay\nreceipt:a\n\n\0\n\
         SUBSCRIBE\nid:2\ndestination:/exchange/paynotify\nreceipt:b\n\n\0",
    )
    .await;
    assert_eq!(raw.frame().await.header("receipt-id"), Some("a"));
    assert_eq!(raw.frame().await.header("receipt-id"), Some("b"));
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_no_text_arrives_whole() {
    let server = Server::start().await;
    let mut reader = Raw::log_in(server.addr, "listener", "l").await;
    reader.subscribe("/queue/order_pay").await;
    let publisher = Publisher::spawn(PublisherConfig::new(server.payer()));
    let body: &[u8] = b"\xff\0\xfe\0";
    let order_pay = Destination::queue("order_pay").unwrap();
    soon(publisher.publish(Publication::new(order_pay, body)))
        .await
        .unwrap();
    assert_eq!(&reader.frame().await.body[..], body);
    server.stop().await;
}

#[tokio::test]
async fn a_login_cannot_carry_a_second_header() {
    let server = Server::start().await;
    let (mut raw, _) = Raw::open(server.addr, "v12.stomp").await.unwrap();
    // In CONNECT an escape is no escape: this is the login of nobody, not payer's with a header.
    raw.say("CONNECT\naccept-version:1.2\nlogin:payer\\npasscode:p@y\npasscode:p@y\n\n\0")
        .await;
    assert_eq!(raw.error().await, "Bad CONNECT");

    // In SEND it is one: the value comes out as it went in, and forges nothing.
    let mut reader = Raw::log_in(server.addr, "listener", "l").await;
    reader.subscribe("/queue/order_pay").await;
    let mut sender = Raw::log_in(server.addr, "payer", "p@y").await;
    sender
        .say("SEND\ndestination:/queue/order_pay\nx-outbox-id:a\\nredelivered\\ctrue\n\nb\0")
        .await;
    let got = reader.frame().await;
    assert_eq!(got.header("x-outbox-id"), Some("a\nredelivered:true"));
    assert_eq!(got.header("redelivered"), Some("false"));
    server.stop().await;
}

#[tokio::test]
async fn what_a_lost_consumer_did_not_acknowledge_goes_to_the_next() {
    let server = Server::start().await;
    let mut sender = Raw::log_in(server.addr, "payer", "p@y").await;
    for body in ["1", "2", "3"] {
        sender
            .say(&format!(
                "SEND\ndestination:/queue/order_pay\nreceipt:r\n\n{body}\0"
            ))
            .await;
        assert_eq!(sender.frame().await.command, Command::Receipt);
    }
    let mut lost = Raw::log_in(server.addr, "listener", "l").await;
    lost.say(
        "SUBSCRIBE\nid:0\ndestination:/queue/order_pay\nack:client-individual\n\
         prefetch-count:2\n\n\0",
    )
    .await;
    let (one, two) = (lost.frame().await, lost.frame().await);
    assert_eq!((&one.body[..], &two.body[..]), (&b"1"[..], &b"2"[..]));
    let id = one.header("ack").unwrap();
    lost.say(&format!("ACK\nid:{id}\n\n\0")).await;
    assert_eq!(&lost.frame().await.body[..], b"3", "the ACK made room");
    drop(lost);

    let mut next = Raw::log_in(server.addr, "listener", "l").await;
    next.say("SUBSCRIBE\nid:0\ndestination:/queue/order_pay\n\n\0")
        .await;
    for body in [b"2", b"3"] {
        let again = next.frame().await;
        assert_eq!(
            (&again.body[..], again.header("redelivered")),
            (&body[..], Some("true"))
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn the_broker_beats_as_agreed() {
    let server = Server::start().await;
    let (mut raw, _) = Raw::open(server.addr, "v12.stomp").await.unwrap();
    raw.say("CONNECT\naccept-version:1.2\nlogin:payer\npasscode:p@y\nheart-beat:0,1\n\n\0")
        .await;
    assert_eq!(raw.frame().await.header("heart-beat"), Some("1000,0"));
    let beat = tokio::time::timeout(Duration::from_secs(1), raw.ws.next()).await;
    assert_eq!(
        beat.expect("within the interval").unwrap().unwrap(),
        Message::text("\n")
    );
    server.stop().await;
}

#[tokio::test]
async fn limits_on_frames_headers_and_time_hold() {
    let frame = Limits {
        max_frame_bytes: 300,
        max_headers: 5,
        max_header_bytes: 100,
    };
    let limits = BrokerLimits {
        frame,
        connect_timeout: Duration::from_millis(50),
        ..BrokerLimits::default()
    };
    let server = Server::with(limits).await;
    let long = "y".repeat(101);
    for frame in [
        format!(
            "SEND\ndestination:/queue/order_pay\n\n{}\0",
            "x".repeat(300)
        ),
        format!("SEND\ndestination:/queue/order_pay\nx:{long}\n\nx\0"),
        format!("SEND\n{}\n\0", "a:b\n".repeat(6)),
        "SEND\ndestination:/queue/order_pay\ncontent-length:301\n\n".to_owned(),
    ] {
        let mut raw = Raw::log_in(server.addr, "payer", "p@y").await;
        raw.say(&frame).await;
        assert_eq!(raw.error().await, "Bad frame", "{frame:.60}");
    }
    // Above what any packing could need, the WebSocket itself ends.
    let mut raw = Raw::log_in(server.addr, "payer", "p@y").await;
    raw.say(&"\n".repeat(16 * 1024 + 1)).await;
    assert!(matches!(raw.hear().await, Heard::Closed(_)));
    // Who says nothing is not waited for.
    let (mut mute, _) = Raw::open(server.addr, "v12.stomp").await.unwrap();
    assert_eq!(mute.error().await, "Bad CONNECT");
    server.stop().await;
}

#[tokio::test]
async fn one_connection_too_many_is_turned_away_until_another_leaves() {
    let limits = BrokerLimits {
        max_connections: 1,
        ..BrokerLimits::default()
    };
    let server = Server::with(limits).await;
    let mut first = Raw::log_in(server.addr, "listener", "l").await;
    first.subscribe("/exchange/paynotify").await;
    assert_eq!(server.broker.stats().connections, 1);
    assert_eq!(server.broker.stats().subscriptions, 1);
    match Raw::open(server.addr, "v12.stomp").await.map(|_| ()) {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 503),
        other => panic!("{other:?}"),
    }
    first.say("DISCONNECT\nreceipt:bye\n\n\0").await;
    assert_eq!(first.frame().await.header("receipt-id"), Some("bye"));
    assert_eq!(first.hear().await, Heard::Closed(Some(1000)));
    soon(async {
        while Raw::open(server.addr, "v12.stomp").await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(server.broker.stats().subscriptions, 0);
    server.stop().await;
}

#[tokio::test]
async fn one_address_has_its_share_of_connections_where_the_mount_tells_it() {
    let limits = BrokerLimits {
        max_connections_per_address: 1,
        ..BrokerLimits::default()
    };
    let broker = Broker::new(common::config(limits)).unwrap();
    let mounted = broker.clone();
    // The last part of the path stands for the address that a proxy would tell.
    let upgrade = move |Path(last): Path<u16>, ws: WebSocketUpgrade| async move {
        mounted.upgrade_from(
            ws,
            Ipv6Addr::new(0x2001, 0xdb8, 0, last >> 8, 0, 0, 0, last).into(),
        )
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let app = axum::Router::new().route("/ws/{last}", axum::routing::get(upgrade));
    let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let connect = async |last: u16| {
        let tcp = TcpStream::connect(addr).await.unwrap();
        soon(client_async(format!("ws://{addr}/ws/{last}"), tcp)).await
    };
    let first = connect(1).await.unwrap();
    // Who has one IPv6 address has the whole of its network.
    for same in [1, 2] {
        match connect(same).await.map(|_| ()) {
            Err(Error::Http(answer)) => assert_eq!(answer.status(), 503),
            other => panic!("{other:?}"),
        }
    }
    connect(0x101).await.unwrap();
    drop(first);
    soon(async { while connect(2).await.is_err() {} }).await;
    task.abort();
}

#[tokio::test]
async fn a_slow_consumer_is_dropped_and_the_others_are_served() {
    let limits = BrokerLimits {
        max_outgoing: 64,
        ..BrokerLimits::default()
    };
    let server = Server::with(limits).await;
    let mut slow = Raw::log_in(server.addr, "listener", "l").await;
    slow.subscribe("/exchange/paynotify").await;
    let mut quick = Raw::log_in(server.addr, "listener", "l").await;
    quick.subscribe("/exchange/paynotify").await;
    let publisher = Publisher::spawn(PublisherConfig::new(server.payer()));
    let body = |n: usize| format!("{n:07};").repeat(2000);
    let mut sent = 0;
    // The slow one reads nothing: the socket's buffers fill first, then its 64 places.
    while server.broker.stats().dropped == 0 {
        let paynotify = Destination::exchange("paynotify", None).unwrap();
        soon(publisher.publish(Publication::new(paynotify, body(sent))))
            .await
            .unwrap();
        assert!(quick.frame().await.body == body(sent).as_bytes());
        sent += 1;
        assert!(sent < 20_000, "300 MB went to somebody who does not read");
    }
    // It reads now: what there was comes whole, and then why there is no more.
    let mut next = 0;
    let error = loop {
        let frame = slow.frame().await;
        if frame.command != Command::Message {
            break frame;
        }
        assert!(frame.body == body(next).as_bytes(), "the body of {next}");
        next += 1;
    };
    assert_eq!(error.command, Command::Error, "{error:?}");
    assert_eq!(error.header("message"), Some("slow_consumer"));
    assert_eq!(slow.hear().await, Heard::Closed(Some(1008)));
    server.stop().await;
}

#[tokio::test]
async fn shutdown_says_going_away_and_takes_nobody_new() {
    let server = Server::start().await;
    let mut raw = Raw::log_in(server.addr, "listener", "l").await;
    let broker = server.broker.clone();
    let (left, heard) = tokio::join!(broker.shutdown(common::SOON), raw.hear());
    assert_eq!((left, heard), (0, Heard::Closed(Some(1001))));
    assert!(Raw::open(server.addr, "v12.stomp").await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn dropping_the_last_handle_closes_its_connections() {
    let server = Server::start().await;
    let mut raw = Raw::log_in(server.addr, "listener", "l").await;
    assert_eq!(server.broker.stats().connections, 1);
    server.abandon().await;
    assert_eq!(raw.hear().await, Heard::Closed(Some(1001)));
}

#[tokio::test]
async fn a_page_without_heart_beats_is_pinged_and_one_that_is_gone_is_dropped() {
    let limits = BrokerLimits {
        ping_interval: Duration::from_millis(50),
        ..Default::default()
    };
    let server = Server::with(limits).await;
    let mut raw = Raw::log_in(server.addr, "listener", "l").await;
    // Reading answers the pings underneath: three of them, so the answers count.
    for _ in 0..3 {
        let ping = soon(raw.ws.next()).await.unwrap().unwrap();
        assert!(ping.is_ping(), "{ping:?}");
        raw.ws.flush().await.unwrap();
    }
    assert_eq!(server.broker.stats().connections, 1);
    // Now it answers nothing.
    soon(async {
        while server.broker.stats().connections == 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    server.stop().await;
}

#[test]
fn a_wrong_configuration_is_refused_by_name() {
    let broker = |config| Broker::new(config).map(|_| ()).unwrap_err();
    let base = || BrokerConfig::new().exchange("a", ExchangeKind::Fanout);
    let unknown = |name: &str| ConfigError::UnknownName { name: name.into() };
    let twice = |kind, name: &str| ConfigError::Duplicate {
        kind,
        name: name.into(),
    };
    assert_eq!(broker(base().bind("a", "b", "")), unknown("b"));
    assert_eq!(broker(base().bind("c", "a", "")), unknown("c"));
    assert_eq!(
        broker(base().exchange("a", ExchangeKind::Direct)),
        twice("exchange", "a")
    );
    assert_eq!(broker(base().queue("q").queue("q")), twice("queue", "q"));
    let user = || User::new("u", "secret-passcode").read(May::All);
    assert_eq!(broker(base().user(user()).user(user())), twice("user", "u"));
    assert_eq!(
        broker(base().queue("amq.x")),
        ConfigError::Name {
            name: "amq.x".into()
        }
    );
    assert!(!format!("{:?}", base().user(user())).contains("secret-passcode"));
}
