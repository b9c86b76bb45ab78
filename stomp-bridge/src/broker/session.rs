//! One connection's side of the protocol: bytes, deliveries and `now` in; frames, closes and the
//! next time-out out. Routing is the [`Router`]'s; this checks who may ask it for what.

mod ack;
mod beats;
mod client;
mod commands;
mod declaration;
mod message;
mod refusal;
mod send;
mod subscribe;
mod transaction;

use super::config::BrokerLimits;
use super::permission::User;
use super::router::{ConnId, Delivery, Router};
use crate::frame::{Command, Frame, FrameError, Parser, Version};
use ack::session_name;
use beats::{Beats, Due};
use bytes::Bytes;
use client::Client;
use commands::Done;
use refusal::{Refusal, VHOST};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use transaction::Transactions;

pub(super) use beats::Probe;

/// What the driver is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A frame, or a heart-beat.
    Send(Bytes),
    /// The transport's own way to find out whether the peer is there.
    Probe,
    /// The end; the last action.
    Close { code: u16, reason: &'static str },
}

/// WebSocket close codes, RFC 6455 section 7.4.1.
pub(super) mod close {
    pub(crate) const NORMAL: u16 = 1000;
    pub(crate) const AWAY: u16 = 1001;
    pub(crate) const POLICY: u16 = 1008;
}

#[derive(Debug)]
enum Phase {
    /// CONNECT is awaited.
    New {
        deadline: Instant,
    },
    Open {
        user: Arc<User>,
    },
    Closed,
}

pub(super) struct Session {
    id: ConnId,
    users: Arc<[Arc<User>]>,
    limits: Arc<BrokerLimits>,
    phase: Phase,
    version: Version,
    parser: Parser,
    transactions: Transactions,
    beats: Beats,
    /// Frames wait so long, for consumers to catch up.
    held_until: Option<Instant>,
    /// The first of them.
    stalled: Option<Frame>,
    actions: VecDeque<Action>,
}

