//! The sums of a bill: as its last line states them, and as its rows have them.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use super::column::{self, Header};
use super::line::Cells;
use super::{AmountError, BillError, BillKind, CellError, Column, ExactYuan, SumValue};

macro_rules! sums {
    ($($(#[$doc:meta])* $name:ident = $text:literal $(| $alias:literal)*,)*) => {
        /// A sum in the summary of a bill.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Sum {
            $($(#[$doc])* $name,)*
        }

        impl Sum {
            const COUNT: usize = [$($text),*].len();

            /// The text of today's summary header. Bills of older forms may have another.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            fn of(text: &str) -> Option<Self> {
                match text {
                    $($text $(| $alias)* => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

sums! {
    /// The rows of a bill of trades.
    Trades = "总交易单数",
    /// The sum of [`Column::SettlementTotal`].
    SettlementTotal = "应结订单总金额" | "总交易额",
    /// The sum of [`Column::Refund`].
    Refund = "退款总金额" | "总退款金额",
    /// The sum of [`Column::CouponRefund`].
    CouponRefund = "充值券退款总金额" | "总企业红包退款金额" | "企业红包退款总金额" | "总代金券或立减优惠退款金额",
    /// The sum of [`Column::Commission`].
    Commission = "手续费总金额",
    /// The sum of [`Column::OrderTotal`].
    OrderTotal = "订单总金额",
    /// The sum of [`Column::RequestedRefund`].
    RequestedRefund = "申请退款总金额" | "申请退款金额",
    /// The rows of a bill of fund flow.
    Flows = "资金流水总笔数",
    /// The rows that are income.
    IncomeRows = "收入笔数",
    /// The sum of what is income.
    Income = "收入金额",
    /// The rows that are expenses.
    ExpenseRows = "支出笔数",
    /// The sum of what is an expense.
    Expense = "支出金额",
}

impl Sum {
    const fn counts_rows(self) -> bool {
        matches!(
            self,
            Self::Trades | Self::Flows | Self::IncomeRows | Self::ExpenseRows
        )
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The columns that are added up.
const ADDED: [(Column, Sum); 6] = [
    (Column::SettlementTotal, Sum::SettlementTotal),
    (Column::Refund, Sum::Refund),
    (Column::CouponRefund, Sum::CouponRefund),
    (Column::Commission, Sum::Commission),
    (Column::OrderTotal, Sum::OrderTotal),
    (Column::RequestedRefund, Sum::RequestedRefund),
];

/// The sums of the rows so far.
#[derive(Debug)]
pub(super) struct Totals {
    rows: u64,
    income_rows: u64,
    expense_rows: u64,
    amounts: [ExactYuan; Sum::COUNT],
}

impl Totals {
    pub(super) const fn new() -> Self {
        Self {
            rows: 0,
            income_rows: 0,
            expense_rows: 0,
            amounts: [ExactYuan::ZERO; Sum::COUNT],
        }
    }

    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds a row. An empty cell is nothing.
    pub(super) fn add(
        &mut self,
        header: &Header,
        line: &[u8],
        cells: &Cells,
        number: u64,
    ) -> Result<(), BillError> {
        if header.kind == BillKind::FundFlow {
            let direction = header
                .place(Column::Direction)
                .map(|place| &line[cells.range(place)]);
            let sum = if direction == Some(super::fund_flow::INCOME.as_bytes()) {
                self.income_rows += 1;
                Some(Sum::Income)
            } else if direction == Some(super::fund_flow::EXPENSE.as_bytes()) {
                self.expense_rows += 1;
                Some(Sum::Expense)
            } else {
                None
            };
            if let (Some(place), Some(sum)) = (header.place(Column::Amount), sum) {
                self.add_cell(header, sum, place, &line[cells.range(place)], number)?;
            }
        } else {
            for (column, sum) in ADDED {
                if let Some(place) = header.place(column) {
                    let text = &line[cells.range(place)];
                    // Most cells of a row are this.
                    if text != b"0.00" {
                        self.add_cell(header, sum, place, text, number)?;
                    }
                }
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn add_cell(
        &mut self,
        header: &Header,
        sum: Sum,
        place: usize,
        text: &[u8],
        number: u64,
    ) -> Result<(), BillError> {
        if text.is_empty() {
            return Ok(());
        }
        let total = &mut self.amounts[sum as usize];
        match ExactYuan::from_bytes(text)
            .and_then(|amount| total.checked_add(amount).ok_or(AmountError::TooLarge))
        {
            Ok(grown) => {
                *total = grown;
                Ok(())
            }
            Err(why) => Err(BillError::Cell {
                line: number,
                cell: place + 1,
                column: header.names[place].clone(),
                why: why.into(),
            }),
        }
    }

    /// A sum of the rows, unless the bill has no column for it.
    fn get(&self, sum: Sum, header: &Header) -> Option<SumValue> {
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
        column::names(line, number)
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
