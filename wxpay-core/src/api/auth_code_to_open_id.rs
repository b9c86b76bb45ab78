//! `authcodetoopenid`: who shows this barcode?

use super::{
    Answer, AnswerKind, Endpoint, FieldError, OnlyMd5, Repeat, RequestError, SubMerchantFields,
    message::message,
};
use crate::{OpenId, Params, text::AuthCode};

message! {
    #[doc = include_str!("pages/authcodetoopenid.md")]
    request AuthCodeToOpenId {
        /// What the payer's barcode holds.
        auth_code: AuthCode,
    }
}

impl Endpoint for AuthCodeToOpenId {
    const NAME: &'static str = "authcodetoopenid";
    const PATH: &'static str = "/tools/authcodetoopenid";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::Safe;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = OnlyMd5;
    type Response = AuthCodeToOpenIdResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<AuthCodeToOpenIdResponse, FieldError> {
        AuthCodeToOpenIdResponse::take(answer.fields())
    }
}

message! {
    /// The answer of `/tools/authcodetoopenid`, verified.
    answer AuthCodeToOpenIdResponse {
        /// The payer's id under the account's `appid`.
        openid: OpenId,
        ;
        /// The payer's id under the `sub_appid`.
        sub_openid: OpenId,
    }
}
