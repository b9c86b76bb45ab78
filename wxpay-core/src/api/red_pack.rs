//! `sendredpack`: give a person a red packet.

use alloc::string::String;

use super::{
    Answer, AnswerKind, Class, Endpoint, ErrorCode, FieldError, Naming, OnlyMd5, Repeat,
    RequestError, SubMerchantFields, message::message, request::at_least_a_fen,
};
use crate::{
    AppId, Fen, MchId, OpenId, Params, SpbillCreateIp,
    text::{ActName, MchBillno, Remark, RiskInfo, SceneId, SendName, Wishing},
};

message! {
    #[doc = include_str!("pages/sendredpack.md")]
    request RedPack {
        /// The merchant's number of the red packet, which keeps it one: at most 28 characters.
        mch_billno: MchBillno,
        /// Who gives it, for the payee to read.
        send_name: SendName,
        /// The payee, under `wxappid`.
        re_openid: OpenId,
        /// How much: from 1 to 200 yuan, or with a `scene_id`.
        total_amount: Fen,
        /// The wish.
        wishing: Wishing,
        /// The address of the caller.
        client_ip: SpbillCreateIp,
        /// The occasion.
        act_name: ActName,
        /// A remark.
        remark: Remark,
        ;
        /// The kind of occasion, which amounts beside the ordinary demand.
        scene_id: SceneId,
        /// The circumstances, for the gateway's checks.
        risk_info: RiskInfo,
        /// The `appid` that the payee is known under, of a service provider's merchant.
        msgappid: AppId,
        /// The merchant whose money it is, of a service provider.
        consume_mch_id: MchId,
    }
}

const LEAST_FEN: u64 = 100;
const MOST_FEN: u64 = 20_000;
/// One of the codes here that are numbers: the gateway is busy.
const BUSY: &str = "268458547";

impl Endpoint for RedPack {
    const NAME: &'static str = "sendredpack";
    const PATH: &'static str = "/mmpaymkttransfers/sendredpack";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Unsigned;
    const REPEAT: Repeat = Repeat::SameNumber;
    const NAMING: Naming = Naming::RED_PACK;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::MchIdOnly;
    type Sign = OnlyMd5;
    type Response = RedPackResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        at_least_a_fen(self.total_amount, "total_amount")?;
        if !(LEAST_FEN..=MOST_FEN).contains(&self.total_amount.get()) && self.scene_id.is_none() {
            return Err(RequestError::Missing {
                field: "scene_id",
                rule: "an amount below 1 or above 200 yuan demands it",
            });
        }
        params.insert("total_num", "1")?;
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<RedPackResponse, FieldError> {
        RedPackResponse::take(answer.fields())
    }

    fn class(code: &ErrorCode) -> Class {
        match code.as_str() {
            BUSY => Class::RetrySame,
            _ => code.class(),
        }
    }
}

message! {
    /// The answer of `/mmpaymkttransfers/sendredpack`.
    answer RedPackResponse {
        /// The merchant's number of the red packet.
        mch_billno: MchBillno,
        /// How much.
        total_amount: Fen,
        ;
        /// The payee.
        re_openid: OpenId,
        /// The gateway's number of the red packet.
        send_listid: String,
    }
}
