//! Heart-beats both ways.

use crate::frame::Version;
use std::time::{Duration, Instant};

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

pub(super) struct Beats {
    /// How often we beat and ask the broker to; zero for never.
    wish: Duration,
    own: OwnBeats,
    every_out: Option<Duration>,
    every_in: Option<Duration>,
    last_out: Instant,
    last_in: Instant,
}

impl Beats {
    pub(super) fn new(wish: Duration, own: OwnBeats, now: Instant) -> Self {
        Self {
            wish,
            own,
            every_out: None,
            every_in: None,
            last_out: now,
            last_in: now,
        }
    }

    /// CONNECT's `heart-beat`, in milliseconds.
    pub(super) fn offer(&self) -> (u32, u32) {
        let wanted = u32::try_from(self.wish.as_millis()).unwrap_or(u32::MAX);
        match self.own {
            OwnBeats::Announced => (wanted, wanted),
            OwnBeats::Unannounced => (0, wanted),
        }
    }

    /// STOMP 1.2, "Heart-beating": each direction beats at the larger of the two wishes, and not
    /// at all when either is zero. 1.0 knows none.
    pub(super) fn agree(&mut self, theirs: Option<&str>, version: Version) {
        if version == Version::V1_0 {
            return;
        }
        let mut parts = theirs
            .unwrap_or("0,0")
            .split(',')
            .map(|p| p.trim().parse().unwrap_or(0));
        let mut larger = || {
            let wish = Duration::from_millis(u64::from(parts.next().unwrap_or(0_u32)));
            (!wish.is_zero() && !self.wish.is_zero()).then(|| wish.max(self.wish))
        };
        let (agreed_in, agreed_out) = (larger(), larger());
        self.every_in = agreed_in;
        self.every_out = match self.own {
            OwnBeats::Announced => agreed_out,
            OwnBeats::Unannounced => Some(self.wish).filter(|every| !every.is_zero()),
        };
    }

    pub(super) fn said(&mut self, now: Instant) {
        self.last_out = now;
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.last_in = now;
    }

    /// When the broker was last heard, if it is to beat.
    pub(super) fn last_heard(&self) -> Option<Instant> {
        self.every_in.map(|_| self.last_in)
    }

    /// Half the interval, so that a beat that is late by as much still comes in time.
    pub(super) fn beat_due(&self) -> Option<Instant> {
        self.every_out.map(|every| self.last_out + every / 2)
    }

    /// Two intervals, so that one late beat cuts nothing.
    pub(super) fn silence_due(&self) -> Option<Instant> {
        self.every_in.map(|every| self.last_in + every * 2)
    }
}
