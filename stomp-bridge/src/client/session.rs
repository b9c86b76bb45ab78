//! The client's session: frames, commands and `now` in; frames, events and the next time-out out.
//!
//! It owns the handshake, heart-beats both ways, and the table of receipts that are out. It reads
//! no clock and touches no socket. Any ERROR, any decode error and any close ends it: RabbitMQ
//! leaves the socket open after some errors and closes it after others, so the only safe rule is
//! that the first one is the end. A RECEIPT after an ERROR means nothing and is not looked at.

mod beats;
mod receipts;
mod rest;
mod transmit;

pub(crate) use beats::OwnBeats;

use super::acknowledge::{AckName, Verdict};
use super::codec::Outgoing;
use super::credentials::Credentials;
use super::event::{Cut, Event, Outcome, Received, ServerInfo};
use super::publication::Publication;
use super::send::encode_send;
use super::subscriber::AckMode;
use crate::frame::{Command, Frame, Version};
use async_stomp::{FromServer, Message, ToServer};
use beats::Beats;
use receipts::Receipts;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use transmit::Transmit;

/// What CONNECT offers; CONNECTED names the one that is spoken.
const ACCEPTED_VERSIONS: &str = "1.0,1.1,1.2";

#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionConfig {
    /// How often we beat and ask the broker to; zero for never.
    pub(crate) heartbeat: Duration,
    pub(crate) own_beats: OwnBeats,
    pub(crate) connect_timeout: Duration,
    pub(crate) receipt_timeout: Duration,
    /// Frames that may wait for their receipt at once.
    pub(crate) window: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting { deadline: Instant },
    Open,
    Ended,
}

/// A connection has one subscription.
const SUBSCRIPTION_ID: &str = "0";

/// What SUBSCRIBE asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subscribe<'a> {
    pub(crate) destination: &'a str,
    pub(crate) ack: AckMode,
    /// Messages that may be out unacknowledged; RabbitMQ's `prefetch-count`.
    pub(crate) prefetch: Option<u16>,
    pub(crate) headers: &'a [(String, String)],
}

/// The session's version has no NACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoNack;

pub(crate) struct Session<T> {
    config: SessionConfig,
    phase: Phase,
    receipts: Receipts<T>,
    transmit: Transmit,
    events: VecDeque<Event<T>>,
    beats: Beats,
    version: Version,
}

impl<T> Session<T> {
    /// A session whose CONNECT is ready to transmit.
    pub(crate) fn new(
        config: SessionConfig,
        vhost: &str,
        credentials: Option<&Credentials>,
        now: Instant,
    ) -> Self {
        let beats = Beats::new(config.heartbeat, config.own_beats, now);
        let connect = ToServer::Connect {
            accept_version: ACCEPTED_VERSIONS.to_owned(),
            host: vhost.to_owned(),
            login: credentials.map(|c| c.login().to_owned()),
            passcode: credentials.map(|c| c.passcode().to_owned()),
            heartbeat: Some(beats.offer()),
        };
        Self {
            config,
            phase: Phase::Connecting {
                deadline: now + config.connect_timeout,
            },
            receipts: Receipts::new(config.receipt_timeout, now),
            transmit: Transmit::new(Outgoing::Frame(connect.into())),
            events: VecDeque::new(),
            beats,
            version: Version::V1_2,
        }
    }

    /// Whether another frame with a receipt may be sent now.
    pub(crate) fn has_room(&self) -> bool {
        self.phase == Phase::Open && self.receipts.len() < self.config.window
    }

