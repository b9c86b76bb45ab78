//! What waits to be written.

use crate::client::codec::Outgoing;
use std::collections::VecDeque;

/// A frame asks for more room than it takes.
const SLACK_BYTES: usize = 512;

pub(super) struct Transmit {
    queue: VecDeque<Outgoing>,
    /// What the last piece of frames came to: the next one is about as large, and need not grow to it.
    last_bytes: usize,
}

impl Transmit {
    pub(super) fn new(first: Outgoing) -> Self {
        Self {
            queue: VecDeque::from([first]),
            last_bytes: 0,
        }
    }

    pub(super) fn push(&mut self, out: Outgoing) {
        self.queue.push_back(out);
    }

    pub(super) fn pop(&mut self) -> Option<Outgoing> {
        let next = self.queue.pop_front();
        if let Some(Outgoing::Wire(bytes)) = &next {
            self.last_bytes = bytes.len();
        }
        next
    }

    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }

    /// Where the next frame's bytes go.
    pub(super) fn wire(&mut self) -> &mut Vec<u8> {
        if !matches!(self.queue.back(), Some(Outgoing::Wire(_))) {
            let bytes = Vec::with_capacity(self.last_bytes + SLACK_BYTES);
            self.queue.push_back(Outgoing::Wire(bytes));
        }
        match self.queue.back_mut() {
            Some(Outgoing::Wire(bytes)) => bytes,
            _ => unreachable!("one was pushed"),
        }
    }

    /// Bytes of frames that wait.
    pub(super) fn bytes(&self) -> usize {
        let size = |out: &Outgoing| match out {
            Outgoing::Wire(bytes) => bytes.len(),
            Outgoing::Frame(_) | Outgoing::Heartbeat => 0,
        };
        self.queue.iter().map(size).sum()
    }
}
