//! A row of a bill of trades: a payment, a refund or a reversal.

use core::fmt;

use super::row::open_enum;
use super::{BillError, Column, ExactYuan, Rate, Row};
use crate::{BeijingTime, Fen, OpenId, TextError};

/// A row of a bill of type ALL, SUCCESS, REFUND or RECHARGE_REFUND. Its texts borrow from the reader and are as the bill has
/// them: `trade.out_trade_no.parse::<OutTradeNo>()` makes one of them a value to keep.
///
/// Amounts that the bill has no column for are `None`: bills of the early form lack the order's amount, bills of payments
/// lack the refund.
/// Source: pay.weixin.qq.com, "交易账单详细说明" (2024-11-25).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade<'a> {
    /// When the payment succeeded, or when the refund was taken on (not when it was done).
    pub time: BeijingTime,
    /// Whether the row is a payment, a refund or a reversal.
    pub state: TradeState<'a>,
    /// How it was paid.
    pub trade_type: TradeType<'a>,
    /// The `appid` of the order.
    pub appid: &'a str,
    /// The merchant's number.
    pub mch_id: &'a str,
    /// The number of the merchant behind a service provider.
    pub sub_mch_id: Option<&'a str>,
    /// The device.
    pub device_info: Option<&'a str>,
    /// The gateway's number of the payment; in a refund, of the payment that it belongs to.
    pub transaction_id: &'a str,
    /// The merchant's number of the order.
    pub out_trade_no: &'a str,
    /// The payer.
    pub openid: Option<Payer<'a>>,
    /// The payer's bank.
    pub bank_type: &'a str,
    /// The currency.
    pub fee_type: &'a str,
    /// The order's amount, the `total_fee` to compare with; nothing in a refund.
    pub order_total: Option<Fen>,
    /// What is settled of it. In bills of the early form, the order's amount.
    pub settlement_total: Option<Fen>,
    /// The part paid with coupons.
    pub coupon: Option<Fen>,
    /// The refund, if the row is one.
    pub refund: Option<Refund<'a>>,
    /// What was paid for.
    pub body: &'a str,
    /// The merchant's own text.
    pub attach: Option<&'a str>,
    /// What the gateway keeps; below nothing, what it gives back.
    pub commission: Option<ExactYuan>,
    /// The rate of the commission.
    pub rate: Option<Rate>,
    /// A note on the rate.
    pub rate_note: Option<&'a str>,
}

/// The refund in a row of a bill of trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund<'a> {
    /// The gateway's number.
    pub refund_id: &'a str,
    /// The merchant's number.
    pub out_refund_no: &'a str,
    /// What was asked for: the field `refund_fee`.
    pub requested: Option<Fen>,
    /// What is taken back of the settled amount.
    pub refund: Option<Fen>,
    /// What is taken back of coupons topped up by money.
    pub coupon_refund: Option<Fen>,
    /// Which way it goes.
    pub refund_type: RefundType<'a>,
    /// What became of it on the day of the bill. The bill is not written again: query the refund for its end.
    pub state: RefundState<'a>,
    /// When it was asked for, in bills of refunds alone.
    pub applied: Option<BeijingTime>,
    /// When it succeeded, in bills of refunds alone.
    pub succeeded: Option<BeijingTime>,
    /// The commission given back, in bills of topped-up refunds alone.
    pub returned_commission: Option<ExactYuan>,
}

/// The columns that a bill of trades must have.
const NEEDED: [Column; 10] = [
    Column::TradeTime,
    Column::TradeState,
    Column::TradeType,
    Column::AppId,
    Column::MchId,
    Column::TransactionId,
    Column::OutTradeNo,
    Column::BankType,
    Column::FeeType,
    Column::Body,
];
/// The columns that it must have for a refund.
const NEEDED_OF_REFUND: [Column; 3] =
    [Column::OutRefundNo, Column::RefundType, Column::RefundState];

