//! Readers that do not keep up, over real sockets: what they read is whole to the last frame.

#![allow(clippy::unwrap_used)]

mod common;

use common::tcp::Tcp;
use common::{SOON, config, soon};
use std::net::SocketAddr;
use std::time::Duration;
use stomp_bridge::broker::{Broker, BrokerLimits};
use stomp_bridge::frame::Command;
use tokio::net::{TcpListener, TcpSocket};

const BODY_BYTES: usize = 15_000;

/// A listener over TCP whose socket takes little at once.
async fn narrow(addr: SocketAddr) -> Tcp {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 * 1024).unwrap();
    let mut tcp = Tcp::over(socket.connect(addr).await.unwrap());
    tcp.log_in_as("listener", "l", "1.2").await;
    tcp
}

/// A body that tells any other piece of the stream from itself.
fn body(n: usize) -> String {
    let mark = format!("{n:07};");
    mark.repeat(BODY_BYTES / mark.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_consumer_reads_whole_messages_and_then_why_it_was_closed() {
    let limits = BrokerLimits {
        max_outgoing: 8,
        slow_grace: Duration::from_millis(1),
        ..BrokerLimits::default()
    };
    let broker = Broker::new(config(limits)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let serving = tokio::spawn(broker.serve_tcp(listener));
    let mut slow = narrow(addr).await;
    slow.done("SUBSCRIBE\nid:0\ndestination:/exchange/paynotify", "")
        .await;
    let mut payer = Tcp::log_in(addr, "payer", "p@y", "1.2").await;
    let mut sent = 0;
    // It reads nothing until the broker gives it up, and then to the end.
    while broker.stats().dropped == 0 {
        let head = format!("SEND\ndestination:/exchange/paynotify\nx-number:{sent}");
        payer.done(&head, &body(sent)).await;
        sent += 1;
        assert!(sent < 20_000, "300 MB went to somebody who does not read");
    }
    let mut next = 0;
    let error = loop {
        let frame = slow.frame().await;
        if frame.command != Command::Message {
            break frame;
        }
        assert_eq!(frame.header("x-number"), Some(&*next.to_string()));
        assert!(frame.body == body(next).as_bytes(), "the body of {next}");
        next += 1;
    };
    assert_eq!(error.command, Command::Error, "{error:?}");
    assert_eq!(error.header("message"), Some("slow_consumer"));
    assert!(slow.next().await.is_none(), "an ERROR is the last");
    assert!(next < sent, "it missed some");
    assert_eq!(broker.shutdown(SOON).await, 0);
    soon(serving).await.unwrap();
}
