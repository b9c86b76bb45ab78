//! `gettransferinfo`: ask the gateway what became of a transfer.

use alloc::string::String;

use super::{
    Answer, AnswerKind, Endpoint, FieldError, OnlyMd5, Repeat, RequestError,
    message::{message, open_enum},
};
use crate::{
    Fen, OpenId, Params,
    text::{PartnerTradeNo, ReUserName, TransferDesc},
};

message! {
    #[doc = include_str!("pages/gettransferinfo.md")]
    request TransferQuery {
        /// Which transfer.
        partner_trade_no: PartnerTradeNo,
    }
}

impl Endpoint for TransferQuery {
    const NAME: &'static str = "gettransferinfo";
    const PATH: &'static str = "/mmpaymkttransfers/gettransferinfo";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Unsigned;
    const REPEAT: Repeat = Repeat::Safe;
    type Sign = OnlyMd5;
    type Response = TransferQueryResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<TransferQueryResponse, FieldError> {
        TransferQueryResponse::take(answer.fields())
    }
}

message! {
    /// The answer of `/mmpaymkttransfers/gettransferinfo`.
    answer TransferQueryResponse {
        /// The merchant's number of the transfer.
        partner_trade_no: PartnerTradeNo,
        /// What became of it.
        status: TransferStatus,
        ;
        /// The gateway's number of the transfer.
        detail_id: String,
        /// Why it failed.
        reason: String,
        /// The payee.
        openid: OpenId,
        /// The payee's name.
        transfer_name: ReUserName,
        /// How much.
        payment_amount: Fen,
        /// When it was asked for, as `yyyy-MM-dd HH:mm:ss` in UTC+8.
        transfer_time: String,
        /// When it was paid, as `yyyy-MM-dd HH:mm:ss` in UTC+8.
        payment_time: String,
        /// What for.
        desc: TransferDesc,
    }
}

open_enum! {
    /// What became of a transfer.
    TransferStatus {
        /// The payee has it.
        Success = "SUCCESS",
        /// It failed.
        Failed = "FAILED",
        /// It is on its way.
        Processing = "PROCESSING",
    }
}
