//! A short list that needs no heap.
#![expect(
    clippy::cast_possible_truncation,
    reason = "the parts of a word are taken out of it"
)]

use alloc::vec::Vec;

use crate::words;

/// As many fields as a request or a notify has; more of them go to the heap. A small processor has a small stack.
pub(super) const INLINE: usize = if words::WIDE { 24 } else { 16 };

/// Where one field stands.
// Two words, put together in registers: a struct of small parts is read back before its parts are written.
#[derive(Clone, Copy)]
pub(super) struct Span {
    /// From the lowest bit on: where the name begins (32), its sum (16), its length (8), whether the value is aside (8).
    name: u64,
    /// Where the value begins (32), and its length (32).
    value: u64,
}

/// The value of a field, and whether it stands in the text on the side.
#[derive(Clone, Copy)]
pub(super) struct ValueAt {
    pub(super) at: usize,
    pub(super) len: usize,
    pub(super) is_aside: bool,
}

impl Span {
    const NONE: Self = Self { name: 0, value: 0 };

    /// All positions are below 4 GiB, and a name is at most 64 bytes long.
    pub(super) const fn new(
        name_at: usize,
        name_len: usize,
        name_sum: u16,
        value: ValueAt,
    ) -> Self {
        Self {
            name: name_at as u64
                | (name_sum as u64) << 32
                | (name_len as u64) << 48
                | (value.is_aside as u64) << 56,
            value: value.at as u64 | (value.len as u64) << 32,
        }
    }

    /// Where the name begins, and its length.
    pub(super) const fn name(self) -> (usize, usize) {
        let (at, len) = (self.name as u32, (self.name >> 48) as u8);
        (at as usize, len as usize)
    }

    /// A number for the name, to tell most others apart from it.
    pub(super) const fn name_sum(self) -> u16 {
        (self.name >> 32) as u16
    }

    pub(super) const fn value(self) -> ValueAt {
        ValueAt {
            at: self.value as u32 as usize,
            len: (self.value >> 32) as usize,
            is_aside: self.name >> 56 != 0,
        }
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
        Self {
            inline: [Span::NONE; INLINE],
            heap: Vec::new(),
            len: 0,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, span: Span) {
        if let Some(free) = self.inline.get_mut(self.len) {
            *free = span;
        } else {
            self.push_to_heap(span);
        }
        self.len += 1;
    }

    #[inline(never)]
    fn push_to_heap(&mut self, span: Span) {
        if self.heap.is_empty() {
            self.heap.reserve(4 * INLINE);
            self.heap.extend(self.inline);
        }
        self.heap.push(span);
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
