//! Why bytes are not a notify to act on.

use super::NotifyReply;
use crate::{VerifyError, XmlError, api::FieldError};

/// Why bytes are not a verified notify.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// The bytes are no message of the API.
    #[error("the notify is no message: {0}")]
    Xml(#[from] XmlError),
    /// It has neither `out_trade_no`, `combine_out_trade_no` nor `req_info`: it is a notify of no kind.
    #[error(
        "the notify is of neither kind: it has no out_trade_no, no combine_out_trade_no and no req_info"
    )]
    NeitherKind,
    /// It has the fields of two kinds, such as `req_info` beside those of a payment; the gateway sends no such message.
    #[error("the notify is of two kinds: it has fields that never stand together")]
    BothKinds,
    /// The caller knows no such order or no such account.
    #[error("the notify is for an order or an account that is not known here")]
    Unknown,
    /// The sign does not hold: it may be a forger's.
    #[error("the notify is not proven to be the gateway's: {0}")]
    Verify(VerifyError),
    /// `req_info` does not open with any of the keys.
    ///
    /// A wrong key, base64 that is none, cut blocks, wrong padding and a text that is no XML are one and the same here:
    /// whoever could tell them apart from outside could decrypt block by block.
    #[error("req_info does not decrypt to a refund with any of the account's keys")]
    Decrypt,
    /// The gateway signed it, but it does not report success.
    #[error("the notify's {field} is not SUCCESS")]
    NotSuccess {
        /// `return_code` or `result_code`.
        field: &'static str,
    },
    /// It is for another account.
    #[error("the notify's {field} is not the account's")]
    Foreign {
        /// The field's name on the wire.
        field: &'static str,
    },
    /// A field is missing or is not what it should be.
    #[error("the notify cannot be read: {0}")]
    Field(#[from] FieldError),
}

impl NotifyError {
    /// The reply to send. It says no more than whether the message could be read: the reason is for the merchant's log,
    /// not for a stranger who tries bytes.
    #[must_use]
    pub const fn reply(&self) -> NotifyReply<'static> {
        NotifyReply::Fail(match self {
            Self::Xml(_) | Self::NeitherKind | Self::BothKinds => "not a notify",
            _ => "not accepted",
        })
    }
}
