//! `refund` and `refundv2`: pay money back.

use alloc::vec::Vec;

use super::{
    Advice, Answer, AnswerKind, Class, Coupon, Endpoint, ErrorCode, FieldError, Fields, OrderRef,
    Repeat, RequestError, SubMerchantFields,
    coupon::{CouponNames, read_coupons},
    message::{Value, message, open_enum},
    request::{at_least_a_fen, is_notify_url},
};
use crate::{
    FeeType, Fen, NotifyUrl, OutRefundNo, OutTradeNo, Params, SignType, TransactionId,
    text::{Detail, RefundDesc, RefundId},
};

message! {
    #[doc = include_str!("pages/refund.md")]
    request Refund {
        /// Which order.
        by: OrderRef,
        /// The merchant's number of the refund, which keeps it one.
        out_refund_no: OutRefundNo,
        /// What was paid.
        total_fee: Fen,
        /// What goes back, at least one fen and no more than `total_fee`.
        refund_fee: Fen,
        ;
        /// The currency of `refund_fee`.
        refund_fee_type: FeeType,
        /// Why, for the payer to read.
        refund_desc: RefundDesc,
        /// Where the money comes from; merchants with the old kind of account choose.
        refund_account: RefundAccount,
        /// Where the gateway posts the refund notify.
        notify_url: NotifyUrl,
    }
}

open_enum! {
    /// Where a refund's money comes from.
    RefundAccount {
        /// What is not settled yet; the default.
        UnsettledFunds = "REFUND_SOURCE_UNSETTLED_FUNDS",
        /// The merchant's balance.
        RechargeFunds = "REFUND_SOURCE_RECHARGE_FUNDS",
    }
}

impl Refund {
    fn check(&self) -> Result<(), RequestError> {
        at_least_a_fen(self.total_fee, "total_fee")?;
        at_least_a_fen(self.refund_fee, "refund_fee")?;
        if self.refund_fee > self.total_fee {
            return Err(RequestError::RefundAboveTotal);
        }
        self.notify_url.as_ref().map_or(Ok(()), is_notify_url)
    }
}

fn class(code: &ErrorCode) -> Class {
    match code {
        ErrorCode::OrderNotExist => Class::Caller,
        code => code.class(),
    }
}

/// The balance that a refund lacks is the merchant's.
fn advice(code: &ErrorCode) -> Option<Advice> {
    (*code == ErrorCode::NotEnough).then_some(Advice::TopUp)
}

impl Endpoint for Refund {
    const NAME: &'static str = "refund";
    const PATH: &'static str = "/secapi/pay/refund";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::SameNumber;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = SignType;
    type Response = RefundResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.check()?;
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<RefundResponse, FieldError> {
        RefundResponse::take(answer.fields())
    }

    fn class(code: &ErrorCode) -> Class {
        class(code)
    }

    fn advice(code: &ErrorCode) -> Option<Advice> {
        advice(code)
    }
}

#[doc = include_str!("pages/refundv2.md")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundV2 {
    /// The refund.
    pub refund: Refund,
    /// The goods that come back, as JSON text.
    pub detail: Option<Detail>,
}

impl RefundV2 {
    /// Reads the request back from its fields: the gateway's side. Verify them first.
    ///
    /// # Errors
    /// [`FieldError`] when a field is missing or has a value that it cannot have.
    pub fn from_params(params: &Params<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            refund: Refund::from_params(params)?,
            detail: Value::take(Fields(params), "detail")?,
        })
    }
}

impl Endpoint for RefundV2 {
    const NAME: &'static str = "refundv2";
    const PATH: &'static str = "/secapi/pay/refundv2";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::SameNumber;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = SignType;
    type Response = RefundResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.refund.check()?;
        params.insert("version", "1.0")?;
        self.refund.put(params)?;
        Ok(self.detail.put(params, "detail")?)
    }

    fn read(answer: &Answer<'_>) -> Result<RefundResponse, FieldError> {
        RefundResponse::take(answer.fields())
    }

    fn class(code: &ErrorCode) -> Class {
        class(code)
    }

    fn advice(code: &ErrorCode) -> Option<Advice> {
        advice(code)
    }
}

message! {
    /// The answer of `/secapi/pay/refund`, verified: the refund is accepted, no more.
    answer RefundResponse {
        /// The gateway's number of the payment.
        transaction_id: TransactionId,
        /// The merchant's number of the order.
        out_trade_no: OutTradeNo,
        /// The merchant's number of the refund.
        out_refund_no: OutRefundNo,
        /// The gateway's number of the refund.
        refund_id: RefundId,
        /// What goes back.
        refund_fee: Fen,
        /// What was paid.
        total_fee: Fen,
        /// What was paid in money.
        cash_fee: Fen,
        /// The coupons that go back.
        coupons: RefundCoupons,
        ;
        /// `refund_fee` less the coupons that are no money.
        settlement_refund_fee: Fen,
        /// `total_fee` less the coupons that are no money.
        settlement_total_fee: Fen,
        /// The currency of `total_fee`.
        fee_type: FeeType,
        /// The currency of `cash_fee`.
        cash_fee_type: FeeType,
        /// What goes back in money.
        cash_refund_fee: Fen,
        /// What goes back in coupons.
        coupon_refund_fee: Fen,
    }
}

/// The coupons of a refund's answer.
///
/// Here `coupon_refund_fee_$n` is the n-th coupon; in [`RefundQuery`](super::RefundQuery)'s answer the same name is
/// the sum of the n-th refund's coupons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefundCoupons(pub Vec<Coupon>);

impl Value for RefundCoupons {
    fn take(fields: Fields<'_>, _field: &'static str) -> Result<Self, FieldError> {
        let count = fields.optional_count(REFUNDED.count)?.unwrap_or(usize::MAX);
        read_coupons(fields, REFUNDED, "", count).map(Self)
    }
}

const REFUNDED: CouponNames = CouponNames {
    count: "coupon_refund_count",
    id: "coupon_refund_id",
    kind: "coupon_type",
    fee: "coupon_refund_fee",
};
