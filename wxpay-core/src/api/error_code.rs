//! The codes of refusals.

use alloc::boxed::Box;
use core::fmt;

use super::Class;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal is $class:ident,)*) => {
        /// A code in the field `err_code`. The list is open: the gateway has codes that no page names, numbers among them.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
            /// A code that this crate has no name for.
            Other(Box<str>),
        }

        impl ErrorCode {
            /// Every code that has a name here.
            pub const NAMED: &'static [Self] = &[$(Self::$name,)*];

            /// The code as it stands on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(code) => code,
                }
            }

            /// What the code means at most endpoints; [`Endpoint::class`](super::Endpoint::class) knows each one's own.
            ///
            /// A code without a name leaves the outcome unknown.
            #[must_use]
            pub const fn class(&self) -> Class {
                match self {
                    $(Self::$name => Class::$class,)*
                    Self::Other(_) => Class::QueryFirst,
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
    OrderPaid = "ORDERPAID" is Final,
    /// The order is closed; a new number is needed to pay. To a close request this is success.
    OrderClosed = "ORDERCLOSED" is Final,
    /// The number was used with other parameters: query it before another number is taken.
    OutTradeNoUsed = "OUT_TRADE_NO_USED" is QueryFirst,
    /// The gateway knows no such order; after a time-out it may mean that the request never arrived.
    OrderNotExist = "ORDERNOTEXIST" is Final,
    /// The order's state does not allow it: query it.
    TradeStateError = "TRADE_STATE_ERROR" is QueryFirst,
    /// The balance is too low: the payer's, or to a refund the merchant's.
    NotEnough = "NOTENOUGH" is Final,
    /// An error or a time-out inside the gateway: send the same parameters again, except to micropay.
    SystemError = "SYSTEMERROR" is RetrySame,
    /// Too many requests: wait, then send the same parameters again.
    FrequencyLimited = "FREQUENCY_LIMITED" is RetrySame,
    /// A rule is broken; often the number was used with other parameters.
    InvalidRequest = "INVALID_REQUEST" is Caller,
    /// The sign of the request is wrong.
    SignError = "SIGNERROR" is Caller,
    /// The same, from transfers and red packets.
    MarketingSignError = "SIGN_ERROR" is Caller,
    /// The request's XML is malformed.
    XmlFormatError = "XML_FORMAT_ERROR" is Caller,
    /// The same, elsewhere.
    XmlError = "XML_ERROR" is Caller,
    /// The same, elsewhere.
    ReqParamXmlErr = "REQ_PARAM_XML_ERR" is Caller,
    /// The request was not a POST.
    RequirePostMethod = "REQUIRE_POST_METHOD" is Caller,
    /// The request had no body.
    PostDataEmpty = "POST_DATA_EMPTY" is Caller,
    /// A field is missing.
    LackParams = "LACK_PARAMS" is Caller,
    /// The request was not UTF-8.
    NotUtf8 = "NOT_UTF8" is Caller,
    /// The same, from transfers.
    ParamIsNotUtf8 = "PARAM_IS_NOT_UTF8" is Caller,
    /// A field has a bad value.
    ParamError = "PARAM_ERROR" is Caller,
    /// The gateway does not know the `appid`.
    AppIdNotExist = "APPID_NOT_EXIST" is Caller,
    /// The gateway does not know the `mch_id`.
    MchIdNotExist = "MCHID_NOT_EXIST" is Caller,
    /// The `appid` is not bound to the `mch_id`.
    AppIdMchIdNotMatch = "APPID_MCHID_NOT_MATCH" is Caller,
    /// The merchant may not use this product.
    NoAuth = "NOAUTH" is Caller,
    /// The same, from transfers and red packets.
    MarketingNoAuth = "NO_AUTH" is Caller,
    /// The client certificate is missing or wrong.
    CaError = "CA_ERROR" is Caller,
    /// The client certificate is missing or wrong.
    CaVerifyFailed = "CA_VERIFY_FAILED" is Caller,
    /// The payer is typing the password: query until it is decided, then reverse.
    UserPaying = "USERPAYING" is QueryFirst,
    /// An error at the bank: query.
    BankError = "BANKERROR" is QueryFirst,
    /// The payer's barcode has expired: scan a new one.
    AuthCodeExpire = "AUTHCODEEXPIRE" is Final,
    /// The payer's barcode is wrong: scan it again.
    AuthCodeError = "AUTH_CODE_ERROR" is Final,
    /// The barcode is not one to pay with.
    AuthCodeInvalid = "AUTH_CODE_INVALID" is Final,
    /// The card is not taken; the code is spelt so.
    NotSupportCard = "NOTSUPORTCARD" is Final,
    /// The order was reversed: another number is needed.
    OrderReversed = "ORDERREVERSED" is Final,
    /// Another payer tries to pay the same number.
    BuyerMismatch = "BUYER_MISMATCH" is Final,
    /// The trade is refused; the description says why.
    TradeError = "TRADE_ERROR" is Final,
    /// The payment is older than seven days and can only be refunded.
    ReverseExpire = "REVERSE_EXPIRE" is Final,
    /// The gateway's number of the payment is wrong.
    InvalidTransactionId = "INVALID_TRANSACTIONID" is Caller,
    /// Two requests for one order met: send the same refund again.
    BizErrNeedRetry = "BIZERR_NEED_RETRY" is RetrySame,
    /// The payment is older than a year.
    TradeOverdue = "TRADE_OVERDUE" is Final,
    /// A refusal that only its description explains.
    Error = "ERROR" is Final,
    /// The payer's account is gone: pay back in another way.
    UserAccountAbnormal = "USER_ACCOUNT_ABNORMAL" is Final,
    /// Too many wrong requests: wait a minute.
    InvalidReqTooMuch = "INVALID_REQ_TOO_MUCH" is RetrySame,
    /// The gateway knows no such refund; after a time-out it may mean that the request never arrived.
    RefundNotExist = "REFUNDNOTEXIST" is Final,
    /// There is no bill, since nothing happened that day; downloadbill says so in `return_msg`.
    NoBillExist = "NO_BILL_EXIST" is Final,
    /// The bill is being made: ask again after ten in the morning, Beijing time.
    BillCreating = "BILL_CREATING" is RetrySame,
    /// The kind of bill does not exist; in `return_msg`.
    InvalidBillType = "invalid bill_type" is Caller,
    /// The request cannot be read; in `return_msg`.
    DataFormatError = "data format error" is Caller,
    /// A field is missing; in `return_msg`.
    MissingParameter = "missing parameter" is Caller,
    /// The gateway could not compress the bill; in `return_msg`.
    CompressGzipError = "CompressGZip Error" is RetrySame,
    /// The gateway could not read its own bill; in `return_msg`.
    UnCompressGzipError = "UnCompressGZip Error" is RetrySame,
    /// A transfer failed; query it before another number is taken.
    SendFailed = "SEND_FAILED" is Final,
    /// The number was used with other parameters.
    FatalError = "FATAL_ERROR" is Caller,
    /// The payee's name is another.
    NameMismatch = "NAME_MISMATCH" is Final,
    /// The payee's id is not one of this `appid`.
    OpenIdError = "OPENID_ERROR" is Final,
    /// The amount is too small or too large.
    AmountLimit = "AMOUNT_LIMIT" is Final,
    /// The payee has had the most that a day allows.
    MoneyLimit = "MONEY_LIMIT" is Final,
    /// The payee's account has no proven name.
    V2AccountSimpleBan = "V2_ACCOUNT_SIMPLE_BAN" is Final,
    /// Too many requests: wait.
    FreqLimit = "FREQ_LIMIT" is RetrySame,
}

/// The refusals that come as words in `return_msg`. Their case differs between the pages and the wire.
const TEXTS: [(&str, ErrorCode); 8] = [
    ("No Bill Exist", ErrorCode::NoBillExist),
    ("Bill Creating", ErrorCode::BillCreating),
    ("invalid bill_type", ErrorCode::InvalidBillType),
    ("data format error", ErrorCode::DataFormatError),
    ("missing parameter", ErrorCode::MissingParameter),
    ("SIGN ERROR", ErrorCode::SignError),
    ("CompressGZip Error", ErrorCode::CompressGzipError),
    ("UnCompressGZip Error", ErrorCode::UnCompressGzipError),
];

impl ErrorCode {
    /// The code that a `return_msg` stands for.
    pub(crate) fn from_text(return_msg: &str) -> Option<Self> {
        TEXTS
            .iter()
            .find(|(text, _)| text.eq_ignore_ascii_case(return_msg))
            .map(|(_, code)| code.clone())
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
