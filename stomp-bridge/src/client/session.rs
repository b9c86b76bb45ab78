//! The client's session: frames, commands and `now` in; frames, events and the next time-out out.
//!
//! It owns the handshake, heart-beats both ways, and the table of receipts that are out. It reads
//! no clock and touches no socket. Any ERROR, any decode error and any close ends it: RabbitMQ
//! leaves the socket open after some errors and closes it after others, so the only safe rule is
//! that the first one is the end. A RECEIPT after an ERROR means nothing and is not looked at.

use super::acknowledge::{AckName, Verdict};
use super::codec::Outgoing;
use super::credentials::Credentials;
use super::event::{Cut, Event, Outcome, Received, ServerInfo};
use super::publication::Publication;
use super::send::encode_send;
use super::subscriber::AckMode;
use crate::frame::{Command, Frame, Version};
use async_stomp::{FromServer, Message, ToServer};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

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

/// Whether CONNECT says that we beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnBeats {
    /// It does, and the broker may count on them.
    Announced,
    /// It does not, and we beat all the same: line ends are allowed between any frames, and keep
    /// idle time-outs on the way at bay. RabbitMQ 3.10.8's Web STOMP counts announced beats in a
    /// process that dies, with the connection, of the second `resume` that flow control sends it
    /// under a fast publisher.
    Unannounced,
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

struct InFlight<T> {
    token: T,
    sent: Instant,
    deadline: Instant,
}

