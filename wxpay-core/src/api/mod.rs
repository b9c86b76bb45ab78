//! The endpoints: one file each, request and response side by side.
//!
//! Nothing here sends. [`prepare`] turns a request into the bytes to post, [`parse`] turns the bytes that came back into
//! a typed answer or the reason why there is none. Whatever carries the bytes in between is the caller's choice; the
//! feature `client` has one.
//!
//! | endpoint | request | answer |
//! |---|---|---|
//! | `/pay/unifiedorder` | [`UnifiedOrder`] | [`UnifiedOrderResponse`] |
//! | `/pay/orderquery` | [`OrderQuery`] | [`OrderQueryResponse`] |
//! | `/pay/closeorder` | [`CloseOrder`] | [`CloseOrderResponse`] |

mod answer;
mod close_order;
mod error_code;
mod field;
mod order_query;
mod payment;
mod request;
mod unified_order;

pub use answer::{Answer, AnswerError, parse};
pub use close_order::{CloseOrder, CloseOrderResponse};
pub use error_code::ErrorCode;
pub use field::FieldError;
pub(crate) use field::Fields;
pub use order_query::{OrderQuery, OrderQueryResponse, OrderRef, TradeState};
pub use payment::{Payment, TradeType};
pub use request::{Prepared, RequestError, prepare};
pub use unified_order::{Trade, UnifiedOrder, UnifiedOrderResponse};

use crate::Params;

/// One endpoint of the API; a request is a value of the type that implements it.
///
/// An embedder can implement it for an endpoint that this crate does not have. `read` gets an [`Answer`], which only
/// [`parse`] makes, so no implementation can be asked for a typed answer that was not verified.
pub trait Endpoint {
    /// The endpoint's name, for logs.
    const NAME: &'static str;
    /// The path, with a slash in front.
    const PATH: &'static str;
    /// Whether the gateway demands the merchant's client certificate.
    const NEEDS_CERT: bool;
    /// What the answer proves.
    const ANSWER: AnswerKind;
    /// The typed answer.
    type Response;

    /// Appends the business fields: all but `appid`, `mch_id`, `nonce_str`, `sign_type` and `sign`.
    ///
    /// # Errors
    /// [`RequestError`] when fields contradict one another or the rules of the endpoint.
    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError>;

    /// Reads the business fields of a successful answer.
    ///
    /// # Errors
    /// [`FieldError`] when a field is missing or is not what the endpoint promises.
    fn read(answer: &Answer<'_>) -> Result<Self::Response, FieldError>;
}

/// What an endpoint's answer is, and what it proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerKind {
    /// Fields with a sign: proof of what they say. [`parse`] reads these.
    Signed,
    /// Fields without a sign: proof of nothing.
    Unsigned,
    /// A text, such as a bill; fields only when it is refused.
    Text,
}
