//! What becomes of each message between `publish` and its answer: what is sent, in which order,
//! what is sent again after a cut, which message is to blame for one, who waits for whom.
//!
//! It is pure: messages, receipts, cuts and `now` come in; what to send, answers and the next
//! time-out come out. The rules:
//!
//! - Messages are sent in the order in which they came. After a cut, those without a receipt are
//!   sent again, in that order and before anything new, until their deadline.
//! - An ERROR or a close may be about any message in flight, and over Web STOMP RabbitMQ never says
//!   which. Those that it took are sent again, and if that ends as well, in ever smaller groups, down to
//!   **one at a time**: their [suspicion](suspicion). A few are sent one at a time at once.
//! - One that is alone in flight when the connection ends is set aside and tried again, later each
//!   time, alone on a new connection: its [trial](trial). Only ends that such a trial pins on the
//!   message count, and after a number of them it is answered as poison.
//! - While a message is set aside, later ones of its key wait. Once it has failed, those that were
//!   on their way by then are answered with [`PublishError::KeyBlocked`]. Other keys go on.

mod held;
mod rules;
mod suspicion;
mod table;
mod trial;

pub use rules::Resend;
pub(super) use rules::Rules;

use super::outcome::{NotSent, PublishError, Published};
use crate::client::event::Cut;
use crate::client::publication::Publication;
use held::Held;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;
use table::Table;
use trial::Trials;

type Key = Arc<str>;
type Seq = u64;

/// Every message that has no answer yet. `R` is whom to answer.
pub(super) struct Flights<R> {
    rules: Rules,
    table: Table<R>,
    /// Taken back by a cut: to be sent before the fresh ones. By number.
    again: VecDeque<Seq>,
    /// Never sent. By number.
    fresh: VecDeque<Seq>,
    /// Culprits, and when each is tried again.
    aside: BTreeMap<Seq, Instant>,
    /// Behind culprits of their key.
    held: Held,
    /// On the connection.
    out: usize,
    /// Suspects are on the connection, and no more than so many may be: nothing else.
    company: Option<usize>,
    /// What the ending connection took.
    lost: Vec<Seq>,
    /// The ending connection named the message it is about.
    told: bool,
    trials: Trials,
}

