//! The codes of refusals.

use alloc::boxed::Box;
use core::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A code in the field `err_code`. The list is open: the gateway has codes that no page names, numbers among them.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
            /// A code that this crate has no name for.
            Other(Box<str>),
        }

        impl ErrorCode {
            /// The code as it stands on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(code) => code,
                }
            }
        }

        impl From<&str> for ErrorCode {
            fn from(code: &str) -> Self {
                match code {
                    $($text => Self::$name,)*
                    other => Self::Other(other.into()),
                }
            }
        }
    };
}

codes! {
    /// The order is paid: query it.
    OrderPaid = "ORDERPAID",
    /// The order is closed; a new number is needed to pay. To a close request this is success.
    OrderClosed = "ORDERCLOSED",
    /// The number was used with other parameters: query it before another number is taken.
    OutTradeNoUsed = "OUT_TRADE_NO_USED",
    /// The gateway knows no such order; after a time-out it may mean that the request never arrived.
    OrderNotExist = "ORDERNOTEXIST",
    /// The order's state does not allow it: query it.
    TradeStateError = "TRADE_STATE_ERROR",
    /// The payer's balance is too low.
    NotEnough = "NOTENOUGH",
    /// An error or a time-out inside the gateway: send the same parameters again.
    SystemError = "SYSTEMERROR",
    /// Too many requests: wait, then send the same parameters again.
    FrequencyLimited = "FREQUENCY_LIMITED",
    /// A rule is broken; often the number was used with other parameters.
    InvalidRequest = "INVALID_REQUEST",
    /// The sign of the request is wrong.
    SignError = "SIGNERROR",
    /// The request's XML is malformed.
    XmlFormatError = "XML_FORMAT_ERROR",
    /// The request was not a POST.
    RequirePostMethod = "REQUIRE_POST_METHOD",
    /// The request had no body.
    PostDataEmpty = "POST_DATA_EMPTY",
    /// A field is missing.
    LackParams = "LACK_PARAMS",
    /// The request was not UTF-8.
    NotUtf8 = "NOT_UTF8",
    /// A field has a bad value.
    ParamError = "PARAM_ERROR",
    /// The gateway does not know the `appid`.
    AppIdNotExist = "APPID_NOT_EXIST",
    /// The gateway does not know the `mch_id`.
    MchIdNotExist = "MCHID_NOT_EXIST",
    /// The `appid` is not bound to the `mch_id`.
    AppIdMchIdNotMatch = "APPID_MCHID_NOT_MATCH",
    /// The merchant may not use this product.
    NoAuth = "NOAUTH",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
