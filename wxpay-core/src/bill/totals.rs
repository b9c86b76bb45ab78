//! The sums of the rows, added up as they are read.

use super::cells::Cells;
use super::header::Header;
use super::{AmountError, BillError, BillKind, Column, ExactYuan, Sum, SumValue};

/// The words for the two directions of a change of balance.
pub(super) const INCOME: &str = "收入";
pub(super) const EXPENSE: &str = "支出";

/// The columns that are added up in a bill of trades.
const ADDED: [(Column, Sum); 6] = [
    (Column::SettlementTotal, Sum::SettlementTotal),
    (Column::Refund, Sum::Refund),
    (Column::CouponRefund, Sum::CouponRefund),
    (Column::Commission, Sum::Commission),
    (Column::OrderTotal, Sum::OrderTotal),
    (Column::RequestedRefund, Sum::RequestedRefund),
];

/// The amounts of the row that was added last, which the typed row needs not read again.
#[derive(Debug)]
pub(super) struct RowAmounts([ExactYuan; ADDED.len()]);

impl RowAmounts {
    /// The amount of a column, if it is one that is added up in a bill of trades. An empty cell is nothing.
    #[inline]
    pub(super) const fn get(&self, column: Column) -> Option<ExactYuan> {
        Some(match column {
            Column::SettlementTotal => self.0[0],
            Column::Refund => self.0[1],
            Column::CouponRefund => self.0[2],
            Column::Commission => self.0[3],
            Column::OrderTotal => self.0[4],
            Column::RequestedRefund => self.0[5],
            _ => return None,
        })
    }
}

/// The sums of the rows so far.
#[derive(Debug)]
pub(super) struct Totals {
    rows: u64,
    income_rows: u64,
    expense_rows: u64,
    amounts: [ExactYuan; Sum::COUNT],
    row: RowAmounts,
}

impl Totals {
    pub(super) const fn new() -> Self {
        Self {
            rows: 0,
            income_rows: 0,
            expense_rows: 0,
            amounts: [ExactYuan::ZERO; Sum::COUNT],
            row: RowAmounts([ExactYuan::ZERO; ADDED.len()]),
        }
    }

    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) const fn row(&self) -> &RowAmounts {
        &self.row
    }

    /// Adds a row. An empty cell is nothing.
    pub(super) fn add(
        &mut self,
        header: &Header,
        line: &[u8],
        cells: &Cells,
        number: u64,
    ) -> Result<(), BillError> {
        let bad = |column, why: AmountError| {
            let place = header.place_or_empty(column);
            BillError::Cell {
                line: number,
                cell: place + 1,
                column: header.names[place].clone(),
                why: why.into(),
            }
        };
        if header.kind == BillKind::FundFlow {
            if let Some(sum) = self.count_flow(header, line, cells) {
                let column = Column::Amount;
                let place = header.place_or_empty(column);
                self.add_cell(sum, line, cells, place)
                    .map_err(|why| bad(column, why))?;
            }
        } else {
            for (place_in_row, (column, sum)) in ADDED.into_iter().enumerate() {
                let place = header.place_or_empty(column);
                self.row.0[place_in_row] = self
                    .add_cell(sum, line, cells, place)
                    .map_err(|why| bad(column, why))?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Counts a row of fund flow. Which sum its amount belongs to.
    fn count_flow(&mut self, header: &Header, line: &[u8], cells: &Cells) -> Option<Sum> {
        let direction = &line[cells.range(header.place_or_empty(Column::Direction))];
        if direction == INCOME.as_bytes() {
            self.income_rows += 1;
            Some(Sum::Income)
        } else if direction == EXPENSE.as_bytes() {
            self.expense_rows += 1;
            Some(Sum::Expense)
        } else {
            None
        }
    }

    #[inline]
    fn add_cell(
        &mut self,
        sum: Sum,
        line: &[u8],
        cells: &Cells,
        place: usize,
    ) -> Result<ExactYuan, AmountError> {
        let range = cells.range(place);
        let text = &line[range.clone()];
        // Most cells of a row are this.
        if text == b"0.00" || text.is_empty() {
            return Ok(ExactYuan::ZERO);
        }
        let amount = ExactYuan::from_cell(line, range)?;
        let total = &mut self.amounts[sum as usize];
        *total = total.checked_add(amount).ok_or(AmountError::TooLarge)?;
        Ok(amount)
    }

    /// A sum of the rows, unless the bill has no column for it.
    pub(super) fn get(&self, sum: Sum, header: &Header) -> Option<SumValue> {
        let has = |column| header.place(column).is_some();
        match sum {
            Sum::Trades | Sum::Flows => Some(SumValue::Rows(self.rows)),
            Sum::IncomeRows if has(Column::Direction) => Some(SumValue::Rows(self.income_rows)),
            Sum::ExpenseRows if has(Column::Direction) => Some(SumValue::Rows(self.expense_rows)),
            Sum::Income | Sum::Expense if has(Column::Direction) && has(Column::Amount) => {
                Some(SumValue::Yuan(self.amounts[sum as usize]))
            }
            _ => ADDED
                .iter()
                .any(|(column, added)| *added == sum && has(*column))
                .then(|| SumValue::Yuan(self.amounts[sum as usize])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_added_column_has_its_own_amount() {
        let row = RowAmounts(core::array::from_fn(|place| {
            ExactYuan::from_cell(b"0123456", place..place + 1).unwrap()
        }));
        for (place, (column, _)) in ADDED.into_iter().enumerate() {
            assert_eq!(row.get(column), Some(row.0[place]));
        }
        assert_eq!(row.get(Column::Coupon), None);
    }
}
