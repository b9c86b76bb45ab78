//! What becomes of each message between `publish` and its answer: what is sent, in which order,
//! what is sent again after a cut, which message is to blame for one, who waits for whom.
//!
//! It is pure: messages, receipts, cuts and `now` come in; what to send, answers and the next
//! time-out come out. The rules:
//!
//! - Messages are sent in the order in which they came. After a cut, those without a receipt are
//!   sent again, in that order and before anything new, until their deadline.
//! - An ERROR or a close may be about any message in flight, and over Web STOMP RabbitMQ never says
//!   which. So all of them become suspects, and suspects are sent **one at a time**: the one that is
//!   alone in flight when the connection ends is the culprit. A receipt costs less than a
//!   reconnect, so that going one by one beats halving.
//! - A culprit is set aside and tried again alone, later each time. After a number of tries it is
//!   answered as poison.
//! - While a message is set aside, later ones of its key wait. Once it has failed, those that were
//!   on their way by then are answered with [`PublishError::KeyBlocked`]. Other keys go on.

use super::outcome::{NotSent, PublishError, Published};
use crate::client::Backoff;
use crate::client::event::Cut;
use crate::client::publication::Publication;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whether messages whose receipt a cut swallowed are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resend {
    /// They are answered [`Unknown`](PublishError::Unknown) at once.
    Never,
    /// They are sent again after the reconnect with the same headers, so with the same
    /// `x-outbox-id`, until this long after the call of `publish`.
    Within(Duration),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) resend: Resend,
    /// From `publish` to the first SEND.
    pub(super) queue_timeout: Duration,
    /// Times alone in flight when the connection ended that make a poison message.
    pub(super) poison_tries: u32,
    /// The waits between them, without jitter.
    pub(super) backoff: Backoff,
    /// Messages that may wait here for their first SEND.
    pub(super) max_fresh: usize,
    /// Messages that may be here at all.
    pub(super) max_open: usize,
}

type Key = Arc<str>;
type Seq = u64;

struct Flight<R> {
    publication: Publication,
    reply: R,
    since: Instant,
    was_sent: bool,
    suspect: bool,
    /// Times that the connection ended while it was alone in flight.
    tries: u32,
    /// The end that last took it.
    last_cut: Option<Cut>,
}

/// The messages behind one that is set aside.
struct Held {
    culprit: Seq,
    behind: VecDeque<Seq>,
}

/// A key whose message has failed: what was on its way by then is answered with it.
struct Block {
    below: Seq,
    earlier: Option<String>,
}

/// Every message that has no answer yet. `R` is whom to answer.
pub(super) struct Flights<R> {
    rules: Rules,
    next_seq: Seq,
    open: BTreeMap<Seq, Flight<R>>,
    /// Taken back by a cut: to be sent before the fresh ones. By number.
    again: VecDeque<Seq>,
    /// Never sent. By number.
    fresh: VecDeque<Seq>,
    /// On the connection.
    out: usize,
    /// The one on the connection shall stay alone there.
    alone: bool,
    /// What the ending connection took.
    lost: Vec<Seq>,
    /// The ending connection named the message it is about.
    told: bool,
    /// Culprits, and when each is tried again.
    aside: BTreeMap<Seq, Instant>,
    held: HashMap<Key, Held>,
    blocks: HashMap<Key, Block>,
    /// A block is new: what is queued was not looked at for it.
    sweep: bool,
    answers: VecDeque<(R, Result<Published, PublishError>)>,
}

