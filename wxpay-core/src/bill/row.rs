//! One row of a bill.

use core::fmt;

use super::cells::Cells;
use super::header::Header;
use super::totals::RowAmounts;
use super::{BillError, BillKind, CellError, Column, ExactYuan};
use crate::{BeijingTime, Fen};

/// One row, as text. It borrows from the reader, so it lives until the next call.
///
/// A cell is the text behind its backtick, as the gateway wrote it: in texts of the merchant's the gateway writes a
/// comma as `\ ` (a backslash and a blank) and a line end as `\n`, and a text that had those two characters from the start
/// looks just the same, so nothing is turned back here.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    pub(super) line: u64,
    pub(super) text: &'a str,
    pub(super) cells: &'a Cells,
    pub(super) amounts: &'a RowAmounts,
    pub(super) header: &'a Header,
}

impl<'a> Row<'a> {
    /// The number of the line in the bill; the header is line 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// The text of a column, by the name in the header; also of columns that this crate does not know.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.header.place_of(name).map(|place| self.cell(place))
    }

    /// The text of a known column, under whichever name the bill has it.
    #[must_use]
    pub fn column(&self, column: Column) -> Option<&'a str> {
        self.header.place(column).map(|place| self.cell(place))
    }

    /// All cells, with the names in the header, in the bill's order.
    #[must_use]
    pub fn cells(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> {
        let row = *self;
        let names = row.header.names.iter().enumerate();
        names.map(move |(place, name)| (&**name, row.cell(place)))
    }

    #[inline]
    fn cell(&self, place: usize) -> &'a str {
        &self.text[self.cells.range(place)]
    }

    /// Whether the bill has all of these columns.
    pub(super) fn has(&self, columns: &[Column]) -> Result<(), BillError> {
        match self.header.lacks(columns) {
            None => Ok(()),
            Some(column) => Err(BillError::NoColumn {
                line: self.line,
                column: column.text(),
            }),
        }
    }

    /// The text of a column; empty when the bill has none such.
    #[inline]
    pub(super) fn text(&self, column: Column) -> &'a str {
        self.cell(self.header.place_or_empty(column))
    }

    /// The text of a column, unless it is empty or the bill has none such.
    #[inline]
    pub(super) fn filled(&self, column: Column) -> Option<&'a str> {
        Some(self.text(column)).filter(|text| !text.is_empty())
    }

    /// The text of a column where `0` means nothing, too.
    #[inline]
    pub(super) fn number(&self, column: Column) -> Option<&'a str> {
        self.filled(column).filter(|text| *text != "0")
    }

    /// The amount in a cell; one that is empty, or that the bill does not have, is nothing.
    #[inline]
    pub(super) fn exact(&self, column: Column) -> Result<Option<ExactYuan>, BillError> {
        let range = self.cells.range(self.header.place_or_empty(column));
        if range.is_empty() {
            return Ok(None);
        }
        if self.header.kind != BillKind::FundFlow
            && let Some(amount) = self.amounts.get(column)
        {
            return Ok(Some(amount));
        }
        match ExactYuan::from_cell(self.text.as_bytes(), range) {
            Ok(amount) => Ok(Some(amount)),
            Err(why) => Err(self.bad(column, why.into())),
        }
    }

    /// As [`Row::exact`], in whole fen.
    #[inline]
    pub(super) fn fen(&self, column: Column) -> Result<Option<Fen>, BillError> {
        match self.exact(column)? {
            None => Ok(None),
            Some(ExactYuan::ZERO) => Ok(Some(Fen::ZERO)),
            Some(amount) => match amount.to_fen() {
                Ok(fen) => Ok(Some(fen)),
                Err(why) => Err(self.bad(column, why.into())),
            },
        }
    }

    #[inline]
    pub(super) fn time(&self, column: Column) -> Result<Option<BeijingTime>, BillError> {
        self.read(column, |text| Ok(BeijingTime::parse_dashed(text)?))
    }

    /// Reads a cell; one that is empty, or that the bill does not have, is nothing.
    #[inline]
    pub(super) fn read<T>(
        &self,
        column: Column,
        read: impl FnOnce(&'a str) -> Result<T, CellError>,
    ) -> Result<Option<T>, BillError> {
        match self.filled(column) {
            None => Ok(None),
            Some(text) => match read(text) {
                Ok(value) => Ok(Some(value)),
                Err(why) => Err(self.bad(column, why)),
            },
        }
    }

    /// What was found in a cell that must not be empty.
    #[inline]
    pub(super) fn must<T>(&self, column: Column, value: Option<T>) -> Result<T, BillError> {
        value.ok_or_else(|| self.bad(column, CellError::Empty))
    }

    #[cold]
    fn bad(&self, column: Column, why: CellError) -> BillError {
        let place = self.header.place(column);
        BillError::Cell {
            line: self.line,
            cell: place.map_or(0, |place| place + 1),
            column: place.map_or_else(
                || column.text().into(),
                |place| self.header.names[place].clone(),
            ),
            why,
        }
    }
}

/// A row names payers and goods, so its `Debug` shows only where it stands.
impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("line", &self.line)
            .field("cells", &self.cells.count())
            .finish_non_exhaustive()
    }
}

macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name<'a> {
            $($(#[$variant_doc])* $variant,)*
            /// A text that this crate has no name for.
            Other(&'a str),
        }

        impl<'a> $name<'a> {
            /// The text in the bill.
            #[must_use]
            pub const fn as_str(&self) -> &'a str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl<'a> From<&'a str> for $name<'a> {
            fn from(text: &'a str) -> Self {
                $(if text == $text { return Self::$variant; })*
                Self::Other(text)
            }
        }
    };
}
pub(super) use open_enum;
