//! How a session begins: its steps, its version, and what carries its frames.

#![allow(clippy::unwrap_used)]

mod common;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use common::script::{Peer, Script};
use common::{SOON, Server, soon};
use futures_util::future::join_all;
use std::time::Duration;
use stomp_bridge::client::{
    Backoff, BrokerUrl, ConnectError, ConnectOptions, Cut, Destination, Publication, PublishError,
    Publisher, PublisherConfig, Resend, Step, StepReport, probe,
};
use stomp_bridge::frame::{Command, Frame, Limits, Parser};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn message(body: &str) -> Publication {
    Publication::new(Destination::queue("order_pay").unwrap(), body.to_owned())
}

async fn told(url: &BrokerUrl) -> (Vec<StepReport>, Result<String, ConnectError>) {
    let mut steps = Vec::new();
    let options = ConnectOptions::default();
    let done = soon(probe(url, &options, |step| steps.push(step))).await;
    (steps, done.map(|server| server.to_string()))
}

#[tokio::test]
async fn an_attempt_is_told_step_by_step() {
    let server = Server::start().await;
    let (steps, done) = told(&server.payer()).await;
    let addr = server.addr;
    let shown: Vec<_> = steps.iter().map(|s| (s.step, s.detail.clone())).collect();
    let server_says = done.unwrap();
    assert!(server_says.starts_with("STOMP 1.2"), "{server_says}");
    let expected = [
        (Step::Resolve, addr.ip().to_string()),
        (Step::Tcp, addr.to_string()),
        (Step::WebSocket, "v12.stomp".to_owned()),
        (Step::Stomp, server_says),
    ];
    assert_eq!(shown, expected);
    assert!(steps.iter().all(|s| s.took < SOON));

    let wrong = server.url("payer:wrong");
    let (steps, done) = told(&wrong).await;
    assert_eq!(steps.last().map(|s| s.step), Some(Step::WebSocket));
    let error = done.unwrap_err();
    assert_eq!(error.step(), Step::Stomp);
    assert!(error.hint().contains("passcode"), "{}", error.hint());
    server.stop().await;
}

#[tokio::test]
async fn whatever_version_connected_names_is_spoken() {
    for (version, named) in [
        ("version:1.2\n", "1.2"),
        ("version:1.1\n", "1.1"),
        ("version:1.0\n", "1.0"),
        ("", "1.0"),
    ] {
        let script = Script::listen().await;
        let broker = async {
            let mut peer = Peer::new(script.accept_tcp().await);
            let connect = peer.frame().await;
            assert_eq!(connect.header("accept-version"), Some("1.0,1.1,1.2"));
            let connected = format!("CONNECTED\n{version}session:a\\b\n\n\0");
            peer.tcp.write_all(connected.as_bytes()).await.unwrap();
            let mut wire = Vec::new();
            while !wire.ends_with(b"\0") {
                wire.push(peer.tcp.read_u8().await.unwrap());
            }
            let receipt = b"RECEIPT\nreceipt-id:1\n\n\0";
            peer.tcp.write_all(receipt).await.unwrap();
            (peer, String::from_utf8(wire).unwrap())
        };
        let publisher = Publisher::spawn(PublisherConfig::new(script.url()));
        let publish = publisher.publish(message("x").content_type("a:b\\c"));
        let (answer, (_peer, wire)) = tokio::join!(soon(publish), broker);
        answer.unwrap();
        let line = match named {
            "1.0" => "content-type:a:b\\c\n",
            _ => "content-type:a\\cb\\\\c\n",
        };
        assert!(wire.contains(line), "{named}: {wire:?}");
        let status = format!("{:?}", publisher.status().borrow());
        assert!(status.contains(&format!("version: {named:?}")), "{status}");
    }
}

#[tokio::test]
async fn an_unknown_version_is_no_session() {
    let script = Script::listen().await;
    let broker = async {
        let mut peer = Peer::new(script.accept_tcp().await);
        peer.frame().await;
        peer.say(&Frame::new(Command::Connected).with("version", "2.0"))
            .await;
        peer
    };
    let url = script.url();
    let ((_, done), _peer) = tokio::join!(told(&url), broker);
    let error = done.unwrap_err();
    assert!(matches!(&error, ConnectError::NotStomp { reason } if reason.contains("2.0")));
}

