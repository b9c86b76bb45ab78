//! What every endpoint says of itself.

use super::{Advice, Answer, Class, ErrorCode, FieldError, RequestError, SignChoice};
use crate::Params;

/// One endpoint of the API; a request is a value of the type that implements it.
///
/// An embedder can implement it for an endpoint that this crate does not have. `read` gets an [`Answer`], which only
/// [`parse`](super::parse) and its sisters make: what was not verified leaves them as [`Unsigned`](super::Unsigned) only.
pub trait Endpoint {
    /// The endpoint's name, for logs.
    const NAME: &'static str;
    /// The path, with a slash in front.
    const PATH: &'static str;
    /// The host that has it, where that is none of the gateway's own two.
    const HOST: Option<&'static str> = None;
    /// Whether the gateway demands the merchant's client certificate.
    const NEEDS_CERT: bool;
    /// What the answer proves.
    const ANSWER: AnswerKind;
    /// What a repeat of a request does whose outcome is not known.
    const REPEAT: Repeat = Repeat::QueryFirst;
    /// The names under which the account stands in request and answer.
    const NAMING: Naming = Naming::ORDINARY;
    /// Whether a service provider's request names the merchant that it is for.
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Absent;
    /// Whether a signed answer says `result_code`.
    const RESULT_CODE: ResultCode = ResultCode::Demanded;
    /// The sign types that the endpoint takes.
    type Sign: SignChoice;
    /// The typed answer; `()` for an endpoint that answers with a text.
    type Response;

    /// Appends the business fields: all but the account's, `nonce_str`, `sign_type` and `sign`.
    ///
    /// # Errors
    /// [`RequestError`] when fields contradict one another or the rules of the endpoint.
    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError>;

    /// Reads the business fields of a successful answer.
    ///
    /// # Errors
    /// [`FieldError`] when a field is missing or is not what the endpoint promises.
    fn read(answer: &Answer<'_>) -> Result<Self::Response, FieldError>;

    /// What a code means at this endpoint, where it differs from [`ErrorCode::class`].
    #[must_use]
    fn class(code: &ErrorCode) -> Class {
        code.class()
    }

    /// What to do about a proven code, where its class does not say it all.
    #[must_use]
    fn advice(_code: &ErrorCode) -> Option<Advice> {
        None
    }
}

/// Whether a signed answer must say `result_code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResultCode {
    /// It must: an answer without it is no answer.
    Demanded,
    /// It may be absent, and a field of the answer's own says what came of the request.
    MayBeAbsent,
}

/// What an endpoint's answer is, and what it proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerKind {
    /// Fields with a sign: proof of what they say. [`parse`](super::parse) reads these.
    Signed,
    /// Fields without a sign: proof of nothing. [`parse_unsigned`](super::parse_unsigned) reads these.
    Unsigned,
    /// A text, such as a bill; fields only when it is refused. [`parse_text`](super::parse_text) reads these.
    Text,
}

/// What sending a request a second time does, with the same business parameters and a new `nonce_str` and `sign`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing, as a query or a close.
    Safe,
    /// The merchant's number in it keeps the effect one, as long as every business parameter is the same.
    SameNumber,
    /// It may have a second effect or be refused: query first.
    QueryFirst,
}

/// The names of the account's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Naming {
    /// The field of the `appid`; nothing when the endpoint has none.
    pub appid: Option<&'static str>,
    /// The field of the `mch_id`.
    pub mch_id: &'static str,
}

impl Naming {
    /// `appid` and `mch_id`, as nearly everywhere.
    pub const ORDINARY: Self = Self {
        appid: Some("appid"),
        mch_id: "mch_id",
    };
    /// `mch_id` alone.
    pub const MCH_ID: Self = Self {
        appid: None,
        mch_id: "mch_id",
    };
    /// `combine_appid` and `combine_mch_id`, of combined orders.
    pub const COMBINE: Self = Self {
        appid: Some("combine_appid"),
        mch_id: "combine_mch_id",
    };
    /// `mch_appid` and `mchid`, of transfers.
    pub const TRANSFER: Self = Self {
        appid: Some("mch_appid"),
        mch_id: "mchid",
    };
    /// `wxappid` and `mch_id`, of red packets.
    pub const RED_PACK: Self = Self {
        appid: Some("wxappid"),
        mch_id: "mch_id",
    };
}

/// What an endpoint takes from an account with a [`SubMerchant`](crate::SubMerchant).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubMerchantFields {
    /// `sub_mch_id`, and `sub_appid` when there is one.
    Both,
    /// `sub_mch_id` alone.
    MchIdOnly,
    /// Neither: a request of such an account is refused, since it would concern the provider itself.
    Absent,
}
