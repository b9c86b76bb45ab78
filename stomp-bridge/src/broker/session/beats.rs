//! Heart-beats both ways, as RabbitMQ agrees on them; and probes for who agreed on none.

use std::time::{Duration, Instant};

/// RabbitMQ's floor: a smaller wish is answered with this.
const MIN_BEAT_MS: u32 = 1000;

/// What there is besides heart-beats to find out whether the peer is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::broker) enum Probe {
    /// A WebSocket ping, which is answered.
    Ping,
    /// A line end, which TCP itself must get across.
    LineEnd,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Beat,
    Probe,
    /// Nothing came for two intervals.
    Silence,
}

#[derive(Debug)]
pub(super) struct Beats {
    /// We send so often.
    out: Option<Duration>,
    /// The client sends so often.
    expected: Option<Duration>,
    ping_interval: Duration,
    probe: Probe,
    last_out: Instant,
    last_in: Instant,
    last_ping: Instant,
}

/// The client's `heart-beat` header: what it can send, what it wants, in milliseconds.
pub(super) fn parse(header: &str) -> Option<(u32, u32)> {
    let (can, wants) = header.split_once(',')?;
    Some((can.trim().parse().ok()?, wants.trim().parse().ok()?))
}

impl Beats {
    pub(super) fn new(ping_interval: Duration, probe: Probe, now: Instant) -> Self {
        let (last_out, last_in, last_ping) = (now, now, now);
        Self {
            out: None,
            expected: None,
            ping_interval,
            probe,
            last_out,
            last_in,
            last_ping,
        }
    }

    /// Agrees, and gives the header of CONNECTED.
    pub(super) fn agree(&mut self, can: u32, wants: u32, now: Instant) -> (u32, u32) {
        let floor = |ms: u32| if ms == 0 { 0 } else { ms.max(MIN_BEAT_MS) };
        let interval = |ms: u32| (ms > 0).then(|| Duration::from_millis(u64::from(ms)));
        let (we_send, they_send) = (floor(wants), floor(can));
        (self.out, self.expected) = (interval(we_send), interval(they_send));
        (self.last_out, self.last_in, self.last_ping) = (now, now, now);
        (we_send, they_send)
    }

    pub(super) fn came_in(&mut self, now: Instant) {
        self.last_in = now;
    }

    pub(super) fn was_deaf(&mut self, time: Duration) {
        self.last_in += time;
    }

    pub(super) fn went_out(&mut self, now: Instant) {
        self.last_out = now;
    }

    fn beat_due(&self) -> Option<Instant> {
        self.out.map(|every| self.last_out + every / 2)
    }

    fn ping_due(&self) -> Option<Instant> {
        self.expected
            .is_none()
            .then(|| self.last_in.max(self.last_ping) + self.ping_interval)
    }

    fn silence_due(&self) -> Option<Instant> {
        let answered = (self.probe == Probe::Ping).then_some(self.ping_interval);
        let interval = self.expected.or(answered)?;
        Some(self.last_in + interval * 2)
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        [self.beat_due(), self.ping_due(), self.silence_due()]
            .into_iter()
            .flatten()
            .min()
    }

    pub(super) fn due(&mut self, now: Instant) -> Due {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.silence_due()) {
            Due::Silence
        } else if is_due(self.ping_due()) {
            self.last_ping = now;
            Due::Probe
        } else if is_due(self.beat_due()) {
            self.last_out = now;
            Due::Beat
        } else {
            Due::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreed_as_rabbitmq_does() {
        let now = Instant::now();
        let mut beats = Beats::new(Duration::from_secs(30), Probe::Ping, now);
        for ((can, wants), agreed) in [
            ((10_000, 10_000), (10_000, 10_000)),
            ((0, 5000), (5000, 0)),
            ((1, 1), (1000, 1000)),
            ((0, 0), (0, 0)),
        ] {
            assert_eq!(beats.agree(can, wants, now), agreed);
        }
        assert_eq!(parse("x"), None);
        assert_eq!(parse("1,y"), None);
    }

    #[test]
    fn who_beats_not_is_pinged_and_dropped_after_two_intervals() {
        let now = Instant::now();
        let s = Duration::from_secs;
        let mut beats = Beats::new(s(30), Probe::Ping, now);
        beats.agree(0, 0, now);
        assert_eq!(beats.next_due(), Some(now + s(30)));
        assert_eq!(beats.due(now + s(30)), Due::Probe);
        assert_eq!(beats.due(now + s(31)), Due::Nothing);
        beats.came_in(now + s(31));
        assert_eq!(beats.due(now + s(61)), Due::Probe);
        assert_eq!(beats.due(now + s(91)), Due::Silence);

        beats.agree(4000, 10_000, now);
        assert_eq!(beats.due(now + s(5)), Due::Beat);
        assert_eq!(beats.due(now + s(8)), Due::Silence);
    }
    #[test]
    fn over_tcp_silence_is_judged_only_where_beats_were_agreed() {
        let now = Instant::now();
        let s = Duration::from_secs;
        let mut beats = Beats::new(s(30), Probe::LineEnd, now);
        beats.agree(0, 0, now);
        assert_eq!(beats.due(now + s(30)), Due::Probe);
        assert_eq!(beats.due(now + s(90)), Due::Probe);
        beats.agree(4000, 0, now);
        assert_eq!(beats.due(now + s(8)), Due::Silence);
    }
}