#[tokio::test]
async fn the_best_subprotocol_is_offered_first() {
    let script = Script::listen().await;
    let url = format!("ws://{}/ws", script.addr()).parse().unwrap();
    let server = async {
        let mut tcp = script.accept_tcp().await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tcp.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    };
    let ((_, done), head) = tokio::join!(told(&url), server);
    let offered = "Sec-WebSocket-Protocol: v12.stomp, v11.stomp, v10.stomp\r\n";
    assert!(head.contains(offered), "{head}");
    assert!(!head.contains("secret"), "credentials travel in CONNECT");
    assert_eq!(done.unwrap_err().step(), Step::WebSocket);
}

/// Takes whatever comes as one stream; answers with one frame cut over messages of both kinds, and
/// with frames packed into one.
async fn cuts_and_packs(mut socket: WebSocket) {
    let mut parser = Parser::new(Limits::default());
    let mut receipts = Vec::new();
    while let Some(Ok(got)) = socket.recv().await {
        let (Message::Text(_) | Message::Binary(_)) = got else {
            continue;
        };
        parser.push(&got.into_data());
        while let Some(frame) = parser.next_frame().unwrap() {
            match frame.command {
                Command::Connect => {
                    for piece in [
                        "CONNECT",
                        "ED\nversion:1.2\nheart",
                        "-beat:0,0\n\n",
                        "\0",
                        "\n",
                    ] {
                        let text = Message::text(piece);
                        let bytes = Message::binary(piece.as_bytes().to_vec());
                        let piece = if piece.len() > 4 { text } else { bytes };
                        socket.send(piece).await.unwrap();
                    }
                }
                Command::Send => {
                    let id = frame.header("receipt").unwrap();
                    receipts.push(format!("RECEIPT\nreceipt-id:{id}\n\n\0\n"));
                }
                other => assert_eq!(other, Command::Disconnect),
            }
        }
        if receipts.len() == 3 {
            let all = receipts.drain(..).collect::<String>();
            socket.send(Message::text(all)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_websocket_may_pack_frames_and_cut_them_and_choose_any_subprotocol() {
    // It binds no version, as with RabbitMQ.
    publishes_where_the_server_knows("v10.stomp").await;
}

#[tokio::test]
async fn a_websocket_server_may_know_no_subprotocol() {
    publishes_where_the_server_knows("other").await;
}

async fn publishes_where_the_server_knows(subprotocol: &'static str) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    let upgrade = move |ws: WebSocketUpgrade| async move {
        ws.protocols([subprotocol]).on_upgrade(cuts_and_packs)
    };
    let app = axum::Router::new().route("/ws", axum::routing::get(upgrade));
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let publisher = Publisher::spawn(PublisherConfig::new(url.parse().unwrap()));
    // A body above what one message of ours holds: it is cut too.
    let large = "付".repeat(3_000);
    let bodies = ["a\0b", "", &large];
    let all = soon(join_all(
        bodies.map(|body| publisher.publish(message(body))),
    ))
    .await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    publisher.shutdown(SOON).await;
    server.abort();
}

#[tokio::test]
async fn limit_18_receipts_time_outs_and_reconnection_are_ours() {
    let script = Script::listen().await;
    let mut config = PublisherConfig::new(script.url());
    config.resend = Resend::Never;
    config.receipt_timeout = Duration::from_millis(200);
    config.backoff = Backoff {
        base: Duration::from_millis(10),
        cap: Duration::from_millis(50),
    };
    let publisher = Publisher::spawn(config);
    let broker = async {
        let mut first = script.accept("0,0").await;
        let frame = first.frame().await;
        first.receipt_for(&frame).await;
        first.frame().await;
        // No receipt: the client leaves, and comes back.
        assert_eq!(first.next().await, None);
        let mut second = script.accept("0,0").await;
        let frame = second.frame().await;
        second.receipt_for(&frame).await;
        second
    };
    let client = async {
        soon(publisher.publish(message("1"))).await.unwrap();
        let error = soon(publisher.publish(message("2"))).await.unwrap_err();
        let reason = Cut::ReceiptTimeout;
        assert_eq!(error, PublishError::Unknown { reason });
        soon(publisher.publish(message("3"))).await.unwrap();
    };
    let ((), _peer) = tokio::join!(client, broker);
}
