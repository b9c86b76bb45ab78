//! The broker's own listeners, and what strangers can do there.

#![allow(clippy::unwrap_used)]

mod common;

use common::raw::{Heard, Raw};
use common::tcp::Tcp;
use common::{SOON, config, soon};
use futures_util::SinkExt;
use std::net::SocketAddr;
use std::time::Duration;
use stomp_bridge::broker::{Broker, BrokerConfig, BrokerLimits, ExchangeKind, May, Policy, User};
use stomp_bridge::frame::Command;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::{Error, Message};

struct Alone {
    broker: Broker,
    ws: SocketAddr,
    tcp: SocketAddr,
    serving_ws: JoinHandle<()>,
    serving_tcp: JoinHandle<()>,
}

impl Alone {
    async fn start(config: BrokerConfig) -> Self {
        let broker = Broker::new(config).unwrap();
        let listen = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (ws, tcp) = (listen().await, listen().await);
        Self {
            ws: ws.local_addr().unwrap(),
            tcp: tcp.local_addr().unwrap(),
            serving_ws: tokio::spawn(broker.serve_ws(ws)),
            serving_tcp: tokio::spawn(broker.serve_tcp(tcp)),
            broker,
        }
    }

    async fn with(limits: BrokerLimits) -> Self {
        Self::start(config(limits)).await
    }

