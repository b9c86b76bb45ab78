//! Two sessions on one router, under arbitrary bytes.

use super::config::{BrokerConfig, BrokerLimits, ExchangeKind};
use super::permission::{May, User};
use super::policy::Policy;
use super::router::{ConnId, Router};
use super::session::{Action, Probe, Session};
use crate::frame::{Command, Frame, Parser, Version};
use crate::fuzz::{Choices, TIGHT, WIDE};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// So small that a handful of frames comes to each.
fn limits() -> BrokerLimits {
    BrokerLimits {
        frame: TIGHT,
        max_subscriptions: 3,
        max_outgoing: 6,
        slow_grace: Duration::from_millis(100),
        max_unacked: 4,
        max_queues: 6,
        max_queue_messages: 4,
        max_queue_bytes: 2200,
        max_total_bytes: 12_000,
        max_transactions: 2,
        max_transaction_frames: 3,
        max_transaction_bytes: 900,
        ..BrokerLimits::default()
    }
}

fn config() -> BrokerConfig {
    BrokerConfig::new()
        .exchange("f", ExchangeKind::Fanout)
        .exchange("d", ExchangeKind::Direct)
        .bind("f", "d", "")
        .bind("d", "q", "k")
        .queue("q")
        .policy(Policy::new("^p").unwrap().max_length(2))
        .limits(limits())
}

const FIRST: ConnId = 1;
const SECOND: ConnId = 2;

struct Peer {
    conn: ConnId,
    session: Session,
    /// What the client would read.
    answers: Parser,
    /// What the session reads, read a second time for the receipts that are asked for.
    asked: Parser,
    receipts: Vec<String>,
    is_over: bool,
    /// Of the transport: messages that were taken and are being written.
    written: usize,
}

/// Whatever clients send and wherever it is cut: no limit is passed, no two tables disagree, no
/// message waits that somebody would take, every answer is a server's frame and every receipt was
/// asked for, an ERROR is the last, and nothing is left of who has gone.
pub fn sessions(input: &[u8]) {
    let (mut choices, wire) = Choices::of(input);
    let mut now = Instant::now();
    let mut router = Router::new(&config(), now).unwrap();
    let root = User::new("r", "p")
        .configure(May::All)
        .write(May::All)
        .read(May::All);
    let guest = User::new("g", "p").read(May::only(["d"]));
    let users: Arc<[_]> = [root, guest].map(Arc::new).into();
    let mut peers = [FIRST, SECOND].map(|conn| {
        router.add_connection(conn);
        Peer::new(conn, Arc::clone(&users), now)
    });
    for peer in &mut peers {
        let hello = match choices.below(8) {
            0 => String::new(),
            1 => "CONNECT\nlogin:g\npasscode:p\naccept-version:1.2\n\n\0".to_owned(),
            _ => format!(
                "CONNECT\nlogin:r\npasscode:p\naccept-version:{}\nheart-beat:2000,1000\n\n\0",
                choices.version()
            ),
        };
        peer.hear(hello.as_bytes(), now, &mut router);
    }
    // Frames go to either by turns of random length, so that each gets whole ones mostly.
    let mut whose = 0;
    for frame in wire.split_inclusive(|byte| *byte == 0) {
        if choices.below(3) == 0 {
            whose = 1 - whose;
        }
        for piece in choices.cut(frame) {
            router.tick(now);
            peers[whose].hear(piece, now, &mut router);
            if choices.below(20) == 0 {
                now += Duration::from_millis([1, 90, 3000][choices.below(3)]);
            }
            for peer in &mut peers {
                peer.turn(&mut choices, now, &mut router);
            }
            router.audit();
            router.audit_held();
        }
    }
    for peer in &mut peers {
        router.remove_connection(peer.conn);
        router.audit();
    }
    assert_eq!(router.subscriptions(), 0);
    drop(peers);
    assert_eq!(router.held().bytes(), router.bytes_found());
}

impl Peer {
    fn new(conn: ConnId, users: Arc<[Arc<User>]>, now: Instant) -> Self {
        Self {
            conn,
            session: Session::new(conn, users, Arc::new(limits()), Probe::LineEnd, now),
            answers: Parser::new(WIDE),
            asked: Parser::new(TIGHT),
            receipts: Vec::new(),
            is_over: false,
            written: 0,
        }
    }

