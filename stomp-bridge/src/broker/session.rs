//! One connection's side of the protocol: bytes, deliveries and `now` in; frames, closes and the
//! next time-out out. Routing is the [`Router`]'s; this checks who may ask it for what.

mod beats;
mod commands;

use super::config::BrokerLimits;
use super::permission::User;
use super::router::{AckMode, ConnId, Delivery, Router};
use crate::frame::{Command, Frame, Parser, Version};
use beats::{Beats, Due};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// The one virtual host.
const VHOST: &str = "/";

/// What the driver is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A frame, or a heart-beat.
    Send(Bytes),
    /// A WebSocket ping.
    Ping,
    /// A WebSocket close; the last action.
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
        user: User,
    },
    Closed,
}

/// An ERROR frame in the making.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    message: &'static str,
    body: String,
}

impl Refusal {
    fn new(message: &'static str, body: impl Into<String>) -> Self {
        Self {
            message,
            body: body.into(),
        }
    }
}

pub(super) struct Session {
    id: ConnId,
    users: Arc<[User]>,
    phase: Phase,
    version: Version,
    parser: Parser,
    beats: Beats,
    actions: VecDeque<Action>,
}

impl Session {
    pub(super) fn new(id: ConnId, users: Arc<[User]>, limits: BrokerLimits, now: Instant) -> Self {
        Self {
            id,
            users,
            phase: Phase::New {
                deadline: now + limits.connect_timeout,
            },
            version: Version::V1_2,
            parser: Parser::new(limits.frame),
            beats: Beats::new(limits.ping_interval, now),
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
            Phase::Open { .. } => self.beats.next_due(),
            Phase::Closed => None,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
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
                Due::Ping => self.actions.push_back(Action::Ping),
                Due::Silence => self.close(close::POLICY, "no heart-beat"),
            },
            Phase::New { .. } | Phase::Closed => {}
        }
    }

    /// A sign of life that is no STOMP: a pong.
    pub(super) fn handle_pong(&mut self, now: Instant) {
        self.beats.came_in(now);
    }

    pub(super) fn handle_bytes(&mut self, now: Instant, bytes: &[u8], router: &mut Router) {
        self.beats.came_in(now);
        self.parser.push(bytes);
        while !self.is_closed() {
            match self.parser.next_frame() {
                Ok(Some(frame)) => self.handle_frame(now, &frame, router),
                Ok(None) => return,
                Err(e) => {
                    let message = match e {
                        crate::frame::FrameError::UnknownCommand { .. } => "Bad command",
                        _ => "Bad frame",
                    };
                    self.refuse(None, &Refusal::new(message, e.to_string()));
                }
            }
        }
    }

    fn handle_frame(&mut self, now: Instant, frame: &Frame, router: &mut Router) {
        let done = match &self.phase {
            Phase::Closed => return,
            Phase::New { .. } => self.connect(now, frame),
            Phase::Open { user } => commands::handle(self.id, user, frame, router),
        };
        let receipt = frame.header("receipt");
        if let Err(refusal) = done {
            return self.refuse(receipt, &refusal);
        }
        let may_ask = !matches!(frame.command, Command::Connect | Command::Stomp);
        if let Some(id) = receipt.filter(|_| may_ask) {
            self.send(now, &Frame::new(Command::Receipt).with("receipt-id", id));
        }
        if frame.command == Command::Disconnect {
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
            .ok_or_else(|| Refusal::new("Bad CONNECT", "heart-beat is not two numbers"))?;
        let (sx, sy) = self.beats.agree(cx, cy, now);
        self.version = version;
        self.parser.set_version(version);
        self.phase = Phase::Open { user };
        let connected = Frame::new(Command::Connected)
            .with(
                "server",
                concat!("stomp-bridge/", env!("CARGO_PKG_VERSION")),
            )
            .with("session", format!("session-{}", self.id))
            .with("heart-beat", format!("{sx},{sy}"))
            .with("version", version.as_str());
        self.send(now, &connected);
        Ok(())
    }

    /// Looks at every user, so that the time does not tell which logins exist.
    fn authenticate(&self, frame: &Frame) -> Result<User, Refusal> {
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

    /// A message for this connection, on the wire.
    pub(super) fn encode(&mut self, now: Instant, delivery: &Delivery) -> Option<Bytes> {
        let message = &delivery.message;
        let id = commands::delivery_id(self.id, &delivery.subscription, delivery.tag);
        let mut frame = Frame::new(Command::Message)
            .with("subscription", &*delivery.subscription)
            .with("destination", message.destination.as_str())
            .with("message-id", id.as_str())
            .with(
                "redelivered",
                if delivery.redelivered {
                    "true"
                } else {
                    "false"
                },
            );
        if delivery.mode != AckMode::Auto {
            frame = frame.with("ack", id);
        }
        frame.headers.extend(message.headers.iter().cloned());
        frame.body = message.body.clone();
        self.beats.went_out(now);
        match frame.encode(self.version) {
            Ok(bytes) => Some(bytes),
            Err(e) => {
                // A header that this version cannot say, such as a line break in 1.0.
                tracing::debug!(connection = self.id, error = %e, "message not delivered");
                None
            }
        }
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
