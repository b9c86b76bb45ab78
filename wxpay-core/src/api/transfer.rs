//! `transfers`: pay into a person's balance.

use alloc::string::String;

use super::{
    Answer, AnswerKind, Endpoint, FieldError, Fields, Naming, OnlyMd5, Repeat, RequestError,
    message::{Value, message},
    request::at_least_a_fen,
};
use crate::{
    Fen, InsertError, OpenId, Params, SpbillCreateIp,
    text::{DeviceInfo, PartnerTradeNo, ReUserName, TransferDesc},
};

message! {
    #[doc = include_str!("pages/transfers.md")]
    request Transfer {
        /// The merchant's number of the transfer, which keeps it one.
        partner_trade_no: PartnerTradeNo,
        /// The payee.
        openid: OpenId,
        /// Whether the payee's name is compared.
        check_name: CheckName,
        /// How much, at least one fen.
        amount: Fen,
        /// What for, for the payee to read.
        desc: TransferDesc,
        ;
        /// The terminal or the shop.
        device_info: DeviceInfo,
        /// The address of the caller.
        spbill_create_ip: SpbillCreateIp,
    }
}

/// Whether the gateway compares the payee's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CheckName {
    /// It does not.
    NoCheck,
    /// It does, with this one.
    ForceCheck(ReUserName),
}

impl Value for CheckName {
    fn put<'a>(&'a self, params: &mut Params<'a>, field: &'static str) -> Result<(), InsertError> {
        match self {
            Self::NoCheck => params.insert(field, "NO_CHECK"),
            Self::ForceCheck(name) => {
                params.insert(field, "FORCE_CHECK")?;
                name.put(params, "re_user_name")
            }
        }
    }

    fn take(fields: Fields<'_>, field: &'static str) -> Result<Self, FieldError> {
        match fields.required(field)? {
            "NO_CHECK" => Ok(Self::NoCheck),
            "FORCE_CHECK" => Ok(Self::ForceCheck(fields.text("re_user_name")?)),
            _ => Err(FieldError::Unexpected { field }),
        }
    }
}

impl Endpoint for Transfer {
    const NAME: &'static str = "transfers";
    const PATH: &'static str = "/mmpaymkttransfers/promotion/transfers";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Unsigned;
    const REPEAT: Repeat = Repeat::SameNumber;
    const NAMING: Naming = Naming::TRANSFER;
    type Sign = OnlyMd5;
    type Response = TransferResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        at_least_a_fen(self.amount, "amount")?;
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<TransferResponse, FieldError> {
        TransferResponse::take(answer.fields())
    }
}

message! {
    /// The answer of `/mmpaymkttransfers/promotion/transfers`.
    answer TransferResponse {
        /// The merchant's number of the transfer.
        partner_trade_no: PartnerTradeNo,
        /// The gateway's number of the transfer.
        payment_no: String,
        ;
        /// When it was paid, as `yyyy-MM-dd HH:mm:ss` in UTC+8.
        payment_time: String,
        /// The terminal or the shop.
        device_info: DeviceInfo,
    }
}
