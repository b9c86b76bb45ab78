//! What a notify and a query say about one payment.

use alloc::{borrow::Cow, boxed::Box, vec::Vec};

use super::{
    Coupon, FieldError, Fields,
    message::{Plain, Value},
};
use crate::{Attach, BankType, BeijingTime, FeeType, Fen, OpenId, OutTradeNo, TransactionId};

/// One payment. Compare `total_fee` and `fee_type` with the order; `cash_fee` is less when coupons were used.
///
/// `openid`, `bank_type`, `attach`, what is settled and the coupons only inform: one that does not fit its type is left out here, so that no
/// payment is lost over it, and can still be read from the message's fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The gateway's number of the payment.
    pub transaction_id: TransactionId,
    /// The merchant's number of the order, or of the attempt at it.
    pub out_trade_no: OutTradeNo,
    /// What was to be paid, in fen.
    pub total_fee: Fen,
    /// The currency of `total_fee`; CNY when the message names none.
    pub fee_type: FeeType,
    /// What was paid in money, in fen.
    pub cash_fee: Option<Fen>,
    /// How it was paid.
    pub trade_type: Option<TradeType>,
    /// When it was paid.
    pub time_end: BeijingTime,
    /// The payer.
    pub openid: Option<OpenId>,
    /// The payer's bank.
    pub bank_type: Option<BankType>,
    /// The merchant's own text, as the order gave it.
    pub attach: Option<Attach>,
    /// The payer's id under the `sub_appid`, when a service provider asks.
    pub sub_openid: Option<OpenId>,
    /// What is settled: `total_fee` less the coupons that are no money.
    pub settlement_total_fee: Option<Fen>,
    /// The sum of the coupons; `total_fee` less it is `cash_fee`.
    pub coupon_fee: Option<Fen>,
    /// The coupons, as far as the message names them.
    pub coupons: Vec<Coupon>,
}

impl Payment {
    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            transaction_id: fields.text("transaction_id")?,
            out_trade_no: fields.text("out_trade_no")?,
            total_fee: fields.fen("total_fee")?,
            fee_type: fields
                .optional_text("fee_type")?
                .unwrap_or_else(FeeType::cny),
            cash_fee: fields.optional_fen("cash_fee")?,
            trade_type: fields.optional("trade_type").map(TradeType::from),
            time_end: fields.time("time_end")?,
            openid: fields.optional_text("openid").unwrap_or_default(),
            bank_type: fields.optional_text("bank_type").unwrap_or_default(),
            attach: fields.optional_text("attach").unwrap_or_default(),
            sub_openid: fields.optional_text("sub_openid").unwrap_or_default(),
            settlement_total_fee: fields
                .optional_fen("settlement_total_fee")
                .unwrap_or_default(),
            coupon_fee: fields.optional_fen("coupon_fee").unwrap_or_default(),
            coupons: Value::take(fields, "coupon_count").unwrap_or_default(),
        })
    }
}

/// How an order is paid: the field `trade_type`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TradeType {
    /// The payer scans a QR code.
    Native,
    /// On a page inside WeChat, or in a mini program.
    Jsapi,
    /// In an app.
    App,
    /// On a page in another browser.
    Mweb,
    /// The merchant scans the payer's code.
    Micropay,
    /// Another way.
    Other(Box<str>),
}

impl TradeType {
    /// The text on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Native => "NATIVE",
            Self::Jsapi => "JSAPI",
            Self::App => "APP",
            Self::Mweb => "MWEB",
            Self::Micropay => "MICROPAY",
            Self::Other(text) => text,
        }
    }
}

impl From<&str> for TradeType {
    fn from(text: &str) -> Self {
        match text {
            "NATIVE" => Self::Native,
            "JSAPI" => Self::Jsapi,
            "APP" => Self::App,
            "MWEB" => Self::Mweb,
            "MICROPAY" => Self::Micropay,
            other => Self::Other(other.into()),
        }
    }
}

impl Plain for TradeType {
    fn to_field(&self) -> Cow<'_, str> {
        self.as_str().into()
    }

    fn from_field(text: &str, _field: &'static str) -> Result<Self, FieldError> {
        Ok(text.into())
    }
}
