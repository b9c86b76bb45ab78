//! Lines in their order: a header, rows, a second header, the sums.

use alloc::{boxed::Box, vec::Vec};
use core::ops::Range;

use super::cells::Cells;
use super::header::Header;
use super::pending::Pending;
use super::summary;
use super::totals::Totals;
use super::{BillError, Row, Summary};

/// The lines read so far, and the row among them that came last.
#[derive(Debug)]
pub(super) struct Lines {
    /// How many.
    read: u64,
    pub(super) stage: Stage,
    row: Range<usize>,
    cells: Cells,
    totals: Totals,
}

/// What has been read, and so what comes next.
#[derive(Debug)]
pub(super) enum Stage {
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

impl Lines {
    pub(super) const fn new() -> Self {
        Self {
            read: 0,
            stage: Stage::Start,
            row: 0..0,
            cells: Cells::new(),
            totals: Totals::new(),
        }
    }

    /// The number of the line that comes next.
    pub(super) const fn next(&self) -> u64 {
        self.read + 1
    }

    pub(super) const fn header(&self) -> Option<&Header> {
        match &self.stage {
            Stage::Rows(header) | Stage::Summary(header, _) | Stage::End(header, _) => Some(header),
            Stage::Start | Stage::Xml | Stage::Header => None,
        }
    }

    /// Reads the line at `range`. Whether it is a row.
    pub(super) fn read(
        &mut self,
        pending: &Pending,
        range: Range<usize>,
    ) -> Result<bool, BillError> {
        self.read += 1;
        let line = pending.line(range.clone());
        if line.is_empty() {
            return Ok(false);
        }
        let number = self.read;
        match &mut self.stage {
            // The reader leaves these before it reads a line.
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
                    .cut(pending.from(range.start), line.len(), number)?;
                same_count(header.names.len(), self.cells.count(), number)?;
                self.totals.add(header, line, &self.cells, number)?;
                self.row = range;
                return Ok(true);
            }
            Stage::Summary(header, names) => {
                self.cells
                    .cut(pending.from(range.start), line.len(), number)?;
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

    /// The row that was read last, which lies in `pending` still.
    pub(super) fn row<'a>(&'a self, pending: &'a Pending) -> Result<Row<'a>, BillError> {
        let Stage::Rows(header) = &self.stage else {
            return Err(BillError::NoBill);
        };
        Ok(Row {
            line: self.read,
            text: utf8(pending.line(self.row.clone()), self.read)?,
            cells: &self.cells,
            amounts: self.totals.row(),
            header,
        })
    }

    /// The summary, held against the rows.
    pub(super) fn end(self) -> Result<Summary, BillError> {
        match self.stage {
            Stage::End(header, summary) => {
                summary.check(&header, &self.totals)?;
                Ok(summary)
            }
            _ => Err(BillError::Cut {
                line: self.read + 1,
            }),
        }
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
