//! Bytes of messages that the broker holds, wherever they wait. Who holds one has its [`Charge`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug, Clone)]
pub(crate) struct Held(Arc<Sum>);

#[derive(Debug)]
struct Sum {
    bytes: AtomicUsize,
    max_bytes: usize,
}

/// So many bytes are held; dropping it gives them back.
#[derive(Debug)]
pub(crate) struct Charge {
    held: Held,
    bytes: usize,
}

impl Held {
    pub(crate) fn new(max_bytes: usize) -> Self {
        let bytes = AtomicUsize::new(0);
        Self(Arc::new(Sum { bytes, max_bytes }))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// `None` if there is no room for so many.
    pub(crate) fn charge(&self, bytes: usize) -> Option<Charge> {
        let charge = Charge {
            held: self.clone(),
            bytes,
        };
        let before = self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        let is_room = before.saturating_add(bytes) <= self.0.max_bytes;
        is_room.then_some(charge)
    }
}

impl Charge {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn held(&self) -> &Held {
        &self.held
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.held.0.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
