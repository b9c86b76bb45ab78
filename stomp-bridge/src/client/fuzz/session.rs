//! The client's session behind its codec, under arbitrary bytes and a busy user.

use super::{Inflow, connected};
use crate::client::acknowledge::{AckName, Verdict};
use crate::client::codec::{Incoming, Outgoing};
use crate::client::event::{Cut, Event};
use crate::client::session::{OwnBeats, Session, SessionConfig, Subscribe};
use crate::client::{AckMode, Destination, Publication, Requeue};
use crate::frame::{Command, Limits, Parser};
use crate::fuzz::{Choices, WIDE};
use bytes::BytesMut;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio_util::codec::Encoder;

const CONFIG: SessionConfig = SessionConfig {
    heartbeat: Duration::from_secs(10),
    own_beats: OwnBeats::Announced,
    connect_timeout: Duration::from_secs(5),
    receipt_timeout: Duration::from_secs(10),
    window: 4,
};

struct Driver {
    session: Session<usize>,
    inflow: Inflow,
    now: Instant,
    /// What the server would read.
    parser: Parser,
    /// Tokens whose answer is out.
    out: BTreeSet<usize>,
    last_token: usize,
    is_over: bool,
}

/// Whatever a server sends, every frame that asks for a receipt has one answer, nothing comes after
/// the end, and what is sent are frames.
pub fn client_session(input: &[u8]) {
    let (mut choices, wire) = Choices::of(input);
    let mut driver = Driver::new(choices.limits());
    let mut stream = match choices.below(4) {
        0 => Vec::new(),
        _ => connected(choices.version()),
    };
    stream.extend_from_slice(wire);
    for piece in choices.cut(&stream) {
        driver.read(piece);
        driver.act(choices.below(10));
    }
    driver.session.end(Cut::Stopped);
    driver.look();
    assert!(driver.is_over && driver.out.is_empty());
}

impl Driver {
    fn new(limits: Limits) -> Self {
        let now = Instant::now();
        let mut driver = Self {
            session: Session::new(CONFIG, "/", None, now),
            inflow: Inflow::new(limits),
            now,
            parser: Parser::new(WIDE),
            out: BTreeSet::new(),
            last_token: 0,
            is_over: false,
        };
        driver.look();
        driver
    }

    fn read(&mut self, piece: &[u8]) {
        if self.is_over {
            return;
        }
        let (session, now) = (&mut self.session, self.now);
        session.handle_bytes(now);
        let read = self.inflow.push(piece, |incoming| match incoming {
            Incoming::Bytes => session.handle_bytes(now),
            Incoming::Receipt(id) => session.handle_receipt(now, id),
            Incoming::Frame(frame) => session.handle_frame(now, frame),
        });
        if let Err(error) = read {
            let what = error.to_string();
            session.end(Cut::Protocol { what });
        }
        self.look();
    }

    /// What a user, or the clock, does.
    fn act(&mut self, what: usize) {
        match what {
            0 if self.session.has_room() => {
                let queue = Destination::queue("a:b/ä").unwrap();
                let publication = Publication::new(queue, "a\0b").header("x-é", "v:w\\");
                let token = self.token();
                self.session.send(self.now, &publication, token);
            }
            1 if self.session.has_room() => {
                let token = self.token();
                let subscribe = Subscribe {
                    destination: "/queue/q",
                    ack: AckMode::ClientIndividual,
                    prefetch: Some(10),
                    headers: &[("x-queue-name".to_owned(), "n:1".to_owned())],
                };
                self.session.subscribe(self.now, &subscribe, token);
            }
            2 if self.session.has_room() => {
                let token = self.token();
                self.session.unsubscribe(self.now, token);
            }
            3 => {
                self.now += Duration::from_secs(3);
                self.session.handle_timeout(self.now);
            }
            4 => {
                // Right at the time that it asked for.
                if let Some(due) = self.session.next_timeout() {
                    self.now = self.now.max(due);
                    self.session.handle_timeout(self.now);
                }
            }
            5 if self.last_token > 12 => self.session.disconnect(self.now),
            _ => {}
        }
        self.look();
    }

    fn token(&mut self) -> usize {
        self.last_token += 1;
        self.out.insert(self.last_token);
        self.last_token
    }

    fn look(&mut self) {
        while let Some(event) = self.session.poll_event() {
            assert!(!self.is_over, "{event:?} after the end");
            match event {
                Event::Connected(_) => self.parser.set_version(self.session.version()),
                Event::Settled { token, .. } => assert!(self.out.remove(&token), "{token} twice"),
                Event::Received(received) => {
                    let version = self.session.version();
                    let Some(name) = AckName::of(&received, version) else {
                        continue;
                    };
                    for verdict in [Verdict::Ack, Verdict::Nack(Requeue::DeadLetter)] {
                        if !self.session.has_ended() {
                            // 1.0 has no NACK.
                            self.session.settle(self.now, &name, verdict).ok();
                        }
                    }
                }
                Event::Ended(_) => self.is_over = true,
            }
        }
        assert_eq!(self.session.has_ended(), self.is_over);
        assert_eq!(self.session.in_flight(), self.out.len());
        assert!(self.out.len() <= CONFIG.window);
        assert!(!self.is_over || self.session.next_timeout().is_none());
        self.transmit();
    }

    /// What the server gets must be frames that clients send.
    fn transmit(&mut self) {
        let mut wire = BytesMut::new();
        while let Some(outgoing) = self.session.poll_transmit() {
            let is_beat = matches!(outgoing, Outgoing::Heartbeat);
            let before = wire.len();
            self.inflow.codec.encode(outgoing, &mut wire).unwrap();
            assert_eq!(is_beat, wire[before..] == b"\n"[..]);
        }
        self.parser.push(&wire);
        while let Some(frame) = self.parser.next_frame().unwrap() {
            let is_ours = matches!(
                frame.command,
                Command::Connect
                    | Command::Send
                    | Command::Subscribe
                    | Command::Unsubscribe
                    | Command::Ack
                    | Command::Nack
                    | Command::Disconnect
            );
            assert!(is_ours, "{frame:?}");
        }
        assert!(self.parser.is_empty(), "whole frames");
    }
}