    /// The version that CONNECTED named.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.receipts.len()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Outgoing> {
        self.transmit.pop()
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event<T>> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called, if nothing happens before.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Connecting { deadline } => Some(deadline),
            Phase::Ended => None,
            Phase::Open => {
                let beats = [self.beats.beat_due(), self.beats.silence_due()];
                let dues = beats.into_iter().chain([self.receipts.due()]);
                dues.flatten().min()
            }
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        match self.phase {
            Phase::Connecting { deadline } if deadline <= now => self.end(Cut::HandshakeTimeout),
            Phase::Open if due(self.beats.silence_due()) => self.end(Cut::Silent),
            Phase::Open if due(self.receipts.due()) => self.end(self.why_no_receipt(now)),
            Phase::Open if due(self.beats.beat_due()) => self.send_out(now, Outgoing::Heartbeat),
            Phase::Connecting { .. } | Phase::Open | Phase::Ended => {}
        }
    }

    /// The first that is out waits for its receipt in vain.
    ///
    /// RabbitMQ under an alarm still gives the receipt of the first SEND on each connection, which
    /// may have gone out together with the others: what counts is that none came for a while.
    fn why_no_receipt(&self, now: Instant) -> Cut {
        let last = self.receipts.last();
        let none_came = last + self.config.receipt_timeout / 2 <= now;
        let beaten = |heard: Instant| heard > last && self.receipts.is_after_first(heard);
        // Heart-beats are looked for: without them nothing tells a blocked broker from a dead one.
        if self.beats.last_heard().is_some_and(beaten) && none_came {
            Cut::Blocked
        } else {
            Cut::ReceiptTimeout
        }
    }

    /// Bytes came in: the peer lives.
    pub(crate) fn handle_bytes(&mut self, now: Instant) {
        self.beats.heard(now);
    }

    /// How long the connection may leave receipts unread, so that more of them come at once.
    pub(crate) fn rest(&self) -> Option<Duration> {
        rest::rest(self.receipts.len(), self.receipts.latency())
    }

    pub(crate) fn handle_receipt(&mut self, now: Instant, id: u64) {
        self.beats.heard(now);
        match self.phase {
            Phase::Ended => {}
            Phase::Connecting { .. } => self.end_unconnected(),
            Phase::Open => {
                if let Some(token) = self.receipts.came(now, id) {
                    let outcome = Outcome::Confirmed;
                    self.events.push_back(Event::Settled { token, outcome });
                }
            }
        }
    }

    fn end_unconnected(&mut self) {
        self.end(Cut::Protocol {
            what: "a frame before CONNECTED".to_owned(),
        });
    }

    pub(crate) fn handle_frame(&mut self, now: Instant, frame: Message<FromServer>) {
        self.beats.heard(now);
        match (self.phase, frame.content) {
            (Phase::Ended, _) => {}
            (_, FromServer::Error { message, body }) => {
                let named = extra(&frame.extra_headers, "receipt-id");
                self.handle_error(
                    named.as_deref(),
                    message.unwrap_or_default(),
                    &body.unwrap_or_default(),
                );
            }
            (
                Phase::Connecting { .. },
                FromServer::Connected {
                    version,
                    server,
                    heartbeat,
                    ..
                },
            ) => {
                let Some(known) = Version::named(&version) else {
                    let what = format!("CONNECTED with version {version:.20}");
                    return self.end(Cut::Protocol { what });
                };
                self.version = known;
                self.beats.agree(heartbeat.as_deref(), known);
                self.phase = Phase::Open;
                self.events
                    .push_back(Event::Connected(ServerInfo { version, server }));
            }
            (Phase::Open, FromServer::Receipt { receipt_id }) => {
                if let Ok(id) = receipt_id.parse() {
                    self.handle_receipt(now, id);
                }
            }
            (
                Phase::Open,
                FromServer::Message {
                    destination,
                    headers,
                    body,
                    ..
                },
            ) => {
                let body = body.unwrap_or_default().into();
                self.events.push_back(Event::Received(Received {
                    destination,
                    headers,
                    body,
                }));
            }
            (Phase::Connecting { .. }, _) => self.end_unconnected(),
            (Phase::Open, FromServer::Connected { .. }) => {
                self.end(Cut::Protocol {
                    what: "a second CONNECTED".to_owned(),
                });
            }
        }
    }

    /// Which message an ERROR speaks of is known when it names the receipt, or when only one is
    /// out and it does not speak of the connection. All others are unknown.
    fn handle_error(&mut self, named: Option<&str>, message: String, body: &[u8]) {
        let body = String::from_utf8_lossy(body).trim_end().to_owned();
        let id = match named {
            Some(text) => text.parse().ok(),
            None if speaks_of_a_frame(&message) => self.receipts.only(),
            None => None,
        };
        if let Some(token) = id.and_then(|id: u64| self.receipts.refused(id)) {
            let outcome = Outcome::Refused {
                message: message.clone(),
                body: body.clone(),
            };
            self.events.push_back(Event::Settled { token, outcome });
        }
        self.end(Cut::ErrorFrame { message, body });
    }

    /// The connection is over: every receipt that is out is unknown.
    pub(crate) fn end(&mut self, cut: Cut) {
        if self.phase == Phase::Ended {
            return;
        }
        self.phase = Phase::Ended;
        self.transmit.clear();
        self.abandon(&cut);
        self.events.push_back(Event::Ended(cut));
    }

    /// Waits for no receipt any more: every one that is out is unknown.
    pub(crate) fn abandon(&mut self, cut: &Cut) {
        for token in self.receipts.take_all() {
            self.events.push_back(Event::Settled {
                token,
                outcome: Outcome::Unknown(cut.clone()),
            });
        }
    }

    /// Sends a message and asks for its receipt. Call it only while [`has_room`](Self::has_room).
    /// Messages sent one after the other are transmitted in one piece.
    pub(crate) fn send(&mut self, now: Instant, publication: &Publication, token: T) {
        debug_assert!(self.has_room());
        let receipt = self.receipts.expect(now, token);
        let version = self.version;
        encode_send(publication, receipt, version, self.wire(now));
    }

    /// Asks for the messages of `destination` and for a receipt.
    pub(crate) fn subscribe(&mut self, now: Instant, subscribe: &Subscribe<'_>, token: T) {
        let receipt = self.receipts.expect(now, token).to_string();
        let mut frame = Frame::new(Command::Subscribe)
            .with("id", SUBSCRIPTION_ID)
            .with("destination", subscribe.destination)
            .with("ack", subscribe.ack.as_str())
            .with("receipt", receipt);
        if let Some(count) = subscribe.prefetch {
            frame = frame.with("prefetch-count", count.to_string());
        }
        frame.headers.extend_from_slice(subscribe.headers);
        self.send_frame(now, &frame);
    }

    /// Asks for no more messages and for a receipt.
    pub(crate) fn unsubscribe(&mut self, now: Instant, token: T) {
        let receipt = self.receipts.expect(now, token).to_string();
        let frame = Frame::new(Command::Unsubscribe)
            .with("id", SUBSCRIPTION_ID)
            .with("receipt", receipt);
        self.send_frame(now, &frame);
    }

    /// Tells what became of a message: ACK or NACK, without a receipt.
    ///
    /// # Errors
    /// STOMP 1.0 has no NACK.
    pub(crate) fn settle(
        &mut self,
        now: Instant,
        message: &AckName,
        verdict: Verdict,
    ) -> Result<(), NoNack> {
        let frame = message.frame(verdict, self.version).ok_or(NoNack)?;
        self.send_frame(now, &frame);
        Ok(())
    }

    fn send_frame(&mut self, now: Instant, frame: &Frame) {
        let version = self.version;
        match frame.encode(version) {
            Ok(bytes) => self.wire(now).extend_from_slice(&bytes),
            Err(e) => self.end(Cut::Protocol {
                what: e.to_string(),
            }),
        }
    }

    /// Where the next frame's bytes go.
    fn wire(&mut self, now: Instant) -> &mut Vec<u8> {
        self.beats.said(now);
        self.transmit.wire()
    }

    /// Bytes of frames that were not taken by [`poll_transmit`](Self::poll_transmit).
    pub(crate) fn untransmitted_bytes(&self) -> usize {
        self.transmit.bytes()
    }

    /// Says goodbye. It asks for no receipt: RabbitMQ never answers it over WebSocket.
    pub(crate) fn disconnect(&mut self, now: Instant) {
        if self.phase == Phase::Open {
            self.send_out(
                now,
                Outgoing::Frame(ToServer::Disconnect { receipt: None }.into()),
            );
        }
    }

    fn send_out(&mut self, now: Instant, frame: Outgoing) {
        self.beats.said(now);
        self.transmit.push(frame);
    }
}

/// Whether an ERROR that names no receipt is about a frame: RabbitMQ's refusals, and the embedded broker's, which has the same. All
/// others, such as those of an operator who closes the connection or of something that dies in the broker, leave open what became of
/// the message.
fn speaks_of_a_frame(message: &str) -> bool {
    const REFUSALS: [&str; 16] = [
        "access_refused",
        "content_too_large",
        "not_allowed",
        "not_found",
        "not_implemented",
        "precondition_failed",
        "resource_error",
        "resource_locked",
        "Bad frame",
        "Bad transaction",
        "Invalid destination",
        "Invalid header",
        "Missing destination",
        "Missing header",
        "Unknown destination",
        "'message-id' is not allowed on 'SEND'",
    ];
    REFUSALS.contains(&message)
}

fn extra(headers: &[(Vec<u8>, Vec<u8>)], name: &str) -> Option<String> {
    let (_, value) = headers.iter().find(|(n, _)| n == name.as_bytes())?;
    std::str::from_utf8(value).ok().map(str::to_owned)
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
