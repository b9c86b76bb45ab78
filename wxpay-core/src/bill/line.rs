//! One line, cut into cells.

use super::{BillError, MAX_CELLS};

/// Where the cells of a line begin. The separator is a comma with a backtick behind it.
#[derive(Debug)]
pub(super) struct Cells {
    /// The first byte of each cell, behind its backtick; one more stands for the end of the line.
    starts: [u16; MAX_CELLS + 1],
    count: usize,
}

impl Cells {
    pub(super) const fn new() -> Self {
        Self {
            starts: [0; MAX_CELLS + 1],
            count: 0,
        }
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Where a cell's text stands in its line.
    #[inline]
    pub(super) fn range(&self, cell: usize) -> core::ops::Range<usize> {
        // Two bytes lie between cells: the comma and the backtick.
        self.starts[cell].into()..usize::from(self.starts[cell + 1]) - 2
    }

    /// Cuts `line`, which is at most [`MAX_LINE_BYTES`](super::MAX_LINE_BYTES) long.
    pub(super) fn cut(&mut self, line: &[u8], number: u64) -> Result<(), BillError> {
        if line.first() != Some(&b'`') {
            return Err(BillError::NoBacktick { line: number });
        }
        let too_many = BillError::TooManyCells {
            line: number,
            max_cells: MAX_CELLS,
        };
        let mut count = 0;
        // Backticks stand so close that a search for each costs more than a look at every word.
        let (words, rest) = line.as_chunks::<WORD_BYTES>();
        let mut last = [0; WORD_BYTES];
        last[..rest.len()].copy_from_slice(rest);
        for (place, word) in words.iter().chain([&last]).enumerate() {
            let mut found = backticks(u64::from_le_bytes(*word));
            while found != 0 {
                let at = place * WORD_BYTES + found.trailing_zeros() as usize / 8;
                found &= found - 1;
                // A backtick anywhere else belongs to the text.
                if at > 0 && line[at - 1] != b',' {
                    continue;
                }
                if count == MAX_CELLS {
                    return Err(too_many);
                }
                self.starts[count] = narrow(at + 1);
                count += 1;
            }
        }
        self.starts[count] = narrow(line.len() + 2);
        self.count = count;
        Ok(())
    }
}

const WORD_BYTES: usize = size_of::<u64>();

/// The highest bit of each byte that is a backtick.
const fn backticks(word: u64) -> u64 {
    const LOW_BITS: u64 = u64::from_ne_bytes([0x7F; WORD_BYTES]);
    let zero_where_found = word ^ u64::from_ne_bytes([b'`'; WORD_BYTES]);
    // No carry crosses a byte, so nothing is found that is not there.
    !(((zero_where_found & LOW_BITS) + LOW_BITS) | zero_where_found | LOW_BITS)
}

const fn narrow(at: usize) -> u16 {
    const { assert!(super::MAX_LINE_BYTES + 2 <= u16::MAX as usize) }
    // Lines are shorter than that.
    #[allow(clippy::cast_possible_truncation)]
    {
        at as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::String, vec::Vec};

    fn cells(line: &str) -> Vec<String> {
        let mut cells = Cells::new();
        cells.cut(line.as_bytes(), 1).unwrap();
        (0..cells.count())
            .map(|cell| line[cells.range(cell)].into())
            .collect()
    }

    #[test]
    fn only_a_comma_with_a_backtick_behind_it_separates() {
        assert_eq!(cells("`a,`b"), ["a", "b"]);
        assert_eq!(cells("`"), [""]);
        assert_eq!(cells("`,`,`"), ["", "", ""]);
        assert_eq!(cells("`tea, milk,`b,c,"), ["tea, milk", "b,c,"]);
        assert_eq!(cells("``a`b,``"), ["`a`b", "`"]);
        assert_eq!(cells("`茶,`\\ x"), ["茶", "\\ x"]);
    }

    #[test]
    fn every_backtick_is_found_and_nothing_else() {
        for byte in 0..=u8::MAX {
            for at in 0..WORD_BYTES {
                // The neighbour of a backtick in the alphabet is what a carry would find.
                let mut word = [b'a'; WORD_BYTES];
                word[at] = byte;
                let expected = if byte == b'`' { 0x80 << (8 * at) } else { 0 };
                assert_eq!(backticks(u64::from_le_bytes(word)), expected);
            }
        }
        assert_eq!(
            backticks(u64::from_le_bytes(*b"`a`aa`aa")),
            0x0000_8000_0080_0080
        );
    }

    #[test]
    fn a_line_has_a_backtick_and_few_cells() {
        let mut cells = Cells::new();
        for line in ["", "a", ",`a"] {
            assert_eq!(
                cells.cut(line.as_bytes(), 7),
                Err(BillError::NoBacktick { line: 7 })
            );
        }
        let many = ["`"; MAX_CELLS].join(",");
        assert_eq!(cells.cut(many.as_bytes(), 1), Ok(()));
        assert_eq!(cells.count(), MAX_CELLS);
        assert!(matches!(
            cells.cut(&[many.as_bytes(), b",`"].concat(), 1),
            Err(BillError::TooManyCells { .. })
        ));
    }
}
