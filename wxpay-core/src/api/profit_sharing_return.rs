//! `profitsharingreturn`: take a part back from a merchant who got it.

use alloc::string::String;

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Fields, OnlyHmacSha256, Repeat, RequestError,
    ResultCode, SubMerchantFields,
    message::{Value, message, open_enum},
    request::at_least_a_fen,
};
use crate::{
    BeijingTime, Fen, InsertError, Params,
    text::{OutOrderNo, OutReturnNo, ReturnAccount, SharingDescription, SharingOrderId},
};

message! {
    #[doc = include_str!("pages/profitsharingreturn.md")]
    request ProfitSharingReturn {
        /// Which sharing.
        sharing: SharingRef,
        /// The merchant's number of the return, which keeps it one.
        out_return_no: OutReturnNo,
        /// The merchant who gives back.
        return_account: ReturnAccount,
        /// How much, at least one fen.
        return_amount: Fen,
        /// What for.
        description: SharingDescription,
    }
}

/// A profit sharing, by either of its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SharingRef {
    /// The gateway's number.
    OrderId(SharingOrderId),
    /// The merchant's number.
    OutOrderNo(OutOrderNo),
}

impl Value for SharingRef {
    fn put<'a>(&'a self, params: &mut Params<'a>, _field: &'static str) -> Result<(), InsertError> {
        match self {
            Self::OrderId(number) => number.put(params, "order_id"),
            Self::OutOrderNo(number) => number.put(params, "out_order_no"),
        }
    }

    fn take(fields: Fields<'_>, _field: &'static str) -> Result<Self, FieldError> {
        Ok(match fields.optional_text("order_id")? {
            Some(number) => Self::OrderId(number),
            None => Self::OutOrderNo(fields.text("out_order_no")?),
        })
    }
}

impl Endpoint for ProfitSharingReturn {
    const NAME: &'static str = "profitsharingreturn";
    const PATH: &'static str = "/secapi/pay/profitsharingreturn";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::SameNumber;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    const RESULT_CODE: ResultCode = ResultCode::MayBeAbsent;
    type Sign = OnlyHmacSha256;
    type Response = ProfitSharingReturnResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        at_least_a_fen(self.return_amount, "return_amount")?;
        params.insert("return_account_type", "MERCHANT_ID")?;
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<ProfitSharingReturnResponse, FieldError> {
        ProfitSharingReturnResponse::take(answer.fields())
    }
}

message! {
    /// The answer of `/secapi/pay/profitsharingreturn`, verified.
    answer ProfitSharingReturnResponse {
        /// The merchant's number of the return.
        out_return_no: OutReturnNo,
        /// What came of it.
        result: ReturnResult,
        ;
        /// The gateway's number of the sharing.
        order_id: SharingOrderId,
        /// The merchant's number of the sharing.
        out_order_no: OutOrderNo,
        /// The gateway's number of the return.
        return_no: String,
        /// The merchant who gives back.
        return_account: ReturnAccount,
        /// How much.
        return_amount: Fen,
        /// Why it failed.
        fail_reason: String,
        /// When it was done.
        finish_time: BeijingTime,
    }
}

open_enum! {
    /// What came of a return.
    ReturnResult {
        /// It is on its way.
        Processing = "PROCESSING",
        /// The money is back.
        Success = "SUCCESS",
        /// It failed.
        Failed = "FAILED",
    }
}
