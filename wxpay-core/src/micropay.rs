//! Taking a payment from the payer's barcode to its end: pay, query, reverse. Without I/O.
//!
//! A micropay has no notify. Its answer may say that the payer is typing a password, or nothing may come back at all; then
//! the order is queried, and if it is still open after three quarters of a minute it is reversed, so that the payer is not
//! charged for what the shop did not hand out. [`MicropayFlow`] decides what is next; whoever drives it sends the requests
//! and waits. The client's `micropay_with_poll` (feature `client`) is such a driver.
//!
//! A program may die on the way. [`MicropayFlow::state`] is small and worth storing before each step; [`MicropayFlow::restore`]
//! goes on from it: with a query when nothing was reversed yet, with the reverse when one was begun.
//!
//! ```
//! use core::time::Duration;
//! use wxpay_core::micropay::{Event, MicropayEnd, MicropayFlow, Step, Timing};
//!
//! let at = Duration::from_secs;
//! let mut flow = MicropayFlow::new(Timing::DEFAULT, at(0));
//! assert_eq!(flow.step(), Step::Pay);
//! // USERPAYING: the payer is typing a password.
//! assert_eq!(flow.next(Event::Pending, at(1)), Step::Query { after: at(10) });
//! assert_eq!(flow.next(Event::Paid, at(11)), Step::Done(MicropayEnd::Paid));
//! ```

mod state;
mod step;
mod timing;

use core::time::Duration;

pub use state::{MicropayRecord, MicropayState, Phase};
pub use step::{Event, MicropayEnd, Step};
pub use timing::Timing;

/// Decides what a micropay needs next. Pure: events and times in, steps out; it ends after a bounded number of steps, and
/// within [`Timing::longest`] if each of them is.
///
/// Times are counted from any fixed moment and do not go back; from the Unix epoch, if the [state](Self::state) is to be
/// stored. The waits that it orders count as passed even if the clock stands still.
#[derive(Clone, Debug)]
pub struct MicropayFlow {
    timing: Timing,
    step: Step,
    /// None at the end.
    phase: Option<Phase>,
    started: Duration,
    /// The sum of the waits ordered since `started`.
    waited: Duration,
    /// When the micropay's answer came; a reverse waits from here on.
    pay_ended: Duration,
    /// When this program began to reverse.
    reversing: Option<Duration>,
    reverses: u32,
    last_queries: u32,
    /// A reverse may have arrived, so a later "paid" may be about to end.
    reverse_may_act: bool,
}

impl MicropayFlow {
    /// How often the last look at an order is tried.
    pub(crate) const LAST_QUERIES: u32 = 3;

    /// A flow that begins now with [`Step::Pay`].
    #[must_use]
    pub const fn new(timing: Timing, now: Duration) -> Self {
        Self {
            timing,
            step: Step::Pay,
            phase: Some(Phase::Pay),
            started: now,
            waited: Duration::ZERO,
            pay_ended: now,
            reversing: None,
            reverses: 0,
            last_queries: 0,
            reverse_may_act: false,
        }
    }

    /// A flow whose micropay was sent before, perhaps by a program that did not live to see the answer. It begins with a
    /// query, and must be given the moment of sending as far as it is known.
    #[must_use]
    pub const fn resume(timing: Timing, sent: Duration) -> Self {
        let mut flow = Self::new(timing, sent);
        flow.phase = Some(Phase::Poll);
        flow.step = Step::Query {
            after: Duration::ZERO,
        };
        flow
    }

    /// What must be known to go on after a restart; nothing when the flow has ended.
    ///
    /// Store it before the step that is due is carried out, the first one too: a stored [`Phase::Pay`] says that the micropay
    /// may have left.
    #[must_use]
    pub const fn state(&self) -> Option<MicropayState> {
        match self.phase {
            Some(phase) => Some(MicropayState {
                phase,
                started: self.started,
                pay_ended: self.pay_ended,
                reverses: self.reverses,
                reverse_may_act: self.reverse_may_act,
            }),
            None => None,
        }
    }

    /// The flow of a stored state, after a restart. It never pays again: what was about to be paid is queried.
    ///
    /// `now` is counted from the same moment as the state's times. The payer's time goes on from the start; the time for
    /// reverses begins anew, and their number goes on. If the clock was set back, the waits begin anew.
    ///
    /// ```
    /// use core::time::Duration;
    /// use wxpay_core::micropay::{Event, MicropayFlow, Step, Timing};
    ///
    /// let at = Duration::from_secs;
    /// let flow = MicropayFlow::new(Timing::DEFAULT, at(1_700_000_000));
    /// let stored = flow.state().expect("it has not ended");
    /// // The program dies while the micropay is under way, and comes back a minute later.
    /// let mut flow = MicropayFlow::restore(Timing::DEFAULT, stored, at(1_700_000_060));
    /// assert_eq!(flow.step(), Step::Query { after: at(0) });
    /// assert_eq!(flow.next(Event::Pending, at(1_700_000_061)), Step::Reverse { after: at(0) });
    /// ```
    #[must_use]
    pub fn restore(timing: Timing, state: MicropayState, now: Duration) -> Self {
        let mut flow = Self::new(timing, state.started.min(now));
        flow.pay_ended = state.pay_ended.min(now);
        flow.reverses = state.reverses;
        flow.reverse_may_act = state.reverse_may_act;
        flow.phase = Some(state.phase);
        let at_once = Step::Query {
            after: Duration::ZERO,
        };
        flow.step = match state.phase {
            Phase::Pay => {
                flow.phase = Some(Phase::Poll);
                at_once
            }
            Phase::Poll | Phase::Look | Phase::Last => at_once,
            Phase::Reverse => {
                flow.reversing = Some(now);
                // It may have left before the program died.
                flow.reverse_may_act = true;
                flow.reverses = state.reverses.max(1);
                Step::Reverse {
                    after: flow.until_reverse(now),
                }
            }
        };
        flow
    }