impl<'a> TryFrom<Row<'a>> for Trade<'a> {
    type Error = BillError;

    fn try_from(row: Row<'a>) -> Result<Self, BillError> {
        row.has(&NEEDED)?;
        Ok(Self {
            time: row.must(Column::TradeTime, row.time(Column::TradeTime)?)?,
            state: row.text(Column::TradeState).into(),
            trade_type: row.text(Column::TradeType).into(),
            appid: row.text(Column::AppId),
            mch_id: row.text(Column::MchId),
            sub_mch_id: row.number(Column::SubMchId),
            device_info: row.filled(Column::DeviceInfo),
            transaction_id: row.text(Column::TransactionId),
            out_trade_no: row.text(Column::OutTradeNo),
            openid: row.filled(Column::OpenId).map(Payer),
            bank_type: row.text(Column::BankType),
            fee_type: row.text(Column::FeeType),
            order_total: row.fen(Column::OrderTotal)?,
            settlement_total: row.fen(Column::SettlementTotal)?,
            coupon: row.fen(Column::Coupon)?,
            refund: Refund::read(row)?,
            body: row.text(Column::Body),
            attach: row.filled(Column::Attach),
            commission: row.exact(Column::Commission)?,
            rate: row.read(Column::Rate, |text| Ok(text.parse()?))?,
            rate_note: row.filled(Column::RateNote),
        })
    }
}

impl<'a> Refund<'a> {
    /// A row of a payment has `0` for the numbers of a refund.
    fn read(row: Row<'a>) -> Result<Option<Self>, BillError> {
        let Some(refund_id) = row.number(Column::RefundId) else {
            return Ok(None);
        };
        row.has(&NEEDED_OF_REFUND)?;
        Ok(Some(Self {
            refund_id,
            out_refund_no: row.text(Column::OutRefundNo),
            requested: row.fen(Column::RequestedRefund)?,
            refund: row.fen(Column::Refund)?,
            coupon_refund: row.fen(Column::CouponRefund)?,
            refund_type: row.text(Column::RefundType).into(),
            state: row.text(Column::RefundState).into(),
            applied: row.time(Column::RefundApplied)?,
            succeeded: row.time(Column::RefundSucceeded)?,
            returned_commission: row.exact(Column::ReturnedCommission)?,
        }))
    }
}

/// A payer's id in a bill: personal data, so `Debug` hides most of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Payer<'a>(&'a str);

impl<'a> Payer<'a> {
    /// The id.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// The id as a value to keep.
    ///
    /// # Errors
    /// [`TextError`] when the text is no `openid`.
    pub fn to_openid(&self) -> Result<OpenId, TextError> {
        self.0.parse()
    }
}

impl fmt::Debug for Payer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.char_indices().nth(4).map_or(0, |(at, _)| at);
        write!(f, "Payer({}…)", &self.0[..shown])
    }
}

open_enum! {
    /// What a row of trades is. Not the state of the order: that is what orderquery says.
    TradeState {
        /// A payment.
        Success = "SUCCESS",
        /// A refund that was taken on.
        Refund = "REFUND",
        /// A payment by code that was reversed.
        Revoked = "REVOKED",
    }
}

open_enum! {
    /// How an order was paid, in a bill's own words.
    TradeType {
        /// In a page or mini program inside WeChat.
        Jsapi = "JSAPI",
        /// By scanning a QR code.
        Native = "NATIVE",
        /// In an app.
        App = "APP",
        /// In a browser.
        Mweb = "MWEB",
        /// By showing a code.
        Micropay = "MICROPAY",
        /// By face.
        Face = "FACE",
    }
}

open_enum! {
    /// Which way a refund goes.
    RefundType {
        /// Back the way it came.
        Original = "ORIGINAL",
        /// To the payer's balance.
        Balance = "BALANCE",
    }
}

open_enum! {
    /// What became of a refund on the day of the bill.
    RefundState {
        /// Done.
        Success = "SUCCESS",
        /// Under way.
        Processing = "PROCESSING",
        /// Failed.
        Fail = "FAIL",
        /// It could not go back the way it came; manual work is needed.
        Change = "CHANGE",
    }
}
