//! `closeorder`: make sure that an unpaid order can no longer be paid.

use super::{
    Answer, AnswerKind, Class, Endpoint, ErrorCode, FieldError, Fields, Repeat, RequestError,
    SubMerchantFields,
};
use crate::{OutTradeNo, Params, SignType};

#[doc = include_str!("pages/closeorder.md")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseOrder {
    /// Which order.
    pub out_trade_no: OutTradeNo,
}

impl CloseOrder {
    /// Reads the request back from its fields: the gateway's side. Verify them first.
    ///
    /// # Errors
    /// [`FieldError`] when there is no number, or a text that is none.
    pub fn from_params(params: &Params<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            out_trade_no: Fields(params).text("out_trade_no")?,
        })
    }
}

impl Endpoint for CloseOrder {
    const NAME: &'static str = "closeorder";
    const PATH: &'static str = "/pay/closeorder";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::Safe;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = SignType;
    type Response = CloseOrderResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        params.insert("out_trade_no", self.out_trade_no.as_str())?;
        Ok(())
    }

    fn read(_answer: &Answer<'_>) -> Result<CloseOrderResponse, FieldError> {
        Ok(CloseOrderResponse {})
    }

    fn class(code: &ErrorCode) -> Class {
        class_of_a_close(code)
    }
}

/// To a close, there being nothing left to close is success.
pub(super) fn class_of_a_close(code: &ErrorCode) -> Class {
    match code {
        ErrorCode::OrderClosed | ErrorCode::OrderNotExist => Class::Done,
        code => code.class(),
    }
}

/// The answer of `/pay/closeorder`, verified: the order is closed. It says nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseOrderResponse {}
