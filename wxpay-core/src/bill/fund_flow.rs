//! A row of a bill of fund flow.

use super::row::open_enum;
use super::totals::{EXPENSE, INCOME};
use super::{BillError, Column, ExactYuan, Row};
use crate::{BeijingTime, Fen};

/// One change of an account's balance, from a bill of downloadfundflow. Its texts borrow from the reader.
///
/// Source: pay.weixin.qq.com, "资金账单详细说明" (2024-11-25).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundFlow<'a> {
    /// When the balance changed.
    pub time: BeijingTime,
    /// Which way the money went.
    pub direction: Direction<'a>,
    /// How much, without a sign.
    pub amount: Fen,
    /// The balance afterwards.
    pub balance: ExactYuan,
    /// The gateway's number of the business, such as a `transaction_id`: at most 128 characters.
    pub business_no: &'a str,
    /// The number of this change: at most 128 characters.
    pub flow_no: &'a str,
    /// The kind of business, in Chinese, such as `交易` or `退款`. The gateway changes these.
    pub business_name: &'a str,
    /// The kind of change within it, in Chinese, such as `扣除交易手续费`.
    pub business_type: &'a str,
    /// Who asked for it: an account of an employee, a merchant's number with `API` behind it, or `system`.
    pub applicant: Option<&'a str>,
    /// A note: at most 2048 characters.
    pub note: Option<&'a str>,
    /// The number of the voucher; in trades, the merchant's own number.
    pub voucher_no: Option<&'a str>,
}

/// The columns that a bill of fund flow must have.
const NEEDED: [Column; 8] = [
    Column::AccountTime,
    Column::Direction,
    Column::Amount,
    Column::Balance,
    Column::BusinessNo,
    Column::FlowNo,
    Column::BusinessName,
    Column::BusinessType,
];

impl<'a> TryFrom<Row<'a>> for FundFlow<'a> {
    type Error = BillError;

    fn try_from(row: Row<'a>) -> Result<Self, BillError> {
        row.has(&NEEDED)?;
        Ok(Self {
            time: row.must(Column::AccountTime, row.time(Column::AccountTime)?)?,
            direction: row.text(Column::Direction).into(),
            amount: row.must(Column::Amount, row.fen(Column::Amount)?)?,
            balance: row.must(Column::Balance, row.exact(Column::Balance)?)?,
            business_no: row.text(Column::BusinessNo),
            flow_no: row.text(Column::FlowNo),
            business_name: row.text(Column::BusinessName),
            business_type: row.text(Column::BusinessType),
            applicant: row.filled(Column::Applicant),
            note: row.filled(Column::Note),
            voucher_no: row.filled(Column::VoucherNo),
        })
    }
}

open_enum! {
    /// Which way the money went.
    Direction {
        /// Into the account.
        Income = INCOME,
        /// Out of the account.
        Expense = EXPENSE,
    }
}
