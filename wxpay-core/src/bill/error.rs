//! Why bytes are not a bill, or not all of one.

use alloc::boxed::Box;
use core::fmt;

use super::{AmountError, ExactYuan, Refusal, Sum};
use crate::{BeijingTimeError, XmlError};

/// Why bytes are not a bill, or a row not what it should be. Lines and cells count from 1; the header is line 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BillError {
    /// The gateway sent an answer in XML instead of a bill. See [`Refusal::means_no_bill`].
    #[error("no bill: {0}")]
    Refused(Refusal),
    /// The bytes begin like XML, but are not an answer of the gateway.
    #[error("neither a bill nor an answer: {0}")]
    NotAnAnswer(XmlError),
    /// The bytes begin like XML, but are no answer: `return_code` is missing.
    #[error("neither a bill nor an answer: return_code is missing")]
    NoReturnCode,
    /// The first line is not the header of a bill.
    #[error("no bill: the first line has neither a trade time nor an account time")]
    NoBill,
    /// The bytes end before the summary row, so some of the bill is missing.
    #[error("the bill is cut off at line {line}, before its summary")]
    Cut {
        /// The line that should have come or been whole.
        line: u64,
    },
    /// Something follows the summary row.
    #[error("line {line} follows the summary")]
    AfterSummary {
        /// The line.
        line: u64,
    },
    /// A line is longer than [`MAX_LINE_BYTES`](super::MAX_LINE_BYTES).
    #[error("line {line} is longer than {max_bytes} bytes")]
    LongLine {
        /// The line.
        line: u64,
        /// The most bytes.
        max_bytes: usize,
    },
    /// A line is not UTF-8.
    #[error("line {line} is not UTF-8 at byte {at}")]
    NotUtf8 {
        /// The line.
        line: u64,
        /// The first byte at fault, counted from 0 in the line.
        at: usize,
    },
    /// A header has one name twice.
    #[error("line {line} names the column {column} twice")]
    RepeatedColumn {
        /// The line of the header.
        line: u64,
        /// The name.
        column: Box<str>,
    },
    /// A line has more cells than [`MAX_CELLS`](super::MAX_CELLS).
    #[error("line {line} has more than {max_cells} cells")]
    TooManyCells {
        /// The line.
        line: u64,
        /// The most cells.
        max_cells: usize,
    },
    /// A row does not begin with a backtick, and is no summary header either.
    #[error("line {line} does not begin with a backtick")]
    NoBacktick {
        /// The line.
        line: u64,
    },
    /// A row has not as many cells as its header.
    #[error("line {line} has {got} cells under {expected} columns")]
    CellCount {
        /// The line.
        line: u64,
        /// How many columns the header has.
        expected: usize,
        /// How many cells the row has.
        got: usize,
    },
    /// A cell is not a value of its column.
    #[error("line {line}, cell {cell} ({column}): {why}")]
    Cell {
        /// The line.
        line: u64,
        /// The place of the cell in the line.
        cell: usize,
        /// The column's name in the header.
        column: Box<str>,
        /// What is wrong.
        why: CellError,
    },
    /// The bill lacks a column that the typed row needs: it is of another kind.
    #[error("line {line}: the bill has no column {column}")]
    NoColumn {
        /// The line of the row that was asked.
        line: u64,
        /// The column, by the text of today's header.
        column: &'static str,
    },
    /// The summary says another sum than the rows have: rows are missing, or changed.
    #[error("the summary says {sum} {stated}, but its rows have {counted}")]
    SumMismatch {
        /// Which sum.
        sum: Sum,
        /// What the summary row says.
        stated: SumValue,
        /// What the rows have.
        counted: SumValue,
    },
    /// More bytes were pushed than are kept, or the bill was finished, before all rows were taken out.
    #[error(
        "rows are left: take them out with next_row before the next push or finish, and push at most {max_bytes} bytes"
    )]
    NotDrained {
        /// The most bytes that are kept: [`MAX_PENDING_BYTES`](super::MAX_PENDING_BYTES).
        max_bytes: usize,
    },
    /// The gzip stream is broken.
    #[cfg(feature = "gzip")]
    #[error(transparent)]
    Gzip(#[from] super::GzipError),
}

/// What is wrong with a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CellError {
    /// The cell is empty where a value must be.
    #[error("empty")]
    Empty,
    /// Not an amount or a rate.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// Not a time.
    #[error(transparent)]
    Time(#[from] BeijingTimeError),
    /// Not a whole number of rows.
    #[error("not a whole number")]
    Count,
}

/// The value of a sum: rows are counted, yuan are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SumValue {
    /// A number of rows.
    Rows(u64),
    /// An amount.
    Yuan(ExactYuan),
}

impl fmt::Display for SumValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => rows.fmt(f),
            Self::Yuan(yuan) => yuan.fmt(f),
        }
    }
}
