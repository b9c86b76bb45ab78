//! The reader: bytes in, rows out.

use alloc::boxed::Box;

use super::lines::{Lines, Stage};
use super::pending::Pending;
use super::{BillError, BillKind, MAX_PENDING_BYTES, Refusal, Row, Summary};
use crate::XmlError;

const BOM: &[u8] = b"\xEF\xBB\xBF";
/// The longest answer in XML that is waited for: it has to be kept whole.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Reads a bill piece by piece, in constant memory: push what arrived, take the rows out, and finish.
///
/// Pieces may end anywhere, inside a character too. What is kept between two calls is one piece and the beginning of a line;
/// [`MAX_PENDING_BYTES`] bounds it. An error of the reader is its last word: every later call gives it again.
///
/// See the [module](super) for an example.
#[derive(Debug)]
pub struct BillReader {
    pending: Pending,
    lines: Lines,
    failed: Option<BillError>,
}

impl BillReader {
    /// A reader for a bill of any kind: the header says which.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            pending: Pending::new(),
            lines: Lines::new(),
            failed: None,
        }
    }

    /// Takes the next piece of the bill. Take all rows out with [`BillReader::next_row`] before the next push.
    ///
    /// # Errors
    /// [`BillError::NotDrained`] when more than [`MAX_PENDING_BYTES`] would have to be kept; nothing of the piece is taken.
    /// Any error that there was before.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), BillError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.pending.push(piece)
    }

    /// The next row, or nothing when more must be pushed first.
    ///
    /// # Errors
    /// [`BillError`], with the line.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, BillError> {
        if self.advance()? {
            self.current().map(Some)
        } else {
            Ok(None)
        }
    }

    /// The kind of bill, once its header was read.
    #[must_use]
    pub const fn kind(&self) -> Option<BillKind> {
        match self.lines.header() {
            Some(header) => Some(header.kind),
            None => None,
        }
    }

    /// The names of the columns in the bill's order, once the header was read.
    #[must_use]
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &str> {
        let names: &[Box<str>] = self.lines.header().map_or(&[], |header| &header.names);
        names.iter().map(|name| &**name)
    }

    /// Says that the last piece was pushed, and holds the summary against the rows.
    ///
    /// A sum is checked when the bill has its column; a sum that this crate does not know is handed out unchecked.
    ///
    /// # Errors
    /// [`BillError::Cut`] when there is no summary, [`BillError::SumMismatch`] when it disagrees, [`BillError::Refused`] when
    /// the bytes were no bill but an answer in XML, [`BillError::NotDrained`] when rows are left, and any error that there
    /// was before.
    pub fn finish(mut self) -> Result<Summary, BillError> {
        if self.advance()? {
            return Err(BillError::NotDrained {
                max_bytes: MAX_PENDING_BYTES,
            });
        }
        match self.lines.stage {
            Stage::Xml => {
                return Err(match Refusal::read(self.pending.unread()) {
                    Ok(refusal) => BillError::Refused(refusal),
                    Err(error) => error,
                });
            }
            // The last line may come without a line end.
            Stage::Summary(..) | Stage::End(..) if !self.pending.unread().is_empty() => {
                let rest = self.pending.take_rest();
                self.lines.read(&self.pending, rest)?;
            }
            _ => {}
        }
        self.lines.end()
    }

    /// Makes `error` the reader's last word.
    #[cfg(feature = "gzip")]
    pub(super) fn fail(&mut self, error: BillError) {
        self.failed = Some(error);
    }

    /// Where more of the bill may be put, without a copy.
    #[cfg(feature = "gzip")]
    pub(super) const fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    /// Reads lines up to the end of the next row. Whether there was one.
    pub(super) fn advance(&mut self) -> Result<bool, BillError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let row = self.find_row();
        if let Err(error) = &row {
            self.failed = Some(error.clone());
        }
        row
    }

    /// The row that [`BillReader::advance`] read.
    pub(super) fn current(&mut self) -> Result<Row<'_>, BillError> {
        let row = self.lines.row(&self.pending);
        if let Err(error) = &row {
            self.failed = Some(error.clone());
        }
        row
    }

    fn find_row(&mut self) -> Result<bool, BillError> {
        if matches!(self.lines.stage, Stage::Start) {
            self.start();
        }
        if matches!(self.lines.stage, Stage::Start) {
            return Ok(false);
        }
        if matches!(self.lines.stage, Stage::Xml) {
            let got = self.pending.unread().len();
            if got > MAX_ANSWER_BYTES {
                return Err(BillError::NotAnAnswer(XmlError::TooLarge {
                    max_bytes: MAX_ANSWER_BYTES,
                    got,
                }));
            }
            return Ok(false);
        }
        while let Some(line) = self.pending.take_line(self.lines.next())? {
            if self.lines.read(&self.pending, line)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tells a bill from an answer by the first bytes.
    fn start(&mut self) {
        let begin = self.pending.unread();
        let skipped = if begin.starts_with(BOM) {
            BOM.len()
        } else if BOM.starts_with(begin) {
            return;
        } else {
            0
        };
        let Some(first) = begin.get(skipped) else {
            return;
        };
        self.lines.stage = if *first == b'<' {
            Stage::Xml
        } else {
            Stage::Header
        };
        self.pending.skip(skipped);
    }
}

impl Default for BillReader {
    fn default() -> Self {
        Self::new()
    }
}
