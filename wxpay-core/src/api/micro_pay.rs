//! `micropay`: the payer shows a barcode, and the merchant's scanner pays with it.

use super::{
    Answer, AnswerKind, Class, Endpoint, ErrorCode, FieldError, Payment, Repeat, RequestError,
    SubMerchantFields, message::message, prepaid::expires_after_start, request::at_least_a_fen,
    rule,
};
use crate::{
    Attach, BeijingTime, Body, FeeType, Fen, OutTradeNo, Params, SignType, SpbillCreateIp,
    text::{AuthCode, Detail, DeviceInfo, GoodsTag, LimitPay, SceneInfo},
};

message! {
    #[doc = include_str!("pages/micropay.md")]
    request MicroPay {
        /// The merchant's number of the order, or of the attempt at it.
        out_trade_no: OutTradeNo,
        /// What the payer is shown as the thing paid for.
        body: Body,
        /// The amount, at least one fen.
        total_fee: Fen,
        /// The address of the terminal.
        spbill_create_ip: SpbillCreateIp,
        /// What the payer's barcode holds.
        auth_code: AuthCode,
        ;
        /// The currency; CNY when there is none.
        fee_type: FeeType,
        /// The terminal or the shop.
        device_info: DeviceInfo,
        /// The goods, for promotions of single goods. It makes the field `version` be sent, which such orders need.
        detail: Detail,
        /// The merchant's own text, which comes back in queries.
        attach: Attach,
        /// A tag that coupons ask for.
        goods_tag: GoodsTag,
        /// A way of paying that is ruled out, such as `no_credit`.
        limit_pay: LimitPay,
        /// When the order begins.
        time_start: BeijingTime,
        /// When the order can no longer be paid; later than `time_start`.
        time_expire: BeijingTime,
        /// Whether the payer can ask for an invoice.
        receipt: bool,
        /// Whether the money is kept for sharing.
        profit_sharing: bool,
        /// Whether this is a deposit.
        deposit: bool,
        /// Where the payment happens.
        scene_info: SceneInfo,
    }
}

/// Whether a text is the number of a payer's barcode: 18 digits, the first two from 10 to 15.
fn is_barcode(text: &str) -> bool {
    text.len() == 18
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(text.as_bytes(), [b'1', b'0'..=b'5', ..])
}

impl Endpoint for MicroPay {
    const NAME: &'static str = "micropay";
    const PATH: &'static str = "/pay/micropay";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::QueryFirst;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = SignType;
    type Response = Payment;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        at_least_a_fen(self.total_fee, "total_fee")?;
        rule(
            is_barcode(self.auth_code.as_str()),
            "auth_code",
            "18 digits that begin with 10 to 15",
        )?;
        expires_after_start(self.time_start, self.time_expire)?;
        if self.detail.is_some() {
            params.insert("version", "1.0")?;
        }
        self.put(params)
    }

    /// The payment: an answer that reports success says that it was made.
    fn read(answer: &Answer<'_>) -> Result<Payment, FieldError> {
        Payment::read(answer.fields())
    }

    fn class(code: &ErrorCode) -> Class {
        match code {
            ErrorCode::SystemError => Class::QueryFirst,
            // Another payer's code may do, but only under a number that was not used.
            ErrorCode::OutTradeNoUsed => Class::Final,
            code => code.class(),
        }
    }
}