pub(crate) struct Session<T> {
    config: SessionConfig,
    phase: Phase,
    /// By receipt id, which counts up: the first has the nearest deadline.
    in_flight: BTreeMap<u64, InFlight<T>>,
    next_id: u64,
    transmit: VecDeque<Outgoing>,
    events: VecDeque<Event<T>>,
    beat_out: Option<Duration>,
    beat_in: Option<Duration>,
    last_out: Instant,
    last_in: Instant,
    last_receipt: Instant,
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
        let wanted = u32::try_from(config.heartbeat.as_millis()).unwrap_or(u32::MAX);
        let offered = match config.own_beats {
            OwnBeats::Announced => wanted,
            OwnBeats::Unannounced => 0,
        };
        let connect = ToServer::Connect {
            accept_version: ACCEPTED_VERSIONS.to_owned(),
            host: vhost.to_owned(),
            login: credentials.map(|c| c.login().to_owned()),
            passcode: credentials.map(|c| c.passcode().to_owned()),
            heartbeat: Some((offered, wanted)),
        };
        Self {
            config,
            phase: Phase::Connecting {
                deadline: now + config.connect_timeout,
            },
            in_flight: BTreeMap::new(),
            next_id: 1,
            transmit: VecDeque::from([Outgoing::Frame(connect.into())]),
            events: VecDeque::new(),
            beat_out: None,
            beat_in: None,
            last_out: now,
            last_in: now,
            last_receipt: now,
            version: Version::V1_2,
        }
    }

    /// Whether another frame with a receipt may be sent now.
    pub(crate) fn has_room(&self) -> bool {
        self.phase == Phase::Open && self.in_flight.len() < self.config.window
    }

    /// The version that CONNECTED named.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Outgoing> {
        self.transmit.pop_front()
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
                let receipt = self.in_flight.values().next().map(|f| f.deadline);
                [receipt, self.beat_due(), self.silence_due()]
                    .into_iter()
                    .flatten()
                    .min()
            }
        }
    }

    /// Half the interval, so that a beat that is late by as much still comes in time.
    fn beat_due(&self) -> Option<Instant> {
        self.beat_out.map(|every| self.last_out + every / 2)
    }

    /// Two intervals, so that one late beat cuts nothing.
    fn silence_due(&self) -> Option<Instant> {
        self.beat_in.map(|every| self.last_in + every * 2)
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        match self.phase {
            Phase::Connecting { deadline } if deadline <= now => self.end(Cut::HandshakeTimeout),
            Phase::Open if due(self.silence_due()) => self.end(Cut::Silent),
            Phase::Open if due(self.in_flight.values().next().map(|f| f.deadline)) => {
                self.end(self.why_no_receipt(now));
            }
            Phase::Open if due(self.beat_due()) => self.send_out(now, Outgoing::Heartbeat),
            Phase::Connecting { .. } | Phase::Open | Phase::Ended => {}
        }
    }

    /// The first that is out waits for its receipt in vain.
    ///
    /// RabbitMQ under an alarm still gives the receipt of the first SEND on each connection, which
    /// may have gone out together with the others: what counts is that none came for a while.
    fn why_no_receipt(&self, now: Instant) -> Cut {
        let sent = self.in_flight.values().next().map(|f| f.sent);
        let none_came = self.last_receipt + self.config.receipt_timeout / 2 <= now;
        let beaten = self.last_in > self.last_receipt && sent.is_some_and(|at| self.last_in > at);
        // Heart-beats are looked for: without them nothing tells a blocked broker from a dead one.
        if self.beat_in.is_some() && beaten && none_came {
            Cut::Blocked
        } else {
            Cut::ReceiptTimeout
        }
    }

    /// Bytes came in: the peer lives.
    pub(crate) fn handle_bytes(&mut self, now: Instant) {
        self.last_in = now;
    }

    pub(crate) fn handle_frame(&mut self, now: Instant, frame: Message<FromServer>) {
        self.last_in = now;
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
                self.agree_on_beats(heartbeat.as_deref());
                self.phase = Phase::Open;
                self.events
                    .push_back(Event::Connected(ServerInfo { version, server }));
            }
            (Phase::Open, FromServer::Receipt { receipt_id }) => {
                self.last_receipt = now;
                let id = receipt_id.parse().ok();
                // An unknown id is a receipt that was not asked for: nothing hangs on it.
                if let Some(done) = id.and_then(|id: u64| self.in_flight.remove(&id)) {
                    let (token, outcome) = (done.token, Outcome::Confirmed);
                    self.events.push_back(Event::Settled { token, outcome });
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
            (Phase::Connecting { .. }, _) => {
                self.end(Cut::Protocol {
                    what: "a frame before CONNECTED".to_owned(),
                });
            }
            (Phase::Open, FromServer::Connected { .. }) => {
                self.end(Cut::Protocol {
                    what: "a second CONNECTED".to_owned(),
                });
            }
        }
    }

    /// Which message an ERROR speaks of is known when it names the receipt, or when only one is
    /// out. All others are unknown.
    fn handle_error(&mut self, named: Option<&str>, message: String, body: &[u8]) {
        let body = String::from_utf8_lossy(body).trim_end().to_owned();
        let id = match named {
            Some(text) => text.parse().ok(),
            None if self.in_flight.len() == 1 => self.in_flight.keys().next().copied(),
            None => None,
        };
        if let Some(refused) = id.and_then(|id: u64| self.in_flight.remove(&id)) {
            let outcome = Outcome::Refused {
                message: message.clone(),
                body: body.clone(),
            };
            self.events.push_back(Event::Settled {
                token: refused.token,
                outcome,
            });
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
        for (_, InFlight { token, .. }) in std::mem::take(&mut self.in_flight) {
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
        let receipt = self.expect_receipt(now, token);
        let version = self.version;
        encode_send(publication, receipt, version, self.wire(now));
    }

    /// Asks for the messages of `destination` and for a receipt.
    pub(crate) fn subscribe(&mut self, now: Instant, subscribe: &Subscribe<'_>, token: T) {
        let receipt = self.expect_receipt(now, token).to_string();
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
        let receipt = self.expect_receipt(now, token).to_string();
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
        self.last_out = now;
        if !matches!(self.transmit.back(), Some(Outgoing::Wire(_))) {
            self.transmit.push_back(Outgoing::Wire(Vec::new()));
        }
        match self.transmit.back_mut() {
            Some(Outgoing::Wire(bytes)) => bytes,
            _ => unreachable!("one was pushed"),
        }
    }

    /// Bytes of frames that were not taken by [`poll_transmit`](Self::poll_transmit).
    pub(crate) fn untransmitted_bytes(&self) -> usize {
        let size = |out: &Outgoing| match out {
            Outgoing::Wire(bytes) => bytes.len(),
            Outgoing::Frame(_) | Outgoing::Heartbeat => 0,
        };
        self.transmit.iter().map(size).sum()
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

    fn expect_receipt(&mut self, now: Instant, token: T) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let deadline = now + self.config.receipt_timeout;
        let in_flight = InFlight {
            token,
            sent: now,
            deadline,
        };
        self.in_flight.insert(id, in_flight);
        id
    }

    fn send_out(&mut self, now: Instant, frame: Outgoing) {
        self.last_out = now;
        self.transmit.push_back(frame);
    }

    /// STOMP 1.2, "Heart-beating": each direction beats at the larger of the two wishes, and not
    /// at all when either is zero. 1.0 knows none.
    fn agree_on_beats(&mut self, theirs: Option<&str>) {
        if self.version == Version::V1_0 {
            return;
        }
        let mut parts = theirs
            .unwrap_or("0,0")
            .split(',')
            .map(|p| p.trim().parse().unwrap_or(0));
        let mut larger = || {
            let wish = Duration::from_millis(u64::from(parts.next().unwrap_or(0_u32)));
            let ours = self.config.heartbeat;
            (!wish.is_zero() && !ours.is_zero()).then(|| wish.max(ours))
        };
        let (beat_in, agreed_out) = (larger(), larger());
        self.beat_in = beat_in;
        self.beat_out = match self.config.own_beats {
            OwnBeats::Announced => agreed_out,
            OwnBeats::Unannounced => Some(self.config.heartbeat).filter(|every| !every.is_zero()),
        };
    }
}

fn extra(headers: &[(Vec<u8>, Vec<u8>)], name: &str) -> Option<String> {
    let (_, value) = headers.iter().find(|(n, _)| n == name.as_bytes())?;
    std::str::from_utf8(value).ok().map(str::to_owned)
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
