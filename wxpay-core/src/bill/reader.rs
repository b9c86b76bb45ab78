//! The reader: bytes in, rows out.

use alloc::{boxed::Box, vec::Vec};
use core::ops::Range;

use super::cells::Cells;
use super::header::Header;
use super::pending::Pending;
use super::summary;
use super::totals::Totals;
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
    /// The number of lines read.
    lines: u64,
    stage: Stage,
    /// The row that was read last.
    row: Range<usize>,
    cells: Cells,
    totals: Totals,
    failed: Option<BillError>,
}

#[derive(Debug)]
enum Stage {
    /// Nothing is known yet.
    Start,
    /// An answer in XML; it is read when all of it is there.
    Xml,
    /// The header comes next.
    Header,
    /// A row comes next, or the summary's header.
    Rows(Header),
    /// The summary row comes next.
    Summary(Header, Vec<Box<str>>),
    /// All is read.
    End(Header, Summary),
}

impl BillReader {
    /// A reader for a bill of any kind: the header says which.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            pending: Pending::new(),
            lines: 0,
            stage: Stage::Start,
            row: 0..0,
            cells: Cells::new(),
            totals: Totals::new(),
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
        match &self.stage {
            Stage::Rows(header) | Stage::Summary(header, _) | Stage::End(header, _) => {
                Some(header.kind)
            }
            Stage::Start | Stage::Xml | Stage::Header => None,
        }
    }

    /// The names of the columns in the bill's order, once the header was read.
    #[must_use]
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &str> {
        let names: &[Box<str>] = match &self.stage {
            Stage::Rows(header) | Stage::Summary(header, _) | Stage::End(header, _) => {
                &header.names
            }
            Stage::Start | Stage::Xml | Stage::Header => &[],
        };
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
        match self.stage {
            Stage::Xml => {
                return Err(match Refusal::read(self.pending.unread()) {
                    Ok(refusal) => BillError::Refused(refusal),
                    Err(error) => error,
                });
            }
            // The last line may come without a line end.
            Stage::Summary(..) | Stage::End(..) if !self.pending.unread().is_empty() => {
                let rest = self.pending.take_rest();
                self.line(rest)?;
            }
            _ => {}
        }
        match self.stage {
            Stage::End(header, summary) => {
                summary.check(&header, &self.totals)?;
                Ok(summary)
            }
            _ => Err(BillError::Cut {
                line: self.lines + 1,
            }),
        }
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
        let text = match utf8(self.pending.line(self.row.clone()), self.lines) {
            Ok(text) => text,
            Err(error) => {
                self.failed = Some(error.clone());
                return Err(error);
            }
        };
        let Stage::Rows(header) = &self.stage else {
            return Err(BillError::NoBill);
        };
        Ok(Row {
            line: self.lines,
            text,
            cells: &self.cells,
            amounts: self.totals.row(),
            header,
        })
    }

    fn find_row(&mut self) -> Result<bool, BillError> {
        if matches!(self.stage, Stage::Start) {
            self.start();
        }
        if matches!(self.stage, Stage::Start) {
            return Ok(false);
        }
        if matches!(self.stage, Stage::Xml) {
            let got = self.pending.unread().len();
            if got > MAX_ANSWER_BYTES {
                return Err(BillError::NotAnAnswer(XmlError::TooLarge {
                    max_bytes: MAX_ANSWER_BYTES,
                    got,
                }));
            }
            return Ok(false);
        }
        while let Some(line) = self.pending.take_line(self.lines + 1)? {
            if self.line(line)? {
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
        self.stage = if *first == b'<' {
            Stage::Xml
        } else {
            Stage::Header
        };
        self.pending.skip(skipped);
    }

    /// Reads one line. Whether it is a row.
    fn line(&mut self, range: Range<usize>) -> Result<bool, BillError> {
        self.lines += 1;
        let line = self.pending.line(range.clone());
        if line.is_empty() {
            return Ok(false);
        }
        let number = self.lines;
        match &mut self.stage {
            // find_row leaves these before it reads a line.
            Stage::Start | Stage::Xml => return Err(BillError::NoBill),
            Stage::Header => {
                self.stage = Stage::Rows(Header::read(utf8(line, number)?, number)?);
            }
            Stage::Rows(header) => {
                // A row begins with a time: the longer look is for other lines only.
                if !matches!(line, [b'`', b'0'..=b'9', ..]) && summary::is_header(line) {
                    let names = Summary::read_header(utf8(line, number)?, number)?;
                    let stage = core::mem::replace(&mut self.stage, Stage::Header);
                    if let Stage::Rows(header) = stage {
                        self.stage = Stage::Summary(header, names);
                    }
                    return Ok(false);
                }
                self.cells
                    .cut(self.pending.from(range.start), line.len(), number)?;
                same_count(header.names.len(), self.cells.count(), number)?;
                self.totals.add(header, line, &self.cells, number)?;
                self.row = range;
                return Ok(true);
            }
            Stage::Summary(header, names) => {
                self.cells
                    .cut(self.pending.from(range.start), line.len(), number)?;
                same_count(names.len(), self.cells.count(), number)?;
                let summary = Summary::read(
                    names,
                    utf8(line, number)?,
                    &self.cells,
                    number,
                    header,
                    &self.totals,
                )?;
                let stage = core::mem::replace(&mut self.stage, Stage::Header);
                if let Stage::Summary(header, _) = stage {
                    self.stage = Stage::End(header, summary);
                }
            }
            Stage::End(..) => return Err(BillError::AfterSummary { line: number }),
        }
        Ok(false)
    }
}

impl Default for BillReader {
    fn default() -> Self {
        Self::new()
    }
}

fn same_count(expected: usize, got: usize, line: u64) -> Result<(), BillError> {
    if expected == got {
        return Ok(());
    }
    Err(BillError::CellCount {
        line,
        expected,
        got,
    })
}

fn utf8(bytes: &[u8], line: u64) -> Result<&str, BillError> {
    core::str::from_utf8(bytes).map_err(|error| BillError::NotUtf8 {
        line,
        at: error.valid_up_to(),
    })
}
