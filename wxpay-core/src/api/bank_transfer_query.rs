//! `query_bank`: ask the gateway what became of a transfer to a card.

use alloc::string::String;

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Naming, OnlyMd5, Repeat, RequestError,
    message::{message, open_enum},
};
use crate::{Fen, Params, text::PartnerTradeNo};

message! {
    #[doc = include_str!("pages/query_bank.md")]
    request BankTransferQuery {
        /// Which transfer.
        partner_trade_no: PartnerTradeNo,
    }
}

impl Endpoint for BankTransferQuery {
    const NAME: &'static str = "query_bank";
    const PATH: &'static str = "/mmpaysptrans/query_bank";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Unsigned;
    const REPEAT: Repeat = Repeat::Safe;
    const NAMING: Naming = Naming::MCH_ID;
    type Sign = OnlyMd5;
    type Response = BankTransferQueryResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<BankTransferQueryResponse, FieldError> {
        BankTransferQueryResponse::take(answer.fields())
    }
}

message! {
    /// The answer of `/mmpaysptrans/query_bank`.
    answer BankTransferQueryResponse {
        /// The merchant's number of the transfer.
        partner_trade_no: PartnerTradeNo,
        /// What became of it.
        status: BankTransferStatus,
        ;
        /// The gateway's number of the transfer.
        payment_no: String,
        /// The MD5 of the card's number.
        bank_no_md5: String,
        /// The MD5 of the payee's name.
        true_name_md5: String,
        /// How much.
        amount: Fen,
        /// The gateway's fee.
        cmms_amt: Fen,
        /// When it was asked for, as `yyyy-MM-dd HH:mm:ss` in UTC+8.
        create_time: String,
        /// When it was paid, as `yyyy-MM-dd HH:mm:ss` in UTC+8.
        pay_succ_time: String,
        /// Why it failed.
        reason: String,
    }
}

open_enum! {
    /// What became of a transfer to a card.
    BankTransferStatus {
        /// It is on its way.
        Processing = "PROCESSING",
        /// The bank has it; it may still come back.
        Success = "SUCCESS",
        /// It failed.
        Failed = "FAILED",
        /// The bank sent it back.
        BankFail = "BANK_FAIL",
    }
}
