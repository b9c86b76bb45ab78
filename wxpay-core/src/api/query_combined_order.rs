//! `querycombinedorder`: ask the gateway what became of a combined order.

use alloc::{string::String, vec::Vec};

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Naming, OnlyHmacSha256, Repeat, RequestError,
    TradeState, message::message, read_orders,
};
use crate::{
    Attach, FeeType, Fen, MchId, OpenId, OutTradeNo, Params, TransactionId,
    text::{CombineOutTradeNo, DeviceInfo},
};

message! {
    #[doc = include_str!("pages/querycombinedorder.md")]
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
        /// The orders, as JSON text.
        /// [`QueryCombinedOrderResponse::sub_orders`] reads it.
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

/// One order of a combined order, as a query says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueriedSubOrder {
    /// The merchant who is paid; the pages write it `mchid` and `mch_id`.
    pub mch_id: MchId,
    /// That merchant's number of the order.
    pub out_trade_no: OutTradeNo,
    /// The gateway's number of the payment, once there is one.
    pub transaction_id: Option<TransactionId>,
    /// The amount, in fen: `total_fee`, or `total_amount` in the part `amount`.
    pub total_fee: Fen,
    /// The currency; CNY when the answer names none.
    pub fee_type: FeeType,
    /// The merchant's own text.
    pub attach: Option<Attach>,
}

impl QueryCombinedOrderResponse {
    /// The orders of the list.
    ///
    /// ```
    /// use wxpay_core::api::{FieldError, QueryCombinedOrderResponse, TradeState};
    ///
    /// /// What was paid in all, in fen.
    /// fn paid_fen(said: &QueryCombinedOrderResponse) -> Result<u64, FieldError> {
    ///     if said.trade_state != Some(TradeState::Success) {
    ///         return Ok(0);
    ///     }
    ///     Ok(said.sub_orders()?.iter().map(|order| order.total_fee.get()).sum())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`FieldError`] when the text is no such list.
    pub fn sub_orders(&self) -> Result<Vec<QueriedSubOrder>, FieldError> {
        read_orders(&self.sub_order_list, |order| {
            let amount = order.part("amount");
            let total_fee = match amount {
                Some(amount) => amount.required("total_amount")?,
                None => order.required("total_fee")?,
            };
            let fee_type = match amount {
                Some(amount) => amount.optional("currency")?,
                None => order.optional("fee_type")?,
            };
            Ok(QueriedSubOrder {
                mch_id: match order.optional("mch_id")? {
                    Some(mch_id) => mch_id,
                    None => order.required("mchid")?,
                },
                out_trade_no: order.required("out_trade_no")?,
                transaction_id: order.optional("transaction_id")?,
                total_fee,
                fee_type: fee_type.unwrap_or_else(FeeType::cny),
                attach: order.informs("attach"),
            })
        })
    }
}
