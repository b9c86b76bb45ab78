//! `profitsharingquery`: ask the gateway how a profit sharing went.

use alloc::string::String;

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Naming, OnlyHmacSha256, Repeat, RequestError,
    SharingStatus, SubMerchantFields, message::message,
};
use crate::{
    Fen, Params, TransactionId,
    text::{OutOrderNo, SharingOrderId},
};

message! {
    #[doc = include_str!("pages/profitsharingquery.md")]
    request ProfitSharingQuery {
        /// The gateway's number of the payment.
        transaction_id: TransactionId,
        /// The merchant's number of the sharing.
        out_order_no: OutOrderNo,
    }
}

impl Endpoint for ProfitSharingQuery {
    const NAME: &'static str = "profitsharingquery";
    const PATH: &'static str = "/pay/profitsharingquery";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::Safe;
    const NAMING: Naming = Naming::MCH_ID;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::MchIdOnly;
    type Sign = OnlyHmacSha256;
    type Response = ProfitSharingQueryResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<ProfitSharingQueryResponse, FieldError> {
        ProfitSharingQueryResponse::take(answer.fields())
    }
}

message! {
    /// The answer of `/pay/profitsharingquery`, verified.
    answer ProfitSharingQueryResponse {
        /// The gateway's number of the payment.
        transaction_id: TransactionId,
        /// The merchant's number of the sharing.
        out_order_no: OutOrderNo,
        /// The gateway's number of the sharing.
        order_id: SharingOrderId,
        /// How far it is.
        status: SharingStatus,
        ;
        /// The parts, as JSON text; [`ProfitSharingQueryResponse::parts`] reads it.
        receivers: String,
        /// What a finish freed.
        amount: Fen,
        /// What the finish said.
        description: String,
    }
}
