//! The bytes that came and are not read yet.

use alloc::vec::Vec;
use core::ops::Range;

use super::{BillError, MAX_LINE_BYTES, MAX_PENDING_BYTES};

/// The bytes that came; lines are taken out at the front. Lines stay where they came to lie until more comes.
#[derive(Debug)]
pub(super) struct Pending {
    bytes: Vec<u8>,
    /// Before this all is read.
    at: usize,
    /// Between `at` and this there is no line end.
    scanned: usize,
    /// From here on the bytes mean nothing yet.
    end: usize,
}

impl Pending {
    pub(super) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            at: 0,
            scanned: 0,
            end: 0,
        }
    }

    /// All that is not read yet.
    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.at..self.end]
    }

    /// A line that was taken, unless more came since.
    #[inline]
    pub(super) fn line(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// The bytes from a line's start on, beyond its end.
    #[inline]
    pub(super) fn from(&self, start: usize) -> &[u8] {
        &self.bytes[start..]
    }

    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), BillError> {
        if self.end - self.at + piece.len() > MAX_PENDING_BYTES {
            return Err(BillError::NotDrained {
                max_bytes: MAX_PENDING_BYTES,
            });
        }
        self.forget(self.at);
        let end = self.end + piece.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[self.end..end].copy_from_slice(piece);
        self.end = end;
        Ok(())
    }

    /// Room for `least` bytes or more, behind the last `kept` bytes, read or not, which lie in front of it. Say with
    /// [`Pending::came`] how many were written.
    #[cfg(feature = "gzip")]
    pub(super) fn room(&mut self, kept: usize, least: usize) -> &mut [u8] {
        if self.bytes.len() - self.end < least {
            self.forget(self.at.min(self.end - kept));
            if self.bytes.len() - self.end < least {
                // Twice, so that what is kept is not moved for every piece.
                self.bytes.resize(self.end + 2 * least, 0);
            }
        }
        &mut self.bytes[self.end - kept..]
    }

    #[cfg(feature = "gzip")]
    pub(super) fn came(&mut self, bytes: usize) {
        self.end += bytes;
    }

    /// Passes over so many bytes.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
        self.scanned = self.at;
    }

    /// The place of the next whole line, without its end, which is `\r\n` or `\n`.
    #[inline]
    pub(super) fn take_line(&mut self, number: u64) -> Result<Option<Range<usize>>, BillError> {
        let found = memchr::memchr(b'\n', &self.bytes[self.scanned..self.end]);
        let to = found.map_or(self.end, |found| self.scanned + found);
        if to - self.at > MAX_LINE_BYTES {
            return Err(BillError::LongLine {
                line: number,
                max_bytes: MAX_LINE_BYTES,
            });
        }
        if found.is_none() {
            self.scanned = to;
            return Ok(None);
        }
        let from = self.at;
        self.skip(to + 1 - from);
        Ok(Some(self.without_return(from..to)))
    }

    /// The place of all that is not read yet: the last line, which came without a line end.
    pub(super) fn take_rest(&mut self) -> Range<usize> {
        let rest = self.at..self.end;
        self.skip(rest.len());
        self.without_return(rest)
    }

    #[inline]
    fn without_return(&self, mut line: Range<usize>) -> Range<usize> {
        if self.bytes[line.clone()].last() == Some(&b'\r') {
            line.end -= 1;
        }
        line
    }

    /// Moves what is not forgotten to the front.
    fn forget(&mut self, before: usize) {
        self.bytes.copy_within(before..self.end, 0);
        self.at -= before;
        self.scanned -= before;
        self.end -= before;
    }
}

#[cfg(all(test, feature = "gzip"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_lies_in_front_of_the_room() {
        let mut pending = Pending::new();
        let mut last = 0;
        for step in 0..100_u8 {
            let kept = usize::from(step.min(4));
            let room = pending.room(kept, 8);
            assert!(room.len() >= kept + 8);
            for back in 0..kept {
                assert_eq!(room[kept - 1 - back], last - u8::try_from(back).unwrap());
            }
            last = step;
            room[kept] = step;
            pending.came(1);
            // Every other byte is read.
            assert_eq!(pending.unread().last(), Some(&step));
            pending.skip(usize::from(step % 2) * 2);
        }
        assert!(pending.bytes.len() < 64);
    }

    #[test]
    fn lines_are_whole_and_short() {
        let mut pending = Pending::new();
        pending.push(b"one\r\ntw").unwrap();
        let line = pending.take_line(1).unwrap().unwrap();
        assert_eq!(pending.line(line), b"one");
        assert_eq!(pending.take_line(2), Ok(None));
        pending.push(b"o\n\r\n").unwrap();
        let line = pending.take_line(2).unwrap().unwrap();
        assert_eq!(pending.line(line), b"two");
        assert!(pending.take_line(3).unwrap().unwrap().is_empty());
        pending.push(&alloc::vec![b'x'; MAX_LINE_BYTES]).unwrap();
        assert_eq!(pending.take_line(4), Ok(None));
        pending.push(b"x").unwrap();
        assert!(matches!(
            pending.take_line(4),
            Err(BillError::LongLine { line: 4, .. })
        ));
    }
}
