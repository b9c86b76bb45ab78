//! One line, cut into cells.

use super::decimal::bytes_that_are;
use super::{BillError, MAX_CELLS};

/// The place of a cell that is empty in every line.
pub(super) const ABSENT: u8 = MAX_CELLS as u8 + 1;

/// Between cells lie a comma and a backtick.
const SEPARATOR_BYTES: u16 = 2;

/// Where the cells of a line begin. The separator is a comma with a backtick behind it.
#[derive(Debug)]
pub(super) struct Cells {
    /// The first byte of each cell, behind its backtick; one more stands for the end of the line, and two for the empty
    /// cell [`ABSENT`].
    starts: [u16; MAX_CELLS + 3],
    count: usize,
}

impl Cells {
    pub(super) const fn new() -> Self {
        let mut starts = [0; MAX_CELLS + 3];
        starts[ABSENT as usize + 1] = SEPARATOR_BYTES;
        Self { starts, count: 0 }
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Where a cell's text stands in its line.
    #[inline]
    pub(super) fn range(&self, cell: usize) -> core::ops::Range<usize> {
        self.starts[cell].into()..usize::from(self.starts[cell + 1] - SEPARATOR_BYTES)
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
            let mut found = bytes_that_are(u64::from_le_bytes(*word), BACKTICKS);
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
        self.starts[count] = narrow(line.len()) + SEPARATOR_BYTES;
        self.count = count;
        Ok(())
    }
}

const WORD_BYTES: usize = size_of::<u64>();
const BACKTICKS: u64 = u64::from_ne_bytes([b'`'; WORD_BYTES]);

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
