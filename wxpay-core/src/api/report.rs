//! `report`: tell the gateway how its calls went.

use super::{
    Answer, AnswerKind, Endpoint, FieldError, OnlyMd5, Repeat, RequestError, SubMerchantFields,
    message::message, rule,
};
use crate::{
    Params, SpbillCreateIp,
    text::{DeviceInfo, InterfaceUrl, Trades},
};

message! {
    #[doc = include_str!("pages/report.md")]
    request Report {
        /// The address of the endpoint that was called.
        interface_url: InterfaceUrl,
        /// The caller's address.
        user_ip: SpbillCreateIp,
        /// The calls, as a JSON array with `out_trade_no`, `begin_time`, `end_time`, `state` and `err_msg`.
        trades: Trades,
        ;
        /// The terminal or the shop.
        device_info: DeviceInfo,
    }
}

/// Less than the other addresses of the API have.
const USER_IP_MAX_BYTES: usize = 16;

impl Endpoint for Report {
    const NAME: &'static str = "report";
    const PATH: &'static str = "/payitil/report";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Unsigned;
    const REPEAT: Repeat = Repeat::Safe;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = OnlyMd5;
    type Response = ReportResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        rule(
            self.user_ip.as_str().len() <= USER_IP_MAX_BYTES,
            "user_ip",
            "at most 16 bytes",
        )?;
        self.put(params)
    }

    fn read(_answer: &Answer<'_>) -> Result<ReportResponse, FieldError> {
        Ok(ReportResponse {})
    }
}

/// The answer of `/payitil/report`: it was taken. It says nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportResponse {}
