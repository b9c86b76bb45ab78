//! How a session begins at RabbitMQ (3.10), or does not.
//!
//! | RabbitMQ | held by |
//! |---|---|
//! | CONNECTED: headers, NUL and LF at the end of each frame | `a_session_begins` |
//! | heart-beats agreed on, versions | `rules::sessions`; a beat that is no number: `a_refused_connect_…` |
//! | how often it beats, TCP and WebSocket; who says nothing is not closed | `it_beats_…` |
//! | wrong passcode, virtual host, version: words; the socket stays open | `a_refused_connect_…`, `conformance` |
//! | a second CONNECT | `a_second_connect_…` |

#![allow(clippy::unwrap_used)]

mod common;

use common::rabbitmq::{account_and_address, root, stomp, web_stomp};
use common::raw::Raw;
use common::soon;
use common::tcp::Tcp;
use futures_util::StreamExt;
use std::time::Duration;
use stomp_bridge::frame::Command;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// In which nothing must come.
const A_WHILE: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_session_begins() {
    let ((login, passcode), _) = account_and_address("RABBITMQ_ADMIN_URL");
    let mut tcp = Tcp::connect(stomp()).await;
    tcp.say(&format!(
        "CONNECT\naccept-version:1.2\nhost:/\nlogin:{login}\npasscode:{passcode}\n\n\0"
    ))
    .await;
    let mut wire = Vec::new();
    while !wire.ends_with(b"\0\n") {
        wire.push(soon(tcp.socket.read_u8()).await.unwrap());
    }
    let text = String::from_utf8(wire).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.remove(0), "CONNECTED");
    for header in ["server:RabbitMQ/", "session:session-"] {
        assert!(lines.iter().any(|l| l.starts_with(header)), "{lines:?}");
    }
    for header in ["heart-beat:0,0", "version:1.2"] {
        assert!(lines.contains(&header), "{lines:?}");
    }
}

#[tokio::test]
async fn a_refused_connect_has_words_and_leaves_the_socket_open() {
    let ((login, passcode), _) = account_and_address("RABBITMQ_STOMP_URL");
    let refused = format!("Access refused for user '{login}'\n");
    let account = format!("login:{login}\npasscode:{passcode}\n");
    let wrong = format!("login:{login}\npasscode:wrong\n");
    let nowhere = format!("{account}host:nowhere\n");
    for (version, headers, message, body) in [
        ("1.2", &*wrong, "Bad CONNECT", &*refused),
        (
            "1.2",
            &*nowhere,
            "Bad CONNECT",
            "Virtual host 'nowhere' access denied",
        ),
        (
            "2.0",
            &*account,
            "Version mismatch",
            "Supported versions are 1.0,1.1,1.2\n",
        ),
        (
            "1.2",
            &format!("{account}heart-beat:x\n"),
            "Processing error",
            "",
        ),
    ] {
        let mut tcp = Tcp::connect(stomp()).await;
        tcp.say(&format!("CONNECT\naccept-version:{version}\n{headers}\n\0"))
            .await;
        let (got_message, got_body) = tcp.error().await;
        assert_eq!(got_message, message);
        assert!(got_body.starts_with(body), "{message}: {got_body:?}");
        if message == "Bad CONNECT" {
            assert!(timeout(A_WHILE, tcp.next()).await.is_err(), "{body}");
        }
    }
}

#[tokio::test]
async fn a_second_connect_is_the_end_without_a_word() {
    let ((login, passcode), _) = account_and_address("RABBITMQ_ADMIN_URL");
    let mut tcp = root().await;
    tcp.say(&format!(
        "CONNECT\naccept-version:1.2\nlogin:{login}\npasscode:{passcode}\n\n\0"
    ))
    .await;
    assert_eq!(tcp.next().await, None);
}

/// Over TCP it beats twice in an interval, over WebSocket about once: two without a beat, which is
/// when a session calls it silent, are a fault.
#[tokio::test]
async fn it_beats_within_two_intervals_and_waits_for_who_says_nothing() {
    const BEATS: u32 = 4;
    let ((login, passcode), _) = account_and_address("RABBITMQ_ADMIN_URL");
    let connect = format!(
        "CONNECT\naccept-version:1.2\nlogin:{login}\npasscode:{passcode}\nheart-beat:0,1000\n\n\0"
    );
    let two = Duration::from_secs(2);
    let (mut mute, _) = Raw::open(web_stomp(), "v12.stomp").await.unwrap();
    let over_tcp = async {
        let mut tcp = Tcp::connect(stomp()).await;
        tcp.say(&connect).await;
        assert_eq!(tcp.frame().await.header("heart-beat"), Some("1000,0"));
        for _ in 0..BEATS {
            let beat = timeout(two, tcp.socket.read_u8()).await.expect("a beat");
            assert_eq!(beat.unwrap(), b'\n');
        }
    };
    let over_websocket = async {
        let (mut raw, _) = Raw::open(web_stomp(), "v12.stomp").await.unwrap();
        raw.say(&connect).await;
        assert_eq!(raw.frame().await.command, Command::Connected);
        for _ in 0..BEATS {
            let beat = timeout(two, raw.ws.next()).await.expect("a beat");
            assert_eq!(beat.unwrap().unwrap(), Message::text("\n"));
        }
    };
    tokio::join!(over_tcp, over_websocket);
    mute.say(&connect).await;
    assert_eq!(mute.frame().await.command, Command::Connected);
}
