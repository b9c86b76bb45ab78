//! `profitsharingreturnquery`: ask the gateway how a return of a profit sharing went.

use super::{
    Answer, AnswerKind, Endpoint, FieldError, OnlyHmacSha256, ProfitSharingReturnResponse, Repeat,
    RequestError, ResultCode, SharingRef, SubMerchantFields, message::message,
};
use crate::{Params, text::OutReturnNo};

message! {
    #[doc = include_str!("pages/profitsharingreturnquery.md")]
    request ProfitSharingReturnQuery {
        /// Which sharing.
        sharing: SharingRef,
        /// The merchant's number of the return.
        out_return_no: OutReturnNo,
    }
}

impl Endpoint for ProfitSharingReturnQuery {
    const NAME: &'static str = "profitsharingreturnquery";
    const PATH: &'static str = "/pay/profitsharingreturnquery";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::Safe;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    const RESULT_CODE: ResultCode = ResultCode::MayBeAbsent;
    type Sign = OnlyHmacSha256;
    type Response = ProfitSharingReturnResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<ProfitSharingReturnResponse, FieldError> {
        ProfitSharingReturnResponse::take(answer.fields())
    }
}