    /// The step that is due.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// Takes what came of the step that was due, and says what is next.
    pub fn next(&mut self, event: Event, now: Duration) -> Step {
        self.step = match self.phase {
            Some(Phase::Pay) => self.after_pay(event, now),
            Some(Phase::Poll) => self.after_poll(event, now),
            Some(Phase::Look) => self.after_look(event),
            Some(Phase::Reverse) => self.after_reverse(event, now),
            Some(Phase::Last) => self.after_last(event, now),
            None => self.step,
        };
        if let Step::Query { after } | Step::Reverse { after } = self.step {
            self.waited = self.waited.saturating_add(after);
        }
        self.step
    }

    fn after_pay(&mut self, event: Event, now: Duration) -> Step {
        self.pay_ended = now.max(self.started);
        match event {
            Event::Paid => self.done(MicropayEnd::Paid),
            Event::Refused => self.done(MicropayEnd::Refused),
            Event::NotSent => self.done(MicropayEnd::NotSent),
            Event::NumberTaken => {
                self.phase = Some(Phase::Look);
                Step::Query {
                    after: Duration::ZERO,
                }
            }
            Event::Pending => self.poll(self.timing.query_every, now),
            _ => self.poll(self.timing.query_after_error, now),
        }
    }

    fn after_poll(&mut self, event: Event, now: Duration) -> Step {
        match event {
            Event::Paid => self.done(MicropayEnd::Paid),
            Event::Reversed => self.done(MicropayEnd::Reversed),
            Event::Refunded => self.done(MicropayEnd::Refunded),
            Event::Failed => self.reverse(now),
            Event::Pending => self.poll(self.timing.query_every, now),
            _ => self.poll(self.timing.query_after_error, now),
        }
    }

    fn after_look(&mut self, event: Event) -> Step {
        match event {
            Event::Paid => self.done(MicropayEnd::Paid),
            Event::Reversed => self.done(MicropayEnd::Reversed),
            Event::Refunded => self.done(MicropayEnd::Refunded),
            Event::Pending | Event::Failed => self.done(MicropayEnd::NumberTaken),
            Event::NotFound => self.done(MicropayEnd::Refused),
            _ => self.look_again(),
        }
    }

    fn after_reverse(&mut self, event: Event, now: Duration) -> Step {
        let (is_over, after) = match event {
            Event::Reversed => return self.done(MicropayEnd::Reversed),
            Event::Refused => (true, Duration::ZERO),
            Event::NotSent => (false, self.timing.reverse_every),
            _ => {
                self.reverse_may_act = true;
                (false, self.timing.reverse_every)
            }
        };
        if is_over || self.reverses >= self.timing.reverses || self.is_late(now) {
            self.phase = Some(Phase::Last);
            return Step::Query { after };
        }
        self.reverses += 1;
        Step::Reverse { after }
    }

    fn after_last(&mut self, event: Event, now: Duration) -> Step {
        match event {
            // A reverse under way takes the money back after this answer.
            Event::Paid if !self.reverse_may_act => self.done(MicropayEnd::Paid),
            Event::Reversed => self.done(MicropayEnd::Reversed),
            Event::Refunded => self.done(MicropayEnd::Refunded),
            Event::NotFound => self.done(MicropayEnd::NotFound),
            Event::Paid | Event::Pending | Event::Failed => self.done(MicropayEnd::Unknown),
            _ if self.is_late(now) => self.done(MicropayEnd::Unknown),
            _ => self.look_again(),
        }
    }

    /// The next query, or the first reverse when the payer's time is over by then.
    fn poll(&mut self, after: Duration, now: Duration) -> Step {
        if self.passed(now).saturating_add(after) > self.timing.poll_for {
            return self.reverse(now);
        }
        self.phase = Some(Phase::Poll);
        Step::Query { after }
    }

    fn reverse(&mut self, now: Duration) -> Step {
        self.phase = Some(Phase::Reverse);
        self.reversing = Some(now);
        self.reverses = 1;
        Step::Reverse {
            after: self.until_reverse(now),
        }
    }

    /// How long the first reverse has to wait. On the real clock alone: one that comes too early is refused.
    fn until_reverse(&self, now: Duration) -> Duration {
        let since = now.saturating_sub(self.pay_ended);
        self.timing.reverse_not_before.saturating_sub(since)
    }

    /// Whether reverses have had their time. A restored last look has no beginning and is bounded by its tries alone.
    fn is_late(&self, now: Duration) -> bool {
        let most = self.timing.reverse_not_before;
        let most = most.saturating_add(self.timing.reverse_for);
        self.reversing
            .is_some_and(|began| now.saturating_sub(began) > most)
    }

    fn look_again(&mut self) -> Step {
        self.last_queries += 1;
        if self.last_queries >= Self::LAST_QUERIES {
            return self.done(MicropayEnd::Unknown);
        }
        Step::Query {
            after: self.timing.query_after_error,
        }
    }

    fn done(&mut self, end: MicropayEnd) -> Step {
        self.phase = None;
        Step::Done(end)
    }

    fn passed(&self, now: Duration) -> Duration {
        now.saturating_sub(self.started).max(self.waited)
    }
}

#[cfg(test)]
mod tests;
