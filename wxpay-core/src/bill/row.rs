//! One row of a bill.

use core::fmt;

use super::column::Header;
use super::line::Cells;
use super::{BillError, CellError, Column, amount};
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

    /// The text of a column that must be there, perhaps empty.
    pub(super) fn required(&self, column: Column) -> Result<&'a str, BillError> {
        self.column(column).ok_or(BillError::NoColumn {
            line: self.line,
            column: column.text(),
        })
    }

    /// The text of a column, unless it is empty or the bill has none such.
    #[inline]
    pub(super) fn filled(&self, column: Column) -> Option<&'a str> {
        self.column(column).filter(|text| !text.is_empty())
    }

    /// The text of a column where `0` means nothing, too.
    pub(super) fn number(&self, column: Column) -> Option<&'a str> {
        self.filled(column).filter(|text| *text != "0")
    }

    pub(super) fn fen(&self, column: Column) -> Result<Option<Fen>, BillError> {
        self.read(column, |text| Ok(amount::fen(text.as_bytes())?))
    }

    pub(super) fn time(&self, column: Column) -> Result<Option<BeijingTime>, BillError> {
        self.read(column, |text| Ok(BeijingTime::parse_dashed(text)?))
    }

    /// Reads a cell; one that is empty, or that the bill does not have, is nothing.
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

    /// What [`Row::read`] found, or the error of an empty cell.
    pub(super) fn must<T>(&self, column: Column, value: Option<T>) -> Result<T, BillError> {
        if let Some(value) = value {
            return Ok(value);
        }
        self.required(column)?;
        Err(self.bad(column, CellError::Empty))
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
