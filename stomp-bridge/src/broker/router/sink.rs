//! What bindings lead to.

use super::queue::QueueId;
use std::sync::Arc;

/// What a binding leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sink {
    Queue(QueueId),
    Exchange(Arc<str>),
}

/// Sinks in order, each with the number of its bindings. Small for one, quick for thousands.
#[derive(Debug, Default)]
pub(super) struct Sinks(Vec<(Sink, usize)>);

impl Sinks {
    pub(super) fn add(&mut self, sink: Sink) {
        match self.find(&sink) {
            Ok(at) => self.0[at].1 += 1,
            Err(at) => {
                if self.0.is_empty() {
                    self.0.reserve_exact(1);
                }
                self.0.insert(at, (sink, 1));
            }
        }
    }

    pub(super) fn remove(&mut self, sink: &Sink) {
        let Ok(at) = self.find(sink) else { return };
        self.0[at].1 -= 1;
        if self.0[at].1 == 0 {
            self.0.remove(at);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, sink: &Sink) -> Result<usize, usize> {
        self.0.binary_search_by(|(one, _)| one.cmp(sink))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Sink> {
        self.0.iter().map(|(sink, _)| sink)
    }
}
