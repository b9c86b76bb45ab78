//! One line, cut into cells.

use super::{BillError, MAX_CELLS};

/// The place of a cell that is empty in every line.
pub(super) const ABSENT: u8 = 65;
const _: () = assert!(ABSENT as usize == MAX_CELLS + 1);

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

    /// Cuts the line that is the first `len` of `bytes`, at most [`MAX_LINE_BYTES`](super::MAX_LINE_BYTES). What follows it in
    /// `bytes` may be anything, and spares a copy.
    pub(super) fn cut(&mut self, bytes: &[u8], len: usize, number: u64) -> Result<(), BillError> {
        let line = &bytes[..len];
        if line.first() != Some(&b'`') {
            return Err(BillError::NoBacktick { line: number });
        }
        self.starts[0] = 1;
        let mut count = 1;
        let mut at = 0;
        while at + 1 < len {
            let mut copy = [0; BLOCK_BYTES + 1];
            let block = if let Some(block) = bytes[at..].first_chunk() {
                block
            } else {
                copy[..len - at].copy_from_slice(&line[at..]);
                &copy
            };
            let mut found = separators(block);
            // The last separator that can be begins at the last byte but one.
            let left = len - 1 - at;
            if left < BLOCK_BYTES {
                found &= (1 << left) - 1;
            }
            while found != 0 {
                if count == MAX_CELLS {
                    return Err(BillError::TooManyCells {
                        line: number,
                        max_cells: MAX_CELLS,
                    });
                }
                let separator = at + found.trailing_zeros() as usize;
                self.starts[count] = narrow(separator) + SEPARATOR_BYTES;
                count += 1;
                found &= found - 1;
            }
            at += BLOCK_BYTES;
        }
        self.starts[count] = narrow(len) + SEPARATOR_BYTES;
        self.count = count;
        Ok(())
    }
}

/// How many places of a line are looked at together: a bit of a word for each.
const BLOCK_BYTES: usize = u64::BITS as usize;

/// A bit for each comma with a backtick behind it. Separators stand so close that a search for each would cost more, and the
/// compiler makes the comparisons of a block a few instructions.
#[inline]
fn separators(block: &[u8; BLOCK_BYTES + 1]) -> u64 {
    // Multiplied by this, eight bytes of 0 or 1 become eight bits at the top.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let found: [u8; BLOCK_BYTES] =
        core::array::from_fn(|at| u8::from(block[at] == b',') & u8::from(block[at + 1] == b'`'));
    let (words, _) = found.as_chunks::<8>();
    let mut bits = 0;
    for (place, word) in words.iter().enumerate() {
        bits |= (u64::from_le_bytes(*word).wrapping_mul(GATHER) >> 56) << (8 * place);
    }
    bits
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
    use proptest::prelude::*;

    fn cells(line: &str) -> Vec<String> {
        let mut cells = Cells::new();
        cells.cut(line.as_bytes(), line.len(), 1).unwrap();
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
                cells.cut(line.as_bytes(), line.len(), 7),
                Err(BillError::NoBacktick { line: 7 })
            );
        }
        let many = ["`"; MAX_CELLS].join(",");
        assert_eq!(cells.cut(many.as_bytes(), many.len(), 1), Ok(()));
        assert_eq!(cells.count(), MAX_CELLS);
        let more = [many.as_bytes(), b",`"].concat();
        assert!(matches!(
            cells.cut(&more, more.len(), 1),
            Err(BillError::TooManyCells { .. })
        ));
    }

    proptest! {
        /// Also where blocks meet, and whatever follows the line.
        #[test]
        fn cells_are_what_a_plain_split_gives(
            line in "`([`,ax]|,`){0,200}", after in "[`,]{0,80}"
        ) {
            let expected: Vec<_> = line[1..].split(",`").collect();
            let mut cells = Cells::new();
            let cut = cells.cut([&line, &*after].concat().as_bytes(), line.len(), 1);
            if expected.len() > MAX_CELLS {
                prop_assert!(cut.is_err());
            } else {
                let got: Vec<_> = (0..cells.count()).map(|cell| &line[cells.range(cell)]).collect();
                prop_assert_eq!(got, expected);
            }
        }
    }
}
