//! `shorturl`: a shorter address for the QR code of native mode 1.

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Repeat, RequestError, SubMerchantFields,
    message::message,
};
use crate::{
    Params, SignType,
    text::{LongUrl, ShortUrl},
};

message! {
    #[doc = include_str!("pages/shorturl.md")]
    request ShortenUrl {
        /// The address, as it is signed: without URL encoding.
        long_url: LongUrl,
    }
}

impl Endpoint for ShortenUrl {
    const NAME: &'static str = "shorturl";
    const PATH: &'static str = "/tools/shorturl";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::Safe;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = SignType;
    type Response = ShortenUrlResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<ShortenUrlResponse, FieldError> {
        ShortenUrlResponse::take(answer.fields())
    }
}

message! {
    /// The answer of `/tools/shorturl`, verified.
    answer ShortenUrlResponse {
        /// The short address.
        short_url: ShortUrl,
    }
}