    fn hear(&mut self, bytes: &[u8], now: Instant, router: &mut Router) {
        // The transport reads no more of who is held or gone.
        if self.is_over || self.session.is_held() {
            return;
        }
        self.note_receipts(bytes);
        self.session.push(now, bytes);
        self.session.run(now, router);
        self.look();
    }

    fn note_receipts(&mut self, bytes: &[u8]) {
        self.asked.push(bytes);
        while let Ok(Some(frame)) = self.asked.next_frame() {
            if matches!(frame.command, Command::Connect | Command::Stomp) {
                let offered = frame.header("accept-version").unwrap_or("1.0");
                let version = Version::best_of(offered).unwrap_or(Version::V1_2);
                self.asked.set_version(version);
            }
            self.receipts
                .extend(frame.header("receipt").map(str::to_owned));
        }
    }

    /// What its task does besides reading: time-outs, and writing what waits.
    fn turn(&mut self, choices: &mut Choices, now: Instant, router: &mut Router) {
        router.tick(now);
        if !self.is_over && router.is_slow(self.conn) {
            self.session.refuse_slow();
            self.look();
        }
        if self.is_over {
            router.remove_connection(self.conn);
            return;
        }
        if self.session.next_timeout().is_some_and(|due| due <= now) {
            self.session.handle_timeout(now);
        }
        if self.session.has_input() {
            self.session.run(now, router);
        }
        self.look();
        // A reader that is behind takes nothing for a while.
        if !self.is_over && choices.below(3) > 0 {
            self.write(now, router);
        }
    }

    fn write(&mut self, now: Instant, router: &mut Router) {
        let mut taken = VecDeque::new();
        router.take(self.conn, self.written, &mut taken);
        self.written = taken.len();
        for delivery in taken {
            let mut wire = Vec::new();
            let Some(tail) = self.session.message(now, &delivery, &mut wire) else {
                continue;
            };
            wire.extend_from_slice(&tail);
            let message = self.one_frame(&wire);
            assert_eq!(message.command, Command::Message);
            for name in ["destination", "message-id", "redelivered", "content-length"] {
                assert!(message.header(name).is_some(), "{name} of {message:?}");
            }
        }
    }

    /// What it answers.
    fn look(&mut self) {
        while let Some(action) = self.session.next_action() {
            assert!(!self.is_over, "{action:?} after the close");
            match action {
                Action::Probe => {}
                Action::Send(bytes) if bytes[..] == b"\n"[..] => {}
                Action::Send(bytes) => self.answer(&bytes),
                Action::Close { .. } => self.is_over = true,
            }
        }
        assert_eq!(self.session.is_closed(), self.is_over);
        assert_eq!(self.session.next_timeout().is_none(), self.is_over);
    }

    fn answer(&mut self, bytes: &[u8]) {
        let frame = self.one_frame(bytes);
        match frame.command {
            Command::Connected => {
                let version = frame.header("version").and_then(Version::named);
                self.answers.set_version(version.expect("a version"));
            }
            Command::Receipt => self.strike(frame.header("receipt-id").expect("a receipt-id")),
            Command::Error => {
                if let Some(id) = frame.header("receipt-id") {
                    self.strike(id);
                }
                let next = self.session.next_action();
                assert!(matches!(next, Some(Action::Close { .. })), "{next:?}");
                self.is_over = true;
            }
            other => panic!("{other:?} from a server"),
        }
    }

    /// Each receipt that is asked for is given once.
    fn strike(&mut self, id: &str) {
        let at = self.receipts.iter().position(|asked| asked == id);
        self.receipts
            .swap_remove(at.unwrap_or_else(|| panic!("nobody asked for {id:?}")));
    }

    fn one_frame(&mut self, wire: &[u8]) -> Frame {
        self.answers.push(wire);
        let frame = self.answers.next_frame();
        assert!(
            self.answers.is_empty(),
            "one frame alone: {}",
            wire.escape_ascii()
        );
        frame.unwrap().expect("a whole frame")
    }
}
