//! Versions, heart-beats, and how frames are cut.

use super::super::tcp::Tcp;
use super::{Rules, fresh, on_queue};
use stomp_bridge::frame::{Command, Frame, Version};
use tokio::io::AsyncWriteExt;

pub(super) async fn heart_beats_are_agreed_alike(rules: &Rules) {
    let (login, passcode) = &rules.root;
    for (asked, agreed) in [
        ("heart-beat:10000,20000\n", "20000,10000"),
        ("heart-beat:0,5000\n", "5000,0"),
        ("heart-beat:1,1\n", "1000,1000"),
        ("", "0,0"),
    ] {
        let mut tcp = Tcp::connect(rules.addr).await;
        tcp.say(&format!(
            "CONNECT\naccept-version:1.2\nlogin:{login}\npasscode:{passcode}\n{asked}\n\0"
        ))
        .await;
        assert_eq!(tcp.frame().await.header("heart-beat"), Some(agreed));
    }
    for (accepts, chosen) in [("1.0", "1.0"), ("1.0,1.1", "1.1"), ("1.2,1.1,2.0", "1.2")] {
        let mut tcp = Tcp::connect(rules.addr).await;
        tcp.say(&format!(
            "CONNECT\naccept-version:{accepts}\nlogin:{login}\npasscode:{passcode}\n\n\0"
        ))
        .await;
        assert_eq!(tcp.frame().await.header("version"), Some(chosen));
    }
}

pub(super) async fn each_version_has_its_own_message(rules: &Rules) {
    for (version, id, subscription) in [
        ("1.2", "id:s\\c1\n", Some("s:1")),
        ("1.1", "id:s\\c1\n", Some("s:1")),
        ("1.0", "id:s1\n", Some("s1")),
        ("1.0", "", None),
    ] {
        let queue = fresh("version");
        let mut tcp = rules.root_speaking(version).await;
        tcp.done(&on_queue("SEND", &queue), "x").await;
        let subscribe = on_queue("SUBSCRIBE", &queue);
        tcp.say(&format!("{subscribe}\n{id}ack:client\n\n\0")).await;
        let (message, _) = tcp.message().await;
        assert_eq!(message.header("subscription"), subscription, "{version}");
        assert_eq!(message.header("ack").is_some(), version == "1.2");
        let header = if version == "1.2" { "id" } else { "message-id" };
        let frame = Frame::new(Command::Nack)
            .with(header, message.header("message-id").unwrap())
            .encode(Version::best_of(version).unwrap())
            .unwrap();
        tcp.say(std::str::from_utf8(&frame).unwrap()).await;
        let (again, _) = tcp.message().await;
        assert_eq!(again.header("redelivered"), Some("true"), "{version}");
        tcp.say(&format!(
            "ACK\n{}:9\n\n\0",
            if version == "1.2" { "message-id" } else { "id" }
        ))
        .await;
        let body = format!("\"ACK\" must include the \"{header}\" header\n");
        assert_eq!(tcp.error().await, ("Missing header".to_owned(), body));
    }
}

pub(super) async fn bodies_with_nul_and_frames_in_pieces(rules: &Rules) {
    let key = fresh("nul");
    let mut tcp = rules.root().await;
    tcp.done(&format!("SUBSCRIBE\nid:0\ndestination:/topic/{key}"), "")
        .await;
    let wire = format!(
        "\n\r\nSEND\r\ndestination:/topic/{key}\r\ncontent-length:3\r\n\r\na\0b\0\n\n\
         SEND\ndestination:/topic/{key}\nx:\\n\\c\\\\\n\nsecond\0"
    );
    for piece in wire.as_bytes().chunks(7) {
        tcp.socket.write_all(piece).await.unwrap();
        tcp.socket.flush().await.unwrap();
    }
    assert_eq!(tcp.message().await.1, "a\0b");
    let (message, body) = tcp.message().await;
    assert_eq!((&*body, message.header("x")), ("second", Some("\n:\\")));
    assert_eq!(message.header("content-length"), Some("6"));
}
