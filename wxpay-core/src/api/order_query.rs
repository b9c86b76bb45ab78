//! `orderquery`: ask the gateway what became of an order.

use alloc::{
    borrow::{Cow, ToOwned},
    boxed::Box,
    string::String,
};
use core::fmt;

use super::{
    Advice, Answer, AnswerKind, Endpoint, ErrorCode, FieldError, Fields, Payment, Repeat,
    RequestError, SubMerchantFields,
    message::{Plain, Value},
};
use crate::{InsertError, OutTradeNo, Params, SignType, TransactionId};

#[doc = include_str!("pages/orderquery.md")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderQuery {
    /// Which order.
    pub by: OrderRef,
}

/// An order, by either of its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OrderRef {
    /// The merchant's number.
    OutTradeNo(OutTradeNo),
    /// The gateway's number.
    TransactionId(TransactionId),
}

impl Value for OrderRef {
    fn put<'a>(&'a self, params: &mut Params<'a>, _field: &'static str) -> Result<(), InsertError> {
        match self {
            Self::OutTradeNo(number) => params.insert("out_trade_no", number.as_str()),
            Self::TransactionId(number) => params.insert("transaction_id", number.as_str()),
        }
    }

    /// With both numbers there, `transaction_id` wins, as at the gateway.
    fn take(fields: Fields<'_>, _field: &'static str) -> Result<Self, FieldError> {
        Ok(match fields.optional_text("transaction_id")? {
            Some(number) => Self::TransactionId(number),
            None => Self::OutTradeNo(fields.text("out_trade_no")?),
        })
    }
}

impl OrderQuery {
    /// Reads the request back from its fields: the gateway's side. Verify them first. With both numbers there,
    /// `transaction_id` wins.
    ///
    /// # Errors
    /// [`FieldError`] when there is no number, or a text that is none.
    pub fn from_params(params: &Params<'_>) -> Result<Self, FieldError> {
        let by = OrderRef::take(Fields(params), "out_trade_no")?;
        Ok(Self { by })
    }
}

impl Endpoint for OrderQuery {
    const NAME: &'static str = "orderquery";
    const PATH: &'static str = "/pay/orderquery";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::Safe;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = SignType;
    type Response = OrderQueryResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.by.put(params, "out_trade_no")?;
        Ok(())
    }

    fn read(answer: &Answer<'_>) -> Result<OrderQueryResponse, FieldError> {
        let fields = answer.fields();
        let trade_state = TradeState::from(fields.required("trade_state")?);
        let payment = match trade_state {
            TradeState::Success | TradeState::Refund => Some(Payment::read(fields)?),
            // A reversed order may or may not have been paid before.
            TradeState::Revoked if fields.optional("time_end").is_some() => {
                Some(Payment::read(fields)?)
            }
            _ => None,
        };
        Ok(OrderQueryResponse {
            trade_state,
            trade_state_desc: fields.optional("trade_state_desc").map(ToOwned::to_owned),
            out_trade_no: fields.optional_text("out_trade_no")?,
            payment,
        })
    }

    fn advice(code: &ErrorCode) -> Option<Advice> {
        (*code == ErrorCode::OrderNotExist).then_some(Advice::SendOriginal)
    }
}

/// The answer of `/pay/orderquery`, verified. The order is paid only when there is a `payment`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderQueryResponse {
    /// The state of the order.
    pub trade_state: TradeState,
    /// The state in words, for people.
    pub trade_state_desc: Option<String>,
    /// The merchant's number.
    pub out_trade_no: Option<OutTradeNo>,
    /// The payment: always there in the states SUCCESS and REFUND, perhaps in REVOKED, and in no other.
    pub payment: Option<Payment>,
}

/// The state of an order at the gateway: the field `trade_state`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TradeState {
    /// Not paid yet.
    NotPay,
    /// The payer is typing the password.
    UserPaying,
    /// Paid.
    Success,
    /// Paid, and at least one refund was begun; it says nothing of how that ended.
    Refund,
    /// Closed or expired.
    Closed,
    /// Reversed.
    Revoked,
    /// The payment failed; the number cannot be used again.
    PayError,
    /// Accepted, to be paid later.
    Accept,
    /// A state that this crate has no name for. It is not final, and not paid.
    Other(Box<str>),
}

impl TradeState {
    /// The text on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::NotPay => "NOTPAY",
            Self::UserPaying => "USERPAYING",
            Self::Success => "SUCCESS",
            Self::Refund => "REFUND",
            Self::Closed => "CLOSED",
            Self::Revoked => "REVOKED",
            Self::PayError => "PAYERROR",
            Self::Accept => "ACCEPT",
            Self::Other(text) => text,
        }
    }
}

impl From<&str> for TradeState {
    fn from(text: &str) -> Self {
        match text {
            "NOTPAY" => Self::NotPay,
            "USERPAYING" => Self::UserPaying,
            "SUCCESS" => Self::Success,
            "REFUND" => Self::Refund,
            "CLOSED" => Self::Closed,
            "REVOKED" => Self::Revoked,
            "PAYERROR" => Self::PayError,
            "ACCEPT" => Self::Accept,
            other => Self::Other(other.into()),
        }
    }
}

impl fmt::Display for TradeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Plain for TradeState {
    fn to_field(&self) -> Cow<'_, str> {
        self.as_str().into()
    }

    fn from_field(text: &str, _field: &'static str) -> Result<Self, FieldError> {
        Ok(text.into())
    }
}
