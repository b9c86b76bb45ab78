//! The messages that have no answer yet, and the answers that nobody has fetched.

use super::{Key, Seq, suspicion::Suspicion};
use crate::client::event::Cut;
use crate::client::numbered::Numbered;
use crate::client::publication::Publication;
use crate::client::publisher::outcome::{NotSent, PublishError, Published};
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

pub(super) struct Flight<R> {
    pub(super) publication: Publication,
    pub(super) reply: R,
    pub(super) since: Instant,
    pub(super) was_sent: bool,
    pub(super) suspicion: Suspicion,
    /// Times that it was set aside.
    pub(super) setbacks: u32,
    /// Trials that it failed.
    pub(super) tries: u32,
    /// The end that last took it.
    pub(super) last_cut: Option<Cut>,
}

impl<R> Flight<R> {
    fn new(since: Instant, publication: Publication, reply: R) -> Self {
        Self {
            publication,
            reply,
            since,
            was_sent: false,
            suspicion: Suspicion::None,
            setbacks: 0,
            tries: 0,
            last_cut: None,
        }
    }

    pub(super) fn key(&self) -> Option<&Key> {
        self.publication.key.as_ref()
    }
}

/// A key whose message has failed: what was on its way by then is answered with it.
struct Block {
    below: Seq,
    earlier: Option<String>,
}

pub(super) struct Table<R> {
    next_seq: Seq,
    /// By number: messages come at the end, and most are answered near the front.
    open: Numbered<Flight<R>>,
    blocks: HashMap<Key, Block>,
    /// A block is new: what is queued was not looked at for it.
    new_block: bool,
    answers: VecDeque<(R, Result<Published, PublishError>)>,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self {
            next_seq: 0,
            open: Numbered::default(),
            blocks: HashMap::new(),
            new_block: false,
            answers: VecDeque::new(),
        }
    }
}

impl<R> Table<R> {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn next_seq(&self) -> Seq {
        self.next_seq
    }

    /// How many of the messages below `seq` have no answer yet.
    pub(super) fn open_below(&self, seq: Seq) -> usize {
        self.open.below(seq)
    }

    pub(super) fn is_open_below(&self, seq: Seq) -> bool {
        self.open.front().is_some_and(|(first, _)| *first < seq)
    }

    pub(super) fn get(&self, seq: Seq) -> Option<&Flight<R>> {
        self.open.get(seq)
    }

    pub(super) fn get_mut(&mut self, seq: Seq) -> Option<&mut Flight<R>> {
        self.open.get_mut(seq)
    }

    pub(super) fn poll_answer(&mut self) -> Option<(R, Result<Published, PublishError>)> {
        self.answers.pop_front()
    }

    /// Takes a message in and gives its number, unless it is answered at once.
    pub(super) fn submit(
        &mut self,
        since: Instant,
        publication: Publication,
        reply: R,
    ) -> Option<Seq> {
        let seq = self.next_seq;
        self.next_seq += 1;
        let flight = Flight::new(since, publication, reply);
        if !self.blocks.is_empty() {
            self.blocks.retain(|_, block| seq < block.below);
            if let Some(error) = self.blocked(&flight, seq) {
                self.answers.push_back((flight.reply, Err(error)));
                return None;
            }
        }
        self.open.push(seq, flight);
        Some(seq)
    }

    /// Nobody wants it any more.
    pub(super) fn forget(&mut self, seq: Seq) {
        self.open.take(seq);
    }

    /// Answers a message, and gives its key.
    pub(super) fn confirm(&mut self, seq: Seq) -> Option<Key> {
        let flight = self.open.take(seq)?;
        self.answers.push_back((flight.reply, Ok(Published)));
        flight.publication.key
    }

    /// Answers a message by an error that is told whether it was sent, blocks its key, and gives the
    /// key. `queued` later messages at most have no number yet.
    pub(super) fn fail(
        &mut self,
        seq: Seq,
        queued: usize,
        error: impl FnOnce(bool) -> PublishError,
    ) -> Option<Key> {
        let flight = self.open.take(seq)?;
        let error = error(flight.was_sent);
        self.answers.push_back((flight.reply, Err(error)));
        let key = flight.publication.key?;
        let block = Block {
            below: self.next_seq + queued as u64,
            earlier: flight.publication.message_id,
        };
        self.blocks.insert(Key::clone(&key), block);
        self.new_block = true;
        Some(key)
    }

    /// The error of a message that is blocked.
    fn blocked(&self, flight: &Flight<R>, seq: Seq) -> Option<PublishError> {
        let block = self.blocks.get(flight.key()?)?;
        (seq < block.below).then(|| PublishError::KeyBlocked {
            earlier: block.earlier.clone(),
            sent: flight.was_sent,
        })
    }

    /// Answers what waits behind a message that has failed.
    pub(super) fn answer_blocked<'a>(
        &mut self,
        queues: impl Iterator<Item = &'a mut VecDeque<Seq>>,
    ) {
        if !std::mem::take(&mut self.new_block) {
            return;
        }
        for queue in queues {
            queue.retain(|&seq| !self.answer_if_blocked(seq));
        }
    }

    fn answer_if_blocked(&mut self, seq: Seq) -> bool {
        let flight = self.get(seq);
        let Some(error) = flight.and_then(|flight| self.blocked(flight, seq)) else {
            return false;
        };
        if let Some(flight) = self.open.take(seq) {
            self.answers.push_back((flight.reply, Err(error)));
        }
        true
    }

    /// Answers everything: the publisher stops. Gives their number.
    pub(super) fn stop(&mut self) -> usize {
        let open = self.open.take_all();
        let count = open.len();
        for flight in open {
            let error = if flight.was_sent {
                let reason = Cut::Stopped;
                PublishError::Unknown { reason }
            } else {
                NotSent::Stopped.into()
            };
            self.answers.push_back((flight.reply, Err(error)));
        }
        count
    }
}
