//! `profitsharingfinish`: free what is left of a payment.

use super::{
    Answer, AnswerKind, Endpoint, FieldError, OnlyHmacSha256, Repeat, RequestError,
    SubMerchantFields, message::message,
};
use crate::{
    Params, TransactionId,
    text::{OutOrderNo, SharingDescription, SharingOrderId},
};

message! {
    #[doc = include_str!("pages/profitsharingfinish.md")]
    request ProfitSharingFinish {
        /// The gateway's number of the payment.
        transaction_id: TransactionId,
        /// The merchant's number of the finish, which keeps it one.
        out_order_no: OutOrderNo,
        /// What for.
        description: SharingDescription,
    }
}

impl Endpoint for ProfitSharingFinish {
    const NAME: &'static str = "profitsharingfinish";
    const PATH: &'static str = "/secapi/pay/profitsharingfinish";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::SameNumber;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::MchIdOnly;
    type Sign = OnlyHmacSha256;
    type Response = ProfitSharingFinishResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<ProfitSharingFinishResponse, FieldError> {
        ProfitSharingFinishResponse::take(answer.fields())
    }
}

message! {
    /// The answer of `/secapi/pay/profitsharingfinish`, verified.
    answer ProfitSharingFinishResponse {
        /// The gateway's number of the payment.
        transaction_id: TransactionId,
        /// The merchant's number of the finish.
        out_order_no: OutOrderNo,
        /// The gateway's number of the finish.
        order_id: SharingOrderId,
    }
}
