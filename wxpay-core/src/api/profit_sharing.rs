//! `profitsharing` and `multiprofitsharing`: give others their part of a payment.

use alloc::string::String;

use super::{
    Answer, AnswerKind, Endpoint, FieldError, OnlyHmacSha256, Repeat, RequestError,
    SubMerchantFields,
    json::Json,
    message::{message, open_enum},
};
use crate::{
    Fen, MchId, OpenId, Params, TextError, TransactionId,
    text::{OutOrderNo, ReUserName, Receivers, SharingDescription, SharingOrderId},
};

message! {
    /// A request to `/secapi/pay/profitsharing`: share a payment once, and free the rest. It shows the client certificate.
    request ProfitSharing {
        /// The gateway's number of the payment.
        transaction_id: TransactionId,
        /// The merchant's number of the sharing, which keeps it one.
        out_order_no: OutOrderNo,
        /// Who gets how much; see [`Receivers::of`].
        receivers: Receivers,
    }
}

impl Endpoint for ProfitSharing {
    const NAME: &'static str = "profitsharing";
    const PATH: &'static str = "/secapi/pay/profitsharing";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::SameNumber;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = OnlyHmacSha256;
    type Response = ProfitSharingResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<ProfitSharingResponse, FieldError> {
        ProfitSharingResponse::take(answer.fields())
    }
}

message! {
    /// A request to `/secapi/pay/multiprofitsharing`: share a payment in several goes, until
    /// [`ProfitSharingFinish`](super::ProfitSharingFinish) frees the rest. It shows the client certificate.
    request MultiProfitSharing {
        /// The gateway's number of the payment.
        transaction_id: TransactionId,
        /// The merchant's number of the sharing, which keeps it one.
        out_order_no: OutOrderNo,
        /// Who gets how much; see [`Receivers::of`].
        receivers: Receivers,
    }
}

impl Endpoint for MultiProfitSharing {
    const NAME: &'static str = "multiprofitsharing";
    const PATH: &'static str = "/secapi/pay/multiprofitsharing";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::SameNumber;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = OnlyHmacSha256;
    type Response = ProfitSharingResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<ProfitSharingResponse, FieldError> {
        ProfitSharingResponse::take(answer.fields())
    }
}

message! {
    /// The answer of a profit sharing, verified: it is accepted. [`ProfitSharingQuery`](super::ProfitSharingQuery) tells how it went.
    answer ProfitSharingResponse {
        /// The gateway's number of the payment.
        transaction_id: TransactionId,
        /// The merchant's number of the sharing.
        out_order_no: OutOrderNo,
        /// The gateway's number of the sharing.
        order_id: SharingOrderId,
        ;
        /// Whether it is done.
        status: SharingStatus,
        /// The parts, as JSON text.
        receivers: String,
    }
}

open_enum! {
    /// How far a profit sharing is.
    SharingStatus {
        /// It is on its way.
        Processing = "PROCESSING",
        /// It is done; each part has its own result.
        Finished = "FINISHED",
    }
}

/// One who gets a part, by the kind of account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReceiverAccount {
    /// A merchant.
    Merchant(MchId),
    /// A person, known under the account's `appid`.
    OpenId(OpenId),
    /// A person, known under the `sub_appid`.
    SubOpenId(OpenId),
}

impl ReceiverAccount {
    pub(super) fn put(&self, json: &mut Json) {
        let (kind, account) = match self {
            Self::Merchant(id) => ("MERCHANT_ID", id.as_str()),
            Self::OpenId(id) => ("PERSONAL_OPENID", id.as_str()),
            Self::SubOpenId(id) => ("PERSONAL_SUB_OPENID", id.as_str()),
        };
        json.text("type", kind).text("account", account);
    }
}

/// One part of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Who gets it.
    pub account: ReceiverAccount,
    /// How much.
    pub amount: Fen,
    /// What for.
    pub description: SharingDescription,
    /// The person's name, if the gateway is to compare it.
    pub name: Option<ReUserName>,
}

impl Receivers {
    /// The parts as the field's JSON text.
    ///
    /// # Errors
    /// [`TextError`] when the text is longer than the field.
    pub fn of(shares: &[Share]) -> Result<Self, TextError> {
        let mut json = Json::default();
        json.open('[');
        for share in shares {
            json.open('{');
            share.account.put(&mut json);
            json.number("amount", share.amount.get())
                .text("description", share.description.as_str())
                .optional("name", share.name.as_ref().map(ReUserName::as_str))
                .close('}');
        }
        json.close(']').as_str().parse()
    }
}
