//! The messages that wait because one of their key is set aside.

use super::{Key, Seq};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

struct Behind {
    culprit: Seq,
    queue: VecDeque<Seq>,
}

#[derive(Default)]
pub(super) struct Held(HashMap<Key, Behind>);

impl Held {
    /// `culprit` is set aside: later ones of its key wait, and those that do already stay.
    pub(super) fn hold(&mut self, key: Key, culprit: Seq) {
        self.0.entry(key).or_insert(Behind {
            culprit,
            queue: VecDeque::new(),
        });
    }

    /// Puts a message behind the one of its key that is set aside. False if there is none.
    pub(super) fn wait_behind(&mut self, key: Option<&Key>, seq: Seq) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let behind = key.and_then(|key| self.0.get_mut(key));
        behind.map(|behind| behind.queue.push_back(seq)).is_some()
    }

    /// What waited for `culprit`, by number.
    pub(super) fn release(&mut self, key: Option<Key>, culprit: Seq) -> VecDeque<Seq> {
        let Some(key) = key.filter(|_| !self.0.is_empty()) else {
            return VecDeque::new();
        };
        match self.0.entry(key) {
            Entry::Occupied(held) if held.get().culprit == culprit => held.remove().queue,
            Entry::Occupied(_) | Entry::Vacant(_) => VecDeque::new(),
        }
    }

    pub(super) fn queues_mut(&mut self) -> impl Iterator<Item = &mut VecDeque<Seq>> {
        self.0.values_mut().map(|behind| &mut behind.queue)
    }

    /// The first of each queue.
    pub(super) fn fronts(&self) -> impl Iterator<Item = &Seq> {
        self.0.values().filter_map(|behind| behind.queue.front())
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
