//! The header line: what kind of bill it is, and where its columns stand.

use alloc::{borrow::ToOwned, boxed::Box, vec::Vec};

use super::cells::ABSENT;
use super::{BillError, Column, MAX_CELLS};

/// What kind of bill the header announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BillKind {
    /// Payments and refunds: `bill_type=ALL`.
    All,
    /// Payments: `bill_type=SUCCESS`.
    Success,
    /// Refunds: `bill_type=REFUND`.
    Refund,
    /// Refunds of what was topped up: `bill_type=RECHARGE_REFUND`.
    RechargeRefund,
    /// Changes of an account's balance: downloadfundflow.
    FundFlow,
}

/// The header line, read.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) kind: BillKind,
    pub(super) names: Vec<Box<str>>,
    /// For each column, its place in a line, or [`ABSENT`].
    places: [u8; Column::COUNT],
}

impl Header {
    pub(super) fn read(line: &str, number: u64) -> Result<Self, BillError> {
        let names = names(line, number)?;
        let mut places = [ABSENT; Column::COUNT];
        for (place, name) in names.iter().enumerate() {
            if let Some(column) = Column::of(name) {
                let known = &mut places[column as usize];
                // A second text of the same meaning stays readable by that text.
                if *known == ABSENT {
                    *known = u8::try_from(place).unwrap_or(ABSENT);
                }
            }
        }
        let has = |column: Column| places[column as usize] != ABSENT;
        let kind = if has(Column::AccountTime) {
            BillKind::FundFlow
        } else if !has(Column::TradeTime) {
            return Err(BillError::NoBill);
        } else if has(Column::ReturnedCommission) {
            BillKind::RechargeRefund
        } else if has(Column::RefundApplied) {
            BillKind::Refund
        } else if has(Column::RefundId) {
            BillKind::All
        } else {
            BillKind::Success
        };
        Ok(Self {
            kind,
            names,
            places,
        })
    }

    /// The place of a column, if the bill has it.
    pub(super) fn place(&self, column: Column) -> Option<usize> {
        match self.places[column as usize] {
            ABSENT => None,
            place => Some(place.into()),
        }
    }

    /// The place of a column; of one that the bill does not have, that of an empty cell.
    #[inline]
    pub(super) const fn place_or_empty(&self, column: Column) -> usize {
        self.places[column as usize] as usize
    }

    /// The first of these columns that the bill does not have.
    #[inline]
    pub(super) fn lacks(&self, columns: &[Column]) -> Option<Column> {
        let mut columns = columns.iter().copied();
        columns.find(|column| self.places[*column as usize] == ABSENT)
    }

    pub(super) fn place_of(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| **own == *name)
    }
}

/// The names in a header line: between commas, with or without a backtick in front.
pub(super) fn names(line: &str, number: u64) -> Result<Vec<Box<str>>, BillError> {
    let mut names: Vec<Box<str>> = Vec::new();
    for name in line.split(',') {
        let name = name.strip_prefix('`').unwrap_or(name).trim();
        if names.len() == MAX_CELLS {
            return Err(BillError::TooManyCells {
                line: number,
                max_cells: MAX_CELLS,
            });
        }
        // A name that is there twice would make "the" cell under it a matter of luck.
        if names.iter().any(|other| **other == *name) {
            return Err(BillError::RepeatedColumn {
                line: number,
                column: name.to_owned().into(),
            });
        }
        names.push(name.into());
    }
    Ok(names)
}
