//! `profitsharing` and `multiprofitsharing`: give others their part of a payment.

use alloc::string::String;

use super::{
    Answer, AnswerKind, Endpoint, FieldError, OnlyHmacSha256, Repeat, RequestError,
    SubMerchantFields,
    message::{message, open_enum},
    receivers::check_receivers,
};
use crate::{
    Params, TransactionId,
    text::{OutOrderNo, Receivers, SharingOrderId},
};

macro_rules! sharing {
    ($(#[$meta:meta])* $name:ident is $endpoint:literal at $path:literal) => {
        message! {
            $(#[$meta])*
            request $name {
                /// The gateway's number of the payment.
                transaction_id: TransactionId,
                /// The merchant's number of the sharing, which keeps it one.
                out_order_no: OutOrderNo,
                /// Who gets how much; see [`Receivers::of`].
                receivers: Receivers,
            }
        }

        impl Endpoint for $name {
            const NAME: &'static str = $endpoint;
            const PATH: &'static str = $path;
            const NEEDS_CERT: bool = true;
            const ANSWER: AnswerKind = AnswerKind::Signed;
            const REPEAT: Repeat = Repeat::SameNumber;
            const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
            type Sign = OnlyHmacSha256;
            type Response = ProfitSharingResponse;

            fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
                check_receivers(&self.receivers)?;
                self.put(params)
            }

            fn read(answer: &Answer<'_>) -> Result<ProfitSharingResponse, FieldError> {
                ProfitSharingResponse::take(answer.fields())
            }
        }
    };
}

sharing! {
    #[doc = include_str!("pages/profitsharing.md")]
    ProfitSharing is "profitsharing" at "/secapi/pay/profitsharing"
}

sharing! {
    #[doc = include_str!("pages/multiprofitsharing.md")]
    MultiProfitSharing is "multiprofitsharing" at "/secapi/pay/multiprofitsharing"
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
