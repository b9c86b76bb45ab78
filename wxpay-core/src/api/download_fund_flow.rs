//! `downloadfundflow`: a day's movements of money, as text.

use super::{
    Answer, AnswerKind, BillDate, Endpoint, FieldError, OnlyHmacSha256, Repeat, RequestError,
    TarType,
    message::{message, open_enum},
};
use crate::Params;

message! {
    #[doc = include_str!("pages/downloadfundflow.md")]
    request DownloadFundFlow {
        /// The day.
        bill_date: BillDate,
        /// Which account's.
        account_type: FundAccount,
        ;
        /// Whether it is compressed.
        tar_type: TarType,
    }
}

open_enum! {
    /// An account of the merchant's.
    FundAccount {
        /// The basic account.
        Basic = "Basic",
        /// The account for operations.
        Operation = "Operation",
        /// The account for fees.
        Fees = "Fees",
    }
}

impl Endpoint for DownloadFundFlow {
    const NAME: &'static str = "downloadfundflow";
    const PATH: &'static str = "/pay/downloadfundflow";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Text;
    const REPEAT: Repeat = Repeat::Safe;
    type Sign = OnlyHmacSha256;
    type Response = ();

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(_answer: &Answer<'_>) -> Result<(), FieldError> {
        Ok(())
    }
}