    async fn until_empty(&self) {
        soon(async {
            while self.broker.stats().connections > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

async fn end_of(mut socket: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    soon(socket.read_to_end(&mut all)).await.unwrap();
    all
}

#[tokio::test]
async fn tcp_and_websocket_are_one_broker_until_it_is_shut_down() {
    let alone = Alone::with(BrokerLimits::default()).await;
    let (_, chosen) = Raw::open(alone.ws, "v10.stomp, v12.stomp").await.unwrap();
    assert_eq!(chosen.as_deref(), Some("v12.stomp"));
    let mut page = Raw::log_in(alone.ws, "webguest", "webguest").await;
    page.subscribe("/exchange/paynotify.page/k1").await;
    let mut payer = Tcp::log_in(alone.tcp, "payer", "p@y", "1.2").await;
    for key in ["k2", "k1"] {
        let send = format!("SEND\ndestination:/exchange/paynotify/{key}");
        assert!(payer.done(&send, key).await.is_empty());
    }
    assert_eq!(&page.frame().await.body[..], b"k1", "and nothing else");

    let (left, page) = tokio::join!(alone.broker.shutdown(SOON), page.hear());
    assert_eq!((left, page), (0, Heard::Closed(Some(1001))));
    assert_eq!(payer.next().await, None);
    soon(alone.serving_ws).await.unwrap();
    soon(alone.serving_tcp).await.unwrap();
    assert!(TcpStream::connect(alone.tcp).await.is_err());
}

#[tokio::test]
async fn listeners_end_with_their_future_or_with_the_last_handle() {
    let alone = Alone::with(BrokerLimits::default()).await;
    let mut page = Raw::log_in(alone.ws, "listener", "l").await;
    page.subscribe("/exchange/paynotify").await;
    alone.serving_ws.abort();
    assert_eq!(page.hear().await, Heard::Closed(None));
    alone.until_empty().await;
    assert_eq!(alone.broker.stats().subscriptions, 0);

    let mut other = Tcp::log_in(alone.tcp, "listener", "l", "1.2").await;
    drop(alone.broker);
    assert_eq!(other.next().await, None);
    soon(alone.serving_tcp).await.unwrap();
}

#[tokio::test]
async fn only_the_websockets_own_path_is_there() {
    let alone = Alone::with(BrokerLimits::default()).await;
    for (path, is_there) in [("/ws", true), ("/ws/", true), ("/", false), ("/wss", false)] {
        let tcp = TcpStream::connect(alone.ws).await.unwrap();
        let answer = soon(client_async(format!("ws://{}{path}", alone.ws), tcp)).await;
        match answer {
            Ok(_) => assert!(is_there, "{path}"),
            Err(Error::Http(answer)) => {
                assert!(!is_there && answer.status() == 404, "{path}: {answer:?}");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    let mut tcp = TcpStream::connect(alone.ws).await.unwrap();
    tcp.write_all(b"POST /ws HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let answer = end_of(tcp).await;
    assert!(!answer.starts_with(b"HTTP/1.1 101"), "{answer:?}");
    alone.until_empty().await;
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_on_both_listeners() {
    let limits = BrokerLimits {
        max_connections: 1,
        ..BrokerLimits::default()
    };
    let alone = Alone::with(limits).await;
    let first = Tcp::log_in(alone.tcp, "listener", "l", "1.2").await;
    match Raw::open(alone.ws, "v12.stomp").await.map(|_| ()) {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 503),
        other => panic!("{other:?}"),
    }
    let mut second = Tcp::connect(alone.tcp).await;
    let (message, body) = second.error().await;
    assert_eq!(message, "resource_error");
    assert_eq!(body, "RESOURCE_ERROR - no room for a connection");
    assert_eq!(second.next().await, None);
    drop(first);
    alone.until_empty().await;
    Tcp::log_in(alone.tcp, "listener", "l", "1.2").await;
}

/// Elsewhere 127.0.0.2 is not there from the start.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_address_has_its_share_of_connections_on_both_listeners() {
    let limits = BrokerLimits {
        max_connections_per_address: 2,
        ..BrokerLimits::default()
    };
    let alone = Alone::with(limits).await;
    let first = Tcp::log_in(alone.tcp, "listener", "l", "1.2").await;
    let _second = Raw::log_in(alone.ws, "listener", "l").await;
    match Raw::open(alone.ws, "v12.stomp").await.map(|_| ()) {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 503),
        other => panic!("{other:?}"),
    }
    let mut third = Tcp::connect(alone.tcp).await;
    assert_eq!(third.error().await.0, "resource_error");
    // From elsewhere there is room.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut elsewhere = Tcp::over(socket.connect(alone.tcp).await.unwrap());
    elsewhere.log_in_as("listener", "l", "1.2").await;
    assert_eq!(alone.broker.stats().connections, 3);
    drop(first);
    soon(async {
        while alone.broker.stats().connections > 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    Tcp::log_in(alone.tcp, "listener", "l", "1.2").await;
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    let limits = BrokerLimits {
        connect_timeout: Duration::from_millis(50),
        ..BrokerLimits::default()
    };
    let alone = Alone::with(limits).await;
    let mut mute = Tcp::connect(alone.tcp).await;
    assert_eq!(mute.error().await.0, "Bad CONNECT");
    assert_eq!(mute.next().await, None);
    let no_handshake = TcpStream::connect(alone.ws).await.unwrap();
    assert!(end_of(no_handshake).await.is_empty());
    alone.until_empty().await;
}

#[tokio::test]
async fn an_error_arrives_though_more_was_on_its_way() {
    let alone = Alone::with(BrokerLimits::default()).await;
    for _ in 0..20 {
        let mut tcp = Tcp::log_in(alone.tcp, "payer", "p@y", "1.2").await;
        let more = "x".repeat(500_000);
        tcp.say(&format!("SEND\ndestination:/exchange/nope\n\n\0{more}"))
            .await;
        assert_eq!(tcp.error().await.0, "access_refused");
    }
}

#[tokio::test]
async fn an_idle_tcp_connection_is_probed_and_not_closed_for_its_silence() {
    let limits = BrokerLimits {
        ping_interval: Duration::from_millis(20),
        ..BrokerLimits::default()
    };
    let alone = Alone::with(limits).await;
    let mut socket = TcpStream::connect(alone.tcp).await.unwrap();
    socket
        .write_all(b"CONNECT\naccept-version:1.2\nlogin:listener\npasscode:l\n\n\0")
        .await
        .unwrap();
    let mut heard = Vec::new();
    // CONNECTED, and then more line ends than two intervals have.
    while !heard.ends_with(b"\0\n\n\n\n\n") {
        let mut bytes = [0; 512];
        let n = soon(socket.read(&mut bytes)).await.unwrap();
        assert!(n > 0, "closed after {}", heard.escape_ascii());
        heard.extend_from_slice(&bytes[..n]);
    }
    // Where beats were agreed, silence is the end.
    let mut silent = Tcp::connect(alone.tcp).await;
    silent
        .say("CONNECT\naccept-version:1.2\nlogin:listener\npasscode:l\nheart-beat:1,0\n\n\0")
        .await;
    let connected = silent.frame().await;
    assert_eq!(connected.header("heart-beat"), Some("0,1000"));
    assert_eq!(silent.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_does_not_run_ahead_of_those_who_read() {
    const PAGES: usize = 20;
    const MESSAGES: usize = 5000;
    let limits = BrokerLimits {
        max_outgoing: 32,
        slow_grace: SOON,
        ..BrokerLimits::default()
    };
    let alone = Alone::with(limits).await;
    let mut pages = Vec::new();
    for _ in 0..PAGES {
        let mut page = Raw::log_in(alone.ws, "listener", "l").await;
        page.subscribe("/exchange/paynotify").await;
        pages.push(tokio::spawn(async move {
            for n in 0..MESSAGES {
                assert_eq!(page.frame().await.body, n.to_string().as_bytes());
            }
        }));
    }
    // As much at once as the sockets take.
    let mut payer = Raw::log_in(alone.ws, "payer", "p@y").await;
    for n in 0..MESSAGES {
        let send = format!("SEND\ndestination:/exchange/paynotify\n\n{n}\0");
        payer.ws.feed(Message::text(send)).await.unwrap();
    }
    soon(payer.ws.flush()).await.unwrap();
    for page in pages {
        soon(page).await.unwrap();
    }
    assert_eq!(alone.broker.stats().dropped, 0);
    assert_eq!(alone.broker.stats().delivered, (PAGES * MESSAGES) as u64);
}

/// RabbitMQ's way to keep pages apart leaves a hole: who may declare `stomp-subscription-…` may
/// leave such queues behind.
#[tokio::test]
async fn the_hole_of_named_queues_is_not_there_or_is_closed_by_policy() {
    // With the rights that a page needs here, it may declare nothing.
    let alone = Alone::with(BrokerLimits::default()).await;
    let own = "x-queue-name:stomp-subscription-z\ndurable:true\nauto-delete:false\n";
    for (headers, destination) in [
        (own, "/exchange/paynotify.page/k"),
        ("", "/queue/stomp-subscription-z"),
    ] {
        let mut page = Tcp::log_in(alone.tcp, "webguest", "webguest", "1.2").await;
        page.say(&format!(
            "SUBSCRIBE\nid:0\n{headers}destination:{destination}\n\n\0"
        ))
        .await;
        let (message, body) = page.error().await;
        assert_eq!(message, "access_refused");
        assert!(
            body.contains("access to queue 'stomp-subscription-z'"),
            "{body}"
        );
    }
    assert_eq!(alone.broker.stats().queues, 1, "order_pay");

    // With RabbitMQ's rights and policy it may, and what it leaves goes and does not grow.
    let own_names = || May::matching("^stomp-subscription-").unwrap();
    let webguest = User::new("webguest", "webguest")
        .configure(own_names())
        .write(own_names())
        .read(May::matching(r"^(paynotify\.page$|stomp-subscription-)").unwrap());
    let payer =
        User::new("payer", "p@y").write(May::matching(r"^(paynotify|amq\.default)$").unwrap());
    let policy = Policy::new("^stomp-subscription-").unwrap();
    let unused = Duration::from_millis(500);
    let config = BrokerConfig::new()
        .exchange("paynotify", ExchangeKind::Fanout)
        .exchange("paynotify.page", ExchangeKind::Direct)
        .bind("paynotify", "paynotify.page", "")
        .user(webguest)
        .user(payer)
        .policy(policy.expires(unused).max_length(10));
    let alone = Alone::start(config).await;
    let subscribe = format!(
        "SUBSCRIBE\nid:0\n{own}x-expires:86400000\nx-max-length:1000000\n\
         destination:/exchange/paynotify.page/k"
    );
    let mut page = Tcp::log_in(alone.tcp, "webguest", "webguest", "1.2").await;
    page.done(&subscribe, "").await;
    page.done("UNSUBSCRIBE\nid:0", "").await;
    let mut payer = Tcp::log_in(alone.tcp, "payer", "p@y", "1.2").await;
    for n in 0..30 {
        payer
            .done("SEND\ndestination:/exchange/paynotify/k", &n.to_string())
            .await;
    }
    let dropped = alone.broker.stats().dropped;
    assert_eq!(dropped, 20, "the queue holds ten");
    soon(async {
        while alone.broker.stats().queues > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    for (headers, message) in [
        ("x-queue-type:stream", "not_implemented"),
        ("x-dead-letter-exchange:paynotify", "access_refused"),
    ] {
        let mut page = Tcp::log_in(alone.tcp, "webguest", "webguest", "1.2").await;
        page.say(&format!("{subscribe}\n{headers}\n\n\0")).await;
        let error = page.frame().await;
        assert_eq!(error.command, Command::Error);
        assert_eq!(error.header("message"), Some(message));
    }
}
