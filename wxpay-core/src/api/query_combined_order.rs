//! `querycombinedorder`: ask the gateway what became of a combined order.

use alloc::string::String;

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Naming, OnlyHmacSha256, Repeat, RequestError,
    TradeState, message::message,
};
use crate::{
    OpenId, Params,
    text::{CombineOutTradeNo, DeviceInfo},
};

message! {
    /// A request to `/pay/querycombinedorder`.
    request QueryCombinedOrder {
        /// Which combined order.
        combine_out_trade_no: CombineOutTradeNo,
    }
}

impl Endpoint for QueryCombinedOrder {
    const NAME: &'static str = "querycombinedorder";
    const PATH: &'static str = "/pay/querycombinedorder";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::Safe;
    const NAMING: Naming = Naming::COMBINE;
    type Sign = OnlyHmacSha256;
    type Response = QueryCombinedOrderResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<QueryCombinedOrderResponse, FieldError> {
        QueryCombinedOrderResponse::take(answer.fields())
    }
}

message! {
    /// The answer of `/pay/querycombinedorder`, verified.
    answer QueryCombinedOrderResponse {
        /// The merchant's number of the whole.
        combine_out_trade_no: CombineOutTradeNo,
        /// The orders, as JSON text: each with its `mchid`, `out_trade_no`, `transaction_id` and `amount`.
        sub_order_list: String,
        ;
        /// The state of the whole.
        trade_state: TradeState,
        /// The state in words, for people.
        trade_state_desc: String,
        /// The payer.
        combine_openid: OpenId,
        /// The terminal or the shop.
        device_info: DeviceInfo,
    }
}