impl<R> Flights<R> {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            table: Table::default(),
            again: VecDeque::new(),
            fresh: VecDeque::new(),
            aside: BTreeMap::new(),
            held: Held::default(),
            out: 0,
            company: None,
            lost: Vec::new(),
            told: false,
            trials: Trials::default(),
        }
    }

    /// Whether another message may be handed over.
    pub(super) fn has_room(&self) -> bool {
        self.fresh.len() < self.rules.max_fresh && self.table.len() < self.rules.max_open
    }

    pub(super) fn is_empty(&self) -> bool {
        self.table.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// The number that the next message gets.
    pub(super) fn next_seq(&self) -> Seq {
        self.table.next_seq()
    }

    /// How many of the messages below `seq` have no answer yet.
    pub(super) fn open_below(&self, seq: Seq) -> usize {
        self.table.open_below(seq)
    }

    /// Whether a message below `seq` has no answer yet.
    pub(super) fn is_open_below(&self, seq: Seq) -> bool {
        self.table.is_open_below(seq)
    }

    pub(super) fn poll_answer(&mut self) -> Option<(R, Result<Published, PublishError>)> {
        self.table.poll_answer()
    }

    /// A message whose `publish` was called at `since`.
    pub(super) fn submit(&mut self, since: Instant, publication: Publication, reply: R) {
        self.fresh
            .extend(self.table.submit(since, publication, reply));
    }

    /// A new connection is there.
    pub(super) fn begun(&mut self, now: Instant) {
        self.trials.begun(now);
    }

    /// Whether the next message wants a new connection, and this one may be left: nothing is out.
    pub(super) fn wants_renewal(&self, now: Instant) -> bool {
        self.out == 0
            && self.trials.is_connected()
            && !self.trials.would_count(now)
            && self.next_trial(now).is_some()
    }

    /// The message whose trial is due.
    fn next_trial(&self, now: Instant) -> Option<Seq> {
        if self.trials.is_pending() {
            return None;
        }
        let due = self.aside.iter().find(|(_, until)| **until <= now);
        due.map(|(&seq, _)| seq)
    }

    /// The next message to send on the connection, which must have room for it. One that was never
    /// sent and is no longer `wanted` is forgotten.
    pub(super) fn next_send(
        &mut self,
        now: Instant,
        wanted: impl Fn(&R) -> bool,
    ) -> Option<(Seq, &Publication)> {
        if self.company.is_some_and(|most| self.out >= most) {
            return None;
        }
        if let Some(seq) = self.next_trial(now) {
            if self.out > 0 || !self.trials.would_count(now) {
                // It waits until it can be alone, on a new connection, and others do not get before
                // it.
                return None;
            }
            self.aside.remove(&seq);
            return self.put_out(now, seq, Some(1));
        }
        loop {
            let seq = *self.again.front().or(self.fresh.front())?;
            let Some(flight) = self.table.get(seq) else {
                debug_assert!(false, "a queued message is open");
                self.unqueue_front();
                continue;
            };
            if !flight.was_sent && !wanted(&flight.reply) {
                self.unqueue_front();
                self.table.forget(seq);
                continue;
            }
            if self.held.wait_behind(flight.key(), seq) {
                self.unqueue_front();
                continue;
            }
            let group = flight.suspicion.group();
            if !self.may_join(group) || (group.is_some() && self.trials.is_pending()) {
                return None;
            }
            self.unqueue_front();
            return self.put_out(now, seq, group);
        }
    }

    fn unqueue_front(&mut self) {
        if self.again.pop_front().is_none() {
            self.fresh.pop_front();
        }
    }

    /// Whether a message with this group may go out beside those that are: suspects stay among themselves.
    fn may_join(&self, group: Option<usize>) -> bool {
        match (self.company, group) {
            _ if self.out == 0 => true,
            (None, None) => true,
            (Some(most), Some(group)) => self.out < most.min(group),
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    fn put_out(
        &mut self,
        now: Instant,
        seq: Seq,
        group: Option<usize>,
    ) -> Option<(Seq, &Publication)> {
        let flight = self.table.get_mut(seq)?;
        flight.was_sent = true;
        self.trials.sent(now, seq);
        self.out += 1;
        self.company = [self.company, group].into_iter().flatten().min();
        Some((seq, &flight.publication))
    }

    fn take_in(&mut self) {
        debug_assert!(self.out > 0);
        self.out = self.out.saturating_sub(1);
        if self.out == 0 {
            self.company = None;
        }
    }

    /// The receipt of a message came.
    pub(super) fn confirmed(&mut self, seq: Seq) {
        self.take_in();
        self.trials.confirmed();
        let key = self.table.confirm(seq);
        self.release(key, seq);
    }

    /// An ERROR named the message. [`ended`](Self::ended) follows. `queued` messages at most were
    /// handed to the publisher and not yet to this.
    pub(super) fn refused(&mut self, seq: Seq, message: String, body: String, queued: usize) {
        self.take_in();
        self.told = true;
        self.fail(seq, queued, |_| PublishError::Refused { message, body });
    }

    /// The connection ends without the receipt of a message. [`ended`](Self::ended) follows.
    pub(super) fn lost(&mut self, seq: Seq) {
        self.take_in();
        self.lost.push(seq);
    }

    /// The connection has ended.
    pub(super) fn ended(&mut self, now: Instant, cut: &Cut, queued: usize) {
        self.judge(now, queued);
        let mut lost = std::mem::take(&mut self.lost);
        lost.sort_unstable();
        let told = std::mem::take(&mut self.told);
        let blames = !told && may_be_about_a_message(cut);
        let culprit = lost.first().copied().filter(|_| blames && lost.len() == 1);
        self.trials.ended(now, culprit);
        let mut again = Vec::with_capacity(lost.len() + self.again.len());
        for &seq in &lost {
            let Some(flight) = self.table.get_mut(seq) else {
                continue;
            };
            flight.last_cut = Some(cut.clone());
            if blames {
                flight.suspicion = flight.suspicion.after(lost.len());
            }
            if self.rules.gone_past(flight, now) {
                self.give_up(seq, queued);
            } else if culprit.is_some() {
                self.set_aside(now, seq);
            } else {
                again.push(seq);
            }
        }
        again.extend(self.again.drain(..));
        again.sort_unstable();
        self.again = again.into();
        self.answer_blocked();
        debug_assert_eq!(self.out, 0, "an ended connection has nothing out");
    }

    fn set_aside(&mut self, now: Instant, seq: Seq) {
        let Some(flight) = self.table.get_mut(seq) else {
            return;
        };
        if let Some(key) = flight.key() {
            self.held.hold(Key::clone(key), seq);
        }
        let wait = self.rules.backoff.wait(flight.setbacks, u64::MAX);
        flight.setbacks = flight.setbacks.saturating_add(1);
        self.aside.insert(seq, now + wait);
    }

    /// Counts a trial whose control has held by now. Call it before [`next_send`](Self::next_send).
    pub(super) fn judge(&mut self, now: Instant, queued: usize) {
        let Some(seq) = self.trials.verdict(now) else {
            return;
        };
        let Some(flight) = self.table.get_mut(seq) else {
            return;
        };
        flight.tries += 1;
        let tries = flight.tries;
        if tries < self.rules.poison_tries {
            return;
        }
        if let Some(reason) = flight.last_cut.take() {
            self.aside.remove(&seq);
            self.fail(seq, queued, |_| PublishError::Poison { tries, reason });
            self.answer_blocked();
        }
    }

    /// Answers what has waited too long.
    pub(super) fn expire(&mut self, now: Instant, queued: usize) {
        let Self { rules, table, .. } = self;
        let late = |seq: &Seq| table.get(*seq).is_none_or(|f| rules.gone_past(f, now));
        let mut given_up = Vec::new();
        for queue in [&mut self.again, &mut self.fresh]
            .into_iter()
            .chain(self.held.queues_mut())
        {
            while queue.front().is_some_and(late) {
                given_up.extend(queue.pop_front());
            }
        }
        if !self.aside.is_empty() {
            given_up.extend(self.aside.keys().copied().filter(late));
        }
        for seq in given_up {
            self.give_up(seq, queued);
        }
        self.answer_blocked();
    }

    /// Answers a message, which is on no queue any more, by what is known of it.
    fn give_up(&mut self, seq: Seq, queued: usize) {
        self.aside.remove(&seq);
        let cut = self.table.get_mut(seq).and_then(|f| f.last_cut.take());
        self.fail(seq, queued, |sent| match cut {
            Some(reason) if sent => PublishError::Unknown { reason },
            _ => NotSent::TimedOut.into(),
        });
    }

    fn fail(&mut self, seq: Seq, queued: usize, error: impl FnOnce(bool) -> PublishError) {
        let key = self.table.fail(seq, queued, error);
        self.release(key, seq);
    }

    /// Answers what waits to be sent behind a message that has failed.
    fn answer_blocked(&mut self) {
        let queues = [&mut self.again, &mut self.fresh].into_iter();
        let queues = queues.chain(self.held.queues_mut());
        self.table.answer_blocked(queues);
    }

    /// What waited for the culprit `seq` is queued again, each where its number puts it.
    fn release(&mut self, key: Option<Key>, culprit: Seq) {
        for seq in self.held.release(key, culprit) {
            let sent = self.table.get(seq).is_some_and(|flight| flight.was_sent);
            let queue = if sent {
                &mut self.again
            } else {
                &mut self.fresh
            };
            let at = queue.partition_point(|&other| other < seq);
            queue.insert(at, seq);
        }
    }

    /// Answers everything: the publisher stops. Gives their number.
    pub(super) fn stop(&mut self) -> usize {
        let count = self.table.stop();
        self.again.clear();
        self.fresh.clear();
        self.aside.clear();
        self.held.clear();
        (self.out, self.company) = (0, None);
        count
    }

    /// When [`expire`](Self::expire), [`judge`](Self::judge) or [`next_send`](Self::next_send) will
    /// have something new to say, if nothing happens before.
    pub(super) fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let expiries = [self.again.front(), self.fresh.front()]
            .into_iter()
            .flatten()
            .chain(self.held.fronts())
            .chain(self.aside.keys())
            .filter_map(|seq| self.table.get(*seq))
            .map(|flight| self.rules.deadline(flight));
        let tries = self.aside.values().copied().filter(|until| *until > now);
        expiries.chain(tries).chain(self.trials.due()).min()
    }
}

/// Whether a message can have brought this end about. A broker that falls silent, or takes or
/// answers nothing any more, does so to all messages alike.
fn may_be_about_a_message(cut: &Cut) -> bool {
    match cut {
        Cut::Closed { .. } | Cut::ErrorFrame { .. } | Cut::Protocol { .. } => true,
        Cut::Tls(_)
        | Cut::ReceiptTimeout
        | Cut::Blocked
        | Cut::HandshakeTimeout
        | Cut::Silent
        | Cut::Stalled
        | Cut::Stopped => false,
    }
}

#[cfg(test)]
#[path = "flights_tests.rs"]
mod tests;
