//! Where an answer's bytes go.

use alloc::vec::Vec;

/// The answer is longer than the memory for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is longer than the memory for it")]
pub struct TooLarge;

/// Takes an answer's bytes, piece by piece. The caller picks the memory and with it the limit.
pub trait BodySink {
    /// Takes a piece, whole or not at all.
    ///
    /// # Errors
    /// [`TooLarge`] when it does not fit; the reader should hang up.
    fn push(&mut self, chunk: &[u8]) -> Result<(), TooLarge>;
}

/// A sink that gives back what it took.
pub trait Received: BodySink {
    /// The bytes so far.
    fn received(&self) -> &[u8];

    /// Forgets the bytes.
    fn clear(&mut self);
}

/// A vector that grows to a limit.
#[derive(Debug)]
pub struct Limited<'v> {
    out: &'v mut Vec<u8>,
    max_bytes: usize,
}

impl<'v> Limited<'v> {
    /// Appends to `out` until it holds `max_bytes`.
    #[must_use]
    pub const fn new(out: &'v mut Vec<u8>, max_bytes: usize) -> Self {
        Self { out, max_bytes }
    }
}

impl BodySink for Limited<'_> {
    fn push(&mut self, chunk: &[u8]) -> Result<(), TooLarge> {
        match self.out.len().checked_add(chunk.len()) {
            Some(len) if len <= self.max_bytes => {
                self.out.extend_from_slice(chunk);
                Ok(())
            }
            _ => Err(TooLarge),
        }
    }
}

impl Received for Limited<'_> {
    fn received(&self) -> &[u8] {
        self.out
    }

    fn clear(&mut self) {
        self.out.clear();
    }
}

/// A slice of the caller's: no heap.
#[derive(Debug)]
pub struct Fixed<'b> {
    memory: &'b mut [u8],
    len: usize,
}

impl<'b> Fixed<'b> {
    /// Fills `memory` from its start.
    #[must_use]
    pub const fn new(memory: &'b mut [u8]) -> Self {
        Self { memory, len: 0 }
    }

    /// The most bytes that it takes.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.memory.len()
    }
}

impl BodySink for Fixed<'_> {
    fn push(&mut self, chunk: &[u8]) -> Result<(), TooLarge> {
        let end = self.len.checked_add(chunk.len()).ok_or(TooLarge)?;
        self.memory
            .get_mut(self.len..end)
            .ok_or(TooLarge)?
            .copy_from_slice(chunk);
        self.len = end;
        Ok(())
    }
}

impl Received for Fixed<'_> {
    fn received(&self) -> &[u8] {
        &self.memory[..self.len]
    }

    fn clear(&mut self) {
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fills_to_its_limit(sink: &mut impl Received) {
        assert_eq!(sink.push(b"1234567"), Ok(()));
        assert_eq!(sink.push(b"89"), Err(TooLarge));
        // What did not fit left nothing behind.
        assert_eq!(sink.received(), b"1234567");
        assert_eq!(sink.push(b"8"), Ok(()));
        assert_eq!(sink.push(b""), Ok(()));
        assert_eq!(sink.received(), b"12345678");
        sink.clear();
        assert_eq!(sink.received(), b"");
        assert_eq!(sink.push(b"ab"), Ok(()));
        assert_eq!(sink.received(), b"ab");
    }

    #[test]
    fn both_fill_to_their_limit() {
        fills_to_its_limit(&mut Limited::new(&mut Vec::new(), 8));
        fills_to_its_limit(&mut Fixed::new(&mut [0; 8]));
    }
}