impl Session {
    pub(super) fn new(
        id: ConnId,
        users: Arc<[Arc<User>]>,
        limits: Arc<BrokerLimits>,
        probe: Probe,
        now: Instant,
    ) -> Self {
        Self {
            id,
            users,
            phase: Phase::New {
                deadline: now + limits.connect_timeout,
            },
            version: Version::V1_2,
            parser: Parser::new(limits.frame),
            transactions: Transactions::default(),
            beats: Beats::new(limits.ping_interval, probe, now),
            limits,
            held_until: None,
            stalled: None,
            actions: VecDeque::new(),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    pub(super) fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::New { deadline } => Some(deadline),
            Phase::Open { .. } => [self.beats.next_due(), self.held_until]
                .into_iter()
                .flatten()
                .min(),
            Phase::Closed => None,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.is_held() {
            // Nothing is read meanwhile.
            self.beats.came_in(now);
        }
        match self.phase {
            Phase::New { deadline } if deadline <= now => {
                self.refuse(
                    None,
                    &Refusal::new("Bad CONNECT", "No CONNECT came in time"),
                );
            }
            Phase::Open { .. } => match self.beats.due(now) {
                Due::Nothing => {}
                Due::Beat => self
                    .actions
                    .push_back(Action::Send(Bytes::from_static(b"\n"))),
                Due::Probe => self.actions.push_back(Action::Probe),
                Due::Silence => self.close(close::POLICY, "no heart-beat"),
            },
            Phase::New { .. } | Phase::Closed => {}
        }
    }

    /// Nothing was read for so long; who was silent meanwhile is not told.
    pub(super) fn was_deaf(&mut self, time: Duration) {
        self.beats.was_deaf(time);
    }

    /// A sign of life that is no STOMP: a pong.
    pub(super) fn handle_pong(&mut self, now: Instant) {
        self.beats.came_in(now);
    }

    /// Takes bytes that came in; [`run`](Self::run) deals with them.
    pub(super) fn push(&mut self, now: Instant, bytes: &[u8]) {
        self.beats.came_in(now);
        self.parser.push(bytes);
    }

    /// Whether frames wait for consumers to catch up. Then nothing more is to be read.
    pub(super) fn is_held(&self) -> bool {
        self.held_until.is_some()
    }

    /// Whether [`run`](Self::run) may find something to do.
    pub(super) fn has_input(&self) -> bool {
        !self.is_closed() && (self.is_held() || !self.parser.is_empty())
    }

    /// Deals with the frames that came in, as long as consumers keep up with them.
    pub(super) fn run(&mut self, now: Instant, router: &mut Router) {
        self.held_until = None;
        while !self.is_closed() {
            let next = match self.stalled.take() {
                None => self.parser.next_frame(),
                stalled => Ok(stalled),
            };
            let frame = match next {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(FrameError::UnknownCommand { line }) => {
                    let refusal = Refusal::bad_command(&line.escape_ascii().to_string());
                    return self.refuse(None, &refusal);
                }
                Err(e) => return self.refuse(None, &Refusal::new("Bad frame", e.to_string())),
            };
            // What waited here came long ago: it was not the peer that was silent.
            self.beats.came_in(now);
            if matches!(frame.command, Command::Send | Command::Commit) {
                self.held_until = router.hold(self.id);
            }
            if self.is_held() {
                self.stalled = Some(frame);
                return;
            }
            self.handle_frame(now, frame, router);
        }
    }

    fn handle_frame(&mut self, now: Instant, frame: Frame, router: &mut Router) {
        let command = frame.command;
        let receipt = frame.header("receipt").map(str::to_owned);
        let done = match &self.phase {
            Phase::Closed => return,
            Phase::New { .. } => self.connect(now, &frame).map(|()| Done::Now),
            Phase::Open { user } => {
                let client = Client {
                    conn: self.id,
                    user,
                    version: self.version,
                    limits: &self.limits,
                };
                client.handle(frame, &mut self.transactions, router)
            }
        };
        let held_back = match done {
            Err(refusal) => return self.refuse(receipt.as_deref(), &refusal),
            Ok(Done::AtCommit) => return,
            Ok(Done::Now) => Vec::new(),
            Ok(Done::Committed(receipts)) => receipts,
        };
        let may_ask = !matches!(command, Command::Connect | Command::Stomp);
        for id in held_back.into_iter().chain(receipt.filter(|_| may_ask)) {
            self.send(now, &Frame::new(Command::Receipt).with("receipt-id", id));
        }
        if command == Command::Disconnect {
            self.close(close::NORMAL, "");
        }
    }

    fn connect(&mut self, now: Instant, frame: &Frame) -> Result<(), Refusal> {
        if !matches!(frame.command, Command::Connect | Command::Stomp) {
            let body = "You must log in using CONNECT first";
            return Err(Refusal::new("Illegal command", body));
        }
        let offered = frame.header("accept-version").unwrap_or("1.0");
        let version = Version::best_of(offered).ok_or_else(|| {
            Refusal::new("Version mismatch", "Supported versions are 1.0,1.1,1.2")
        })?;
        let host = frame.header("host").unwrap_or(VHOST);
        if host != VHOST {
            let body = format!("Virtual host '{host}' access denied");
            return Err(Refusal::new("Bad CONNECT", body));
        }
        let user = self.authenticate(frame)?;
        let (cx, cy) = beats::parse(frame.header("heart-beat").unwrap_or("0,0"))
            .ok_or_else(|| Refusal::processing("heart-beat is not two numbers"))?;
        let (sx, sy) = self.beats.agree(cx, cy, now);
        self.version = version;
        self.parser.set_version(version);
        self.phase = Phase::Open { user };
        let connected = Frame::new(Command::Connected)
            .with(
                "server",
                concat!("stomp-bridge/", env!("CARGO_PKG_VERSION")),
            )
            .with("session", session_name(self.id))
            .with("heart-beat", format!("{sx},{sy}"))
            .with("version", version.as_str());
        self.send(now, &connected);
        Ok(())
    }

    /// Looks at every user, so that the time does not tell which logins exist.
    fn authenticate(&self, frame: &Frame) -> Result<Arc<User>, Refusal> {
        let login = frame.header("login").unwrap_or_default();
        let passcode = frame.header("passcode").unwrap_or_default();
        let mut found = None;
        for user in self.users.iter() {
            let knows_passcode = user.has_passcode(passcode);
            if user.login == login && knows_passcode {
                found = Some(user);
            }
        }
        found.cloned().ok_or_else(|| {
            Refusal::new("Bad CONNECT", format!("Access refused for user '{login}'"))
        })
    }

    /// A message for this connection: writes what is its own, and gives the rest. `None` if this
    /// version cannot say a header, such as one with a line break in 1.0.
    pub(super) fn message<'m>(
        &mut self,
        now: Instant,
        delivery: &'m Delivery,
        head: &mut Vec<u8>,
    ) -> Option<Cow<'m, [u8]>> {
        self.beats.went_out(now);
        let tail = delivery.message.tail(self.version);
        let written = message::write_head(self.id, self.version, delivery, head);
        let tail = tail.filter(|_| written.is_some());
        if tail.is_none() {
            tracing::debug!(connection = self.id, "a message was not delivered");
        }
        tail
    }

    fn send(&mut self, now: Instant, frame: &Frame) {
        self.beats.went_out(now);
        match frame.encode(self.version) {
            Ok(bytes) => self.actions.push_back(Action::Send(bytes)),
            Err(e) => tracing::debug!(connection = self.id, error = %e, "frame not sent"),
        }
    }

    /// ERROR, then the close. RabbitMQ's header set, and the receipt that it leaves out.
    fn refuse(&mut self, receipt: Option<&str>, refusal: &Refusal) {
        tracing::debug!(
            connection = self.id,
            message = refusal.message,
            body = refusal.body,
            "ERROR"
        );
        let mut frame = Frame::new(Command::Error)
            .with("message", refusal.message)
            .with("content-type", "text/plain")
            .with("version", "1.0,1.1,1.2")
            .with_body(refusal.body.clone());
        if let Some(id) = receipt {
            frame = frame.with("receipt-id", id);
        }
        if let Ok(bytes) = frame.encode(self.version) {
            self.actions.push_back(Action::Send(bytes));
        }
        self.close(close::POLICY, refusal.message);
    }

    pub(super) fn refuse_slow(&mut self) {
        if !self.is_closed() {
            let body = "Messages came faster than they were read";
            self.refuse(None, &Refusal::new("slow_consumer", body));
        }
    }

    pub(super) fn close(&mut self, code: u16, reason: &'static str) {
        if !self.is_closed() {
            self.phase = Phase::Closed;
            self.actions.push_back(Action::Close { code, reason });
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