impl<R> Flights<R> {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            next_seq: 0,
            open: BTreeMap::new(),
            again: VecDeque::new(),
            fresh: VecDeque::new(),
            out: 0,
            alone: false,
            lost: Vec::new(),
            told: false,
            aside: BTreeMap::new(),
            held: HashMap::new(),
            blocks: HashMap::new(),
            sweep: false,
            answers: VecDeque::new(),
        }
    }

    /// Whether another message may be handed over.
    pub(super) fn has_room(&self) -> bool {
        self.fresh.len() < self.rules.max_fresh && self.open.len() < self.rules.max_open
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// The number that the next message gets.
    pub(super) fn next_seq(&self) -> Seq {
        self.next_seq
    }

    /// How many of the messages below `seq` have no answer yet.
    pub(super) fn open_below(&self, seq: Seq) -> usize {
        self.open.range(..seq).count()
    }

    /// Whether a message below `seq` has no answer yet.
    pub(super) fn is_open_below(&self, seq: Seq) -> bool {
        self.open.first_key_value().is_some_and(|(&s, _)| s < seq)
    }

    pub(super) fn poll_answer(&mut self) -> Option<(R, Result<Published, PublishError>)> {
        self.answers.pop_front()
    }

    /// A message whose `publish` was called at `since`.
    pub(super) fn submit(&mut self, since: Instant, publication: Publication, reply: R) {
        let seq = self.next_seq;
        self.next_seq += 1;
        let flight = Flight {
            publication,
            reply,
            since,
            was_sent: false,
            suspect: false,
            tries: 0,
            last_cut: None,
        };
        if !self.blocks.is_empty() {
            self.blocks.retain(|_, block| seq < block.below);
            if let Some(error) = self.blocked(&flight, seq) {
                return self.answers.push_back((flight.reply, Err(error)));
            }
        }
        self.open.insert(seq, flight);
        self.fresh.push_back(seq);
    }

    /// The next message to send on the connection, which must have room for it. One that was never
    /// sent and is no longer `wanted` is forgotten.
    pub(super) fn next_send(
        &mut self,
        now: Instant,
        wanted: impl Fn(&R) -> bool,
    ) -> Option<(Seq, &Publication)> {
        if self.alone {
            return None;
        }
        if let Some((&seq, _)) = self.aside.iter().find(|(_, until)| **until <= now) {
            if self.out > 0 {
                // It waits until it can be alone, and others do not get before it.
                return None;
            }
            self.aside.remove(&seq);
            return self.put_out(seq, true);
        }
        loop {
            let seq = *self.again.front().or(self.fresh.front())?;
            let Some(flight) = self.open.get(&seq) else {
                debug_assert!(false, "a queued message is open");
                self.unqueue_front();
                continue;
            };
            if !flight.was_sent && !wanted(&flight.reply) {
                self.unqueue_front();
                self.open.remove(&seq);
                continue;
            }
            if !self.held.is_empty()
                && let Some(held) = flight
                    .publication
                    .key
                    .as_ref()
                    .and_then(|key| self.held.get_mut(key))
            {
                held.behind.push_back(seq);
                self.unqueue_front();
                continue;
            }
            let alone = flight.suspect;
            if alone && self.out > 0 {
                return None;
            }
            self.unqueue_front();
            return self.put_out(seq, alone);
        }
    }

    fn unqueue_front(&mut self) {
        if self.again.pop_front().is_none() {
            self.fresh.pop_front();
        }
    }

    fn put_out(&mut self, seq: Seq, alone: bool) -> Option<(Seq, &Publication)> {
        let flight = self.open.get_mut(&seq)?;
        flight.was_sent = true;
        self.out += 1;
        self.alone = alone;
        Some((seq, &flight.publication))
    }

    fn take_in(&mut self) {
        debug_assert!(self.out > 0);
        self.out = self.out.saturating_sub(1);
        self.alone = false;
    }

    /// The receipt of a message came.
    pub(super) fn confirmed(&mut self, seq: Seq) {
        self.take_in();
        let Some(flight) = self.open.remove(&seq) else {
            return;
        };
        self.release(seq, flight.publication.key.as_ref());
        self.answers.push_back((flight.reply, Ok(Published)));
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
        let mut lost = std::mem::take(&mut self.lost);
        lost.sort_unstable();
        let told = std::mem::take(&mut self.told);
        let blames = !told && may_be_about_a_message(cut);
        let culprit = blames && lost.len() == 1;
        let mut again = Vec::with_capacity(lost.len() + self.again.len());
        for &seq in &lost {
            let Some(flight) = self.open.get_mut(&seq) else {
                continue;
            };
            flight.last_cut = Some(cut.clone());
            if gone_past(&self.rules, flight, now) {
                self.give_up(seq, queued);
            } else if culprit {
                flight.tries += 1;
                flight.suspect = true;
                let tries = flight.tries;
                if tries < self.rules.poison_tries {
                    self.set_aside(now, seq, tries);
                } else {
                    let reason = cut.clone();
                    self.fail(seq, queued, |_| PublishError::Poison { tries, reason });
                }
            } else {
                flight.suspect |= blames;
                again.push(seq);
            }
        }
        again.extend(self.again.drain(..));
        again.sort_unstable();
        self.again = again.into();
        self.answer_blocked();
        debug_assert_eq!(self.out, 0, "an ended connection has nothing out");
    }

    fn set_aside(&mut self, now: Instant, seq: Seq, tries: u32) {
        let key = self
            .open
            .get(&seq)
            .and_then(|flight| flight.publication.key.clone());
        if let Some(key) = key {
            // Those that wait since an earlier try stay.
            self.held.entry(key).or_insert(Held {
                culprit: seq,
                behind: VecDeque::new(),
            });
        }
        let wait = self.rules.backoff.wait(tries - 1, u64::MAX);
        self.aside.insert(seq, now + wait);
    }

    /// Answers what has waited too long.
    pub(super) fn expire(&mut self, now: Instant, queued: usize) {
        let Self { rules, open, .. } = self;
        let late = |seq: &Seq| open.get(seq).is_none_or(|f| gone_past(rules, f, now));
        let mut given_up = Vec::new();
        for queue in [&mut self.again, &mut self.fresh]
            .into_iter()
            .chain(self.held.values_mut().map(|held| &mut held.behind))
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
        let cut = self.open.get_mut(&seq).and_then(|f| f.last_cut.take());
        self.fail(seq, queued, |sent| match cut {
            Some(reason) if sent => PublishError::Unknown { reason },
            _ => NotSent::TimedOut.into(),
        });
    }

    fn fail(&mut self, seq: Seq, queued: usize, error: impl FnOnce(bool) -> PublishError) {
        let Some(flight) = self.open.remove(&seq) else {
            return;
        };
        if let Some(key) = flight.publication.key {
            self.release(seq, Some(&key));
            let below = self.next_seq + queued as u64;
            let earlier = flight.publication.message_id;
            self.blocks.insert(key, Block { below, earlier });
            self.sweep = true;
        }
        let error = error(flight.was_sent);
        self.answers.push_back((flight.reply, Err(error)));
    }

    /// The error of a message that is blocked.
    fn blocked(&self, flight: &Flight<R>, seq: Seq) -> Option<PublishError> {
        let block = self.blocks.get(flight.publication.key.as_ref()?)?;
        (seq < block.below).then(|| PublishError::KeyBlocked {
            earlier: block.earlier.clone(),
            sent: flight.was_sent,
        })
    }

    /// Answers what waits to be sent behind a message that has failed.
    fn answer_blocked(&mut self) {
        if !std::mem::take(&mut self.sweep) {
            return;
        }
        let again = std::mem::take(&mut self.again);
        self.again = self.without_blocked(again);
        let fresh = std::mem::take(&mut self.fresh);
        self.fresh = self.without_blocked(fresh);
        let mut held = std::mem::take(&mut self.held);
        for Held { behind, .. } in held.values_mut() {
            *behind = self.without_blocked(std::mem::take(behind));
        }
        self.held = held;
    }

    fn without_blocked(&mut self, mut queue: VecDeque<Seq>) -> VecDeque<Seq> {
        queue.retain(|&seq| {
            let flight = self.open.get(&seq);
            let Some(error) = flight.and_then(|flight| self.blocked(flight, seq)) else {
                return true;
            };
            if let Some(flight) = self.open.remove(&seq) {
                self.answers.push_back((flight.reply, Err(error)));
            }
            false
        });
        queue
    }

    /// What waited for the culprit `seq` is queued again, each where its number puts it.
    fn release(&mut self, seq: Seq, key: Option<&Key>) {
        let Some(key) = key else { return };
        if self.held.get(key).is_none_or(|held| held.culprit != seq) {
            return;
        }
        let Some(held) = self.held.remove(key) else {
            return;
        };
        for seq in held.behind {
            let sent = self.open.get(&seq).is_some_and(|flight| flight.was_sent);
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
        let open = std::mem::take(&mut self.open);
        let count = open.len();
        for (_, flight) in open {
            let error = if flight.was_sent {
                let reason = Cut::Stopped;
                PublishError::Unknown { reason }
            } else {
                NotSent::Stopped.into()
            };
            self.answers.push_back((flight.reply, Err(error)));
        }
        self.again.clear();
        self.fresh.clear();
        self.aside.clear();
        self.held.clear();
        (self.out, self.alone) = (0, false);
        count
    }

    /// When [`expire`](Self::expire) or [`next_send`](Self::next_send) will have something new to
    /// say, if nothing happens before.
    pub(super) fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let fronts = self.held.values().filter_map(|held| held.behind.front());
        let expiries = [self.again.front(), self.fresh.front()]
            .into_iter()
            .flatten()
            .chain(fronts)
            .chain(self.aside.keys())
            .filter_map(|seq| self.open.get(seq))
            .map(|flight| deadline(&self.rules, flight));
        let tries = self.aside.values().copied().filter(|until| *until > now);
        expiries.chain(tries).min()
    }
}

fn deadline<R>(rules: &Rules, flight: &Flight<R>) -> Instant {
    flight.since
        + match rules.resend {
            _ if !flight.was_sent => rules.queue_timeout,
            Resend::Never => Duration::ZERO,
            Resend::Within(within) => within,
        }
}

fn gone_past<R>(rules: &Rules, flight: &Flight<R>, now: Instant) -> bool {
    deadline(rules, flight) <= now
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
