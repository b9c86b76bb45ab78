//! When the end of a connection is the doing of a message.
//!
//! A connection that ends while a message is alone in flight proves little: networks cut when they
//! like. What proves something is a **trial**: the message is the first and only one that is sent on
//! a new connection, that ends without a receipt, and the next connection, without the message, holds
//! several times as long as the whole of that one did. The second half is the **control**: a network
//! that cuts connections at that age, or all the time, fails it, and then the trial counts for
//! nothing. Messages that are themselves under suspicion wait for the control's end, so that the one
//! does not spoil the trial of the other.

use super::Seq;
use std::time::{Duration, Instant};

/// The control must hold this many times as long.
const CONTROL_FACTOR: u32 = 4;

/// A connection that lasted longer proves nothing: its control would keep others waiting.
const MAX_TRIAL: Duration = Duration::from_secs(2);

/// A connection that has carried nothing is new for this long.
const NEW_FOR: Duration = Duration::from_millis(250);

/// The connection there is.
struct Line {
    begun: Instant,
    /// Nothing was sent on it.
    unused: bool,
}

/// The connection of a trial ended and the next one is watched.
struct Control {
    seq: Seq,
    must_hold: Duration,
}

#[derive(Default)]
pub(super) struct Trials {
    line: Option<Line>,
    /// The message that the connection has carried, and nothing else.
    on_trial: Option<Seq>,
    control: Option<Control>,
}

impl Trials {
    pub(super) fn begun(&mut self, now: Instant) {
        self.line = Some(Line {
            begun: now,
            unused: true,
        });
        self.on_trial = None;
    }

    pub(super) fn sent(&mut self, now: Instant, seq: Seq) {
        self.on_trial = self.would_count(now).then_some(seq);
        if let Some(line) = &mut self.line {
            line.unused = false;
        }
    }

    pub(super) fn confirmed(&mut self) {
        self.on_trial = None;
    }

    /// Whether a message that is sent now is on trial.
    pub(super) fn would_count(&self, now: Instant) -> bool {
        let new = |line: &Line| line.unused && now.saturating_duration_since(line.begun) <= NEW_FOR;
        self.line.as_ref().is_some_and(new)
    }

    pub(super) fn is_connected(&self) -> bool {
        self.line.is_some()
    }

    /// Whether suspects have to wait.
    pub(super) fn is_pending(&self) -> bool {
        self.control.is_some()
    }

    /// When the control will have held, if the connection lives.
    pub(super) fn due(&self) -> Option<Instant> {
        Some(self.line.as_ref()?.begun + self.control.as_ref()?.must_hold)
    }

    /// The message whose trial counts by now.
    pub(super) fn verdict(&mut self, now: Instant) -> Option<Seq> {
        if self.due()? > now {
            return None;
        }
        self.control.take().map(|control| control.seq)
    }

    /// The connection has ended, with this message to blame if anything is. Ask for the
    /// [`verdict`](Self::verdict) before. A control that did not hold clears its message.
    pub(super) fn ended(&mut self, now: Instant, culprit: Option<Seq>) {
        let tried = self.on_trial.take().filter(|seq| culprit == Some(*seq));
        let Some(line) = self.line.take() else { return };
        let lasted = now.saturating_duration_since(line.begun);
        let counts = tried.filter(|_| lasted <= MAX_TRIAL);
        self.control = counts.map(|seq| Control {
            seq,
            must_hold: lasted * CONTROL_FACTOR,
        });
    }
}
