//! `closecombinedorder`: make sure that an unpaid combined order can no longer be paid.

use super::{
    Answer, AnswerKind, Class, Endpoint, ErrorCode, FieldError, Naming, OnlyHmacSha256, Repeat,
    RequestError, close_order::class_of_a_close, message::message,
};
use crate::{
    MchId, OutTradeNo, Params, TextError,
    json::Json,
    text::{CombineOutTradeNo, SubOrderList},
};

message! {
    #[doc = include_str!("pages/closecombinedorder.md")]
    request CloseCombinedOrder {
        /// Which combined order.
        combine_out_trade_no: CombineOutTradeNo,
        /// Its orders; see [`SubOrderList::to_close`].
        sub_order_list: SubOrderList,
    }
}

impl SubOrderList {
    /// The orders to close, each by its merchant and that merchant's number, as the field's JSON text.
    ///
    /// # Errors
    /// [`TextError`] when the text is longer than the field.
    pub fn to_close(orders: &[(MchId, OutTradeNo)]) -> Result<Self, TextError> {
        let mut json = Json::default();
        json.open('[');
        for (mch_id, out_trade_no) in orders {
            json.open('{')
                .text("mch_id", mch_id.as_str())
                .text("out_trade_no", out_trade_no.as_str())
                .close('}');
        }
        json.close(']').as_str().parse()
    }
}

impl Endpoint for CloseCombinedOrder {
    const NAME: &'static str = "closecombinedorder";
    const PATH: &'static str = "/pay/closecombinedorder";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::Safe;
    const NAMING: Naming = Naming::COMBINE;
    type Sign = OnlyHmacSha256;
    type Response = CloseCombinedOrderResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(_answer: &Answer<'_>) -> Result<CloseCombinedOrderResponse, FieldError> {
        Ok(CloseCombinedOrderResponse {})
    }

    fn class(code: &ErrorCode) -> Class {
        class_of_a_close(code)
    }
}

/// The answer of `/pay/closecombinedorder`, verified: the orders are closed. It says nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseCombinedOrderResponse {}
