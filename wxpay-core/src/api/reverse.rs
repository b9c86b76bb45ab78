//! `reverse`: undo a micropay, whatever became of it.

use super::{
    Answer, AnswerKind, Class, Endpoint, ErrorCode, FieldError, OrderRef, Repeat, RequestError,
    SubMerchantFields, message::message,
};
use crate::{Params, SignType};

message! {
    #[doc = include_str!("pages/reverse.md")]
    request Reverse {
        /// Which order.
        by: OrderRef,
    }
}

impl Endpoint for Reverse {
    const NAME: &'static str = "reverse";
    const PATH: &'static str = "/secapi/pay/reverse";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::SameNumber;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = SignType;
    type Response = ReverseResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<ReverseResponse, FieldError> {
        ReverseResponse::take(answer.fields())
    }

    fn class(code: &ErrorCode) -> Class {
        match code {
            ErrorCode::InvalidTransactionId | ErrorCode::TradeError | ErrorCode::InvalidRequest => {
                Class::QueryFirst
            }
            code => code.class(),
        }
    }
}

message! {
    /// The answer of `/secapi/pay/reverse`, verified.
    answer ReverseResponse {
        /// Whether the request is to be sent again: it is not done yet.
        recall: bool,
    }
}
