//! The last line of a bill, which states its sums.

use alloc::{boxed::Box, vec::Vec};

use super::cells::Cells;
use super::header::{self, Header};
use super::totals::Totals;
use super::{BillError, BillKind, CellError, ExactYuan, Sum, SumValue};

/// Whether a line is the header of the summary.
pub(super) fn is_header(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"`").unwrap_or(line);
    [Sum::Trades, Sum::Flows]
        .iter()
        .any(|sum| line.starts_with(sum.text().as_bytes()))
}

/// The last line of a bill, which says what the rows add up to. [`BillReader::finish`](super::BillReader::finish) hands it
/// out once the rows agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    kind: BillKind,
    rows: u64,
    cells: Vec<(Box<str>, Box<str>)>,
    sums: Vec<(Sum, SumValue)>,
}

impl Summary {
    /// The kind of bill.
    #[must_use]
    pub const fn kind(&self) -> BillKind {
        self.kind
    }

    /// How many rows the bill has.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// A sum, if the bill states it.
    #[must_use]
    pub fn sum(&self, sum: Sum) -> Option<SumValue> {
        self.sums
            .iter()
            .find(|(own, _)| *own == sum)
            .map(|(_, value)| *value)
    }

    /// A cell of the summary by the text of its header.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.cells()
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value)
    }

    /// All cells, with the text of their header, in the bill's order.
    #[must_use]
    pub fn cells(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.cells.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The names in the summary's header line.
    pub(super) fn read_header(line: &str, number: u64) -> Result<Vec<Box<str>>, BillError> {
        header::names(line, number)
    }

    pub(super) fn read(
        names: &[Box<str>],
        line: &str,
        cells: &Cells,
        number: u64,
        header: &Header,
        totals: &Totals,
    ) -> Result<Self, BillError> {
        let mut summary = Self {
            kind: header.kind,
            rows: totals.rows(),
            cells: Vec::new(),
            sums: Vec::new(),
        };
        for (place, name) in names.iter().enumerate() {
            let text = &line[cells.range(place)];
            if let Some(sum) = Sum::of(name) {
                let value = value(sum, text).map_err(|why| BillError::Cell {
                    line: number,
                    cell: place + 1,
                    column: name.clone(),
                    why,
                })?;
                summary.sums.push((sum, value));
            }
            summary.cells.push((name.clone(), text.into()));
        }
        Ok(summary)
    }

    /// Holds every sum that has a column against the rows.
    pub(super) fn check(&self, header: &Header, totals: &Totals) -> Result<(), BillError> {
        for &(sum, stated) in &self.sums {
            match totals.get(sum, header) {
                Some(counted) if counted != stated => {
                    return Err(BillError::SumMismatch {
                        sum,
                        stated,
                        counted,
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Reads a stated sum. Bills of fund flow state rows as `20.0`.
fn value(sum: Sum, text: &str) -> Result<SumValue, CellError> {
    let amount: ExactYuan = text.parse()?;
    if !sum.counts_rows() {
        return Ok(SumValue::Yuan(amount));
    }
    let one = 100_000;
    let parts = u64::try_from(amount.hundred_thousandths()).map_err(|_| CellError::Count)?;
    if parts.is_multiple_of(one) {
        Ok(SumValue::Rows(parts / one))
    } else {
        Err(CellError::Count)
    }
}
