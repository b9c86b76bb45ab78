//! `pay_bank`: pay to a bank card.

use alloc::string::String;

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Naming, OnlyMd5, Repeat, RequestError,
    message::message, request::at_least_a_fen, rule,
};
use crate::{
    Fen, Params,
    text::{BankCode, EncryptedText, PartnerTradeNo, TransferDesc},
};

message! {
    #[doc = include_str!("pages/pay_bank.md")]
    request BankTransfer {
        /// The merchant's number of the transfer, which keeps it one: 8 to 32 letters and digits.
        partner_trade_no: PartnerTradeNo,
        /// The card's number, encrypted.
        enc_bank_no: EncryptedText,
        /// The payee's name, encrypted.
        enc_true_name: EncryptedText,
        /// The bank's number.
        bank_code: BankCode,
        /// How much, at least one fen.
        amount: Fen,
        ;
        /// What for.
        desc: TransferDesc,
    }
}

impl Endpoint for BankTransfer {
    const NAME: &'static str = "pay_bank";
    const PATH: &'static str = "/mmpaysptrans/pay_bank";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Unsigned;
    const REPEAT: Repeat = Repeat::SameNumber;
    const NAMING: Naming = Naming::MCH_ID;
    type Sign = OnlyMd5;
    type Response = BankTransferResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        at_least_a_fen(self.amount, "amount")?;
        let number = self.partner_trade_no.as_str();
        rule(
            number.len() >= 8 && number.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "partner_trade_no",
            "8 to 32 letters and digits",
        )?;
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<BankTransferResponse, FieldError> {
        BankTransferResponse::take(answer.fields())
    }
}

message! {
    /// The answer of `/mmpaysptrans/pay_bank`: the transfer is accepted, no more.
    answer BankTransferResponse {
        /// The merchant's number of the transfer.
        partner_trade_no: PartnerTradeNo,
        /// How much.
        amount: Fen,
        ;
        /// The gateway's number of the transfer.
        payment_no: String,
        /// The gateway's fee.
        cmms_amt: Fen,
    }
}
