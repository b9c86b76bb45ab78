//! A short list that needs no heap.

use alloc::vec::Vec;

/// As many fields as a request or a notify has; more of them go to the heap.
pub(super) const INLINE: usize = 24;

/// Where one field stands.
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) name_at: u32,
    pub(super) value_at: u32,
    pub(super) value_len: u32,
    /// Of the name, to tell most others apart from it.
    pub(super) name_sum: u16,
    pub(super) name_len: u8,
    /// Whether the value stands in the text on the side.
    pub(super) is_aside: bool,
}

impl Span {
    /// Where the name begins, and its length.
    pub(super) fn name(self) -> (usize, usize) {
        (self.name_at as usize, usize::from(self.name_len))
    }
}

/// The places of all fields, in the message's order.
#[derive(Clone)]
pub(super) struct Spans {
    /// The first `len`, unless there are more of them.
    inline: [Span; INLINE],
    /// All of them, once there are more.
    heap: Vec<Span>,
    len: usize,
}

impl Spans {
    pub(super) const fn new() -> Self {
        const NONE: Span = Span {
            name_at: 0,
            value_at: 0,
            value_len: 0,
            name_sum: 0,
            name_len: 0,
            is_aside: false,
        };
        Self {
            inline: [NONE; INLINE],
            heap: Vec::new(),
            len: 0,
        }
    }

    pub(super) fn push(&mut self, span: Span) {
        if let Some(free) = self.inline.get_mut(self.len) {
            *free = span;
        } else {
            if self.heap.is_empty() {
                self.heap.reserve(4 * INLINE);
                self.heap.extend(self.inline);
            }
            self.heap.push(span);
        }
        self.len += 1;
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&Span) -> bool) {
        let mut kept: Vec<_> = self.as_slice().to_vec();
        kept.retain(keep);
        *self = Self::new();
        for span in kept {
            self.push(span);
        }
    }

    pub(super) fn as_slice(&self) -> &[Span] {
        self.inline.get(..self.len).unwrap_or(&self.heap)
    }
}
