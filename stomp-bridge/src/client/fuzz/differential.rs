//! Our codec against async-stomp's, both ways.

use super::told;
use crate::client::message::{check, from_frame, to_frame};
use crate::frame::{Command, Frame, Parser, Scan, Scanner, Version};
use crate::fuzz::{Choices, WIDE};
use async_stomp::client::ClientCodec;
use async_stomp::{AckMode, FromServer, Message, ToServer};
use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

/// What both read they read alike, what ours writes theirs reads the same, and what theirs writes
/// ours reads the same. Where they are known to differ is told in `docs/async-stomp.md`.
pub fn differential(input: &[u8]) {
    let (_, mut wire) = Choices::of(input);
    let mut scanner = Scanner::new(WIDE);
    loop {
        match scanner.scan(wire) {
            Ok(Scan::NeedMore) | Err(_) => return,
            Ok(Scan::LineEnds(n)) => wire = &wire[n..],
            Ok(Scan::Frame { len, .. }) => {
                let (frame, rest) = wire.split_at(len);
                one(frame);
                wire = rest;
            }
        }
    }
}

fn one(wire: &[u8]) {
    let mut parser = Parser::new(WIDE);
    parser.push(wire);
    let Ok(Some(frame)) = parser.next_frame() else {
        return;
    };
    from_server(&frame, wire);
    if let Some(message) = to_server(&frame) {
        written_by_theirs(message);
    }
}

fn from_server(frame: &Frame, wire: &[u8]) {
    let Ok(ours) = from_frame(frame.clone(), Version::V1_2) else {
        return;
    };
    // 1.0's CONNECTED, which tells no version, is not theirs to read.
    if frame.command == Command::Connected && frame.header("version").is_none() {
        return;
    }
    let mut ours = told(&ours.content);
    // Names keep their escapes there.
    let is_escaped = |name: &str| name.contains([':', '\\', '\r', '\n']);
    if frame.headers.iter().any(|(name, _)| is_escaped(name)) {
        ours.headers.clear();
    }
    let again = frame.encode(Version::V1_2).unwrap();
    for (wire, what) in [(wire, "as it came"), (&again[..], "as we write it")] {
        let mut theirs = told(&decode(wire));
        if ours.headers.is_empty() {
            theirs.headers.clear();
        }
        for told in [&mut ours, &mut theirs] {
            // Told anew, and last, where we write it.
            told.headers.retain(|(name, _)| name != "content-length");
        }
        assert_eq!(theirs, ours, "{what}");
    }
}

fn decode(wire: &[u8]) -> FromServer {
    let mut bytes = BytesMut::from(wire);
    let message = ClientCodec::new().decode(&mut bytes);
    assert!(bytes.is_empty(), "{} bytes are left", bytes.len());
    message.unwrap().expect("a whole frame").content
}

/// The frame as a message of async-stomp's, if a client sends such.
fn to_server(frame: &Frame) -> Option<Message<ToServer>> {
    let header = |name: &str| frame.header(name).map(str::to_owned);
    let content = match frame.command {
        Command::Send => ToServer::Send {
            destination: header("destination")?,
            transaction: header("transaction"),
            headers: Some(others(frame)),
            body: Some(frame.body.to_vec()),
        },
        Command::Subscribe => ToServer::Subscribe {
            destination: header("destination")?,
            id: header("id")?,
            ack: match frame.header("ack") {
                None => None,
                Some("auto") => Some(AckMode::Auto),
                Some("client") => Some(AckMode::Client),
                Some(_) => Some(AckMode::ClientIndividual),
            },
        },
        Command::Unsubscribe => ToServer::Unsubscribe { id: header("id")? },
        Command::Ack => ToServer::Ack {
            id: header("id")?,
            transaction: header("transaction"),
        },
        Command::Nack => ToServer::Nack {
            id: header("id")?,
            transaction: header("transaction"),
        },
        Command::Begin => ToServer::Begin {
            transaction: header("transaction")?,
        },
        Command::Commit => ToServer::Commit {
            transaction: header("transaction")?,
        },
        Command::Abort => ToServer::Abort {
            transaction: header("transaction")?,
        },
        Command::Disconnect => ToServer::Disconnect {
            receipt: header("receipt"),
        },
        Command::Connect | Command::Stomp => ToServer::Connect {
            accept_version: header("accept-version")?,
            host: header("host")?,
            login: header("login"),
            passcode: header("passcode"),
            heartbeat: None,
        },
        Command::Connected | Command::Message | Command::Receipt | Command::Error => return None,
    };
    Some(content.into())
}

/// What a SEND carries besides, and the true length, without which it is not sent.
fn others(frame: &Frame) -> Vec<(String, String)> {
    let is_own = |name: &str| matches!(name, "destination" | "transaction" | "content-length");
    let others = frame.headers.iter().filter(|(name, _)| !is_own(name));
    let length = ("content-length".to_owned(), frame.body.len().to_string());
    others.cloned().chain([length]).collect()
}

fn written_by_theirs(message: Message<ToServer>) {
    if check(&message).is_err() {
        return;
    }
    let mut wire = BytesMut::new();
    let again = Message::from(message.content.clone());
    ClientCodec::new().encode(again, &mut wire).unwrap();
    let mut parser = Parser::new(WIDE);
    parser.push(&wire);
    let mut theirs = parser.next_frame().unwrap().expect("one frame");
    assert!(parser.is_empty(), "one frame alone");
    let mut ours = to_frame(message).unwrap();
    // Each has an order of its own.
    theirs.headers.sort();
    ours.headers.sort();
    assert_eq!(theirs, ours);
}
