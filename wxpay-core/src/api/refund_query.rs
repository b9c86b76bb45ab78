//! `refundquery` and `refundqueryv2`: ask the gateway what became of refunds.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use super::{
    Advice, Answer, AnswerKind, Coupon, Endpoint, ErrorCode, FieldError, Fields, RefundAccount,
    Repeat, RequestError, SubMerchantFields,
    coupon::{CouponNames, read_coupons},
    message::{Plain, Value, message, open_enum},
    rule,
};
use crate::{
    FeeType, Fen, OutRefundNo, OutTradeNo, Params, SignType, TransactionId, text::RefundId,
};

#[doc = include_str!("pages/refundquery.md")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundQuery {
    /// Which refunds.
    pub by: RefundRef,
    /// How many to skip; by an order's number only.
    pub offset: Option<u32>,
}

/// A refund, or the refunds of an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RefundRef {
    /// The refund of this number of the gateway's.
    RefundId(RefundId),
    /// The refund of this number of the merchant's.
    OutRefundNo(OutRefundNo),
    /// The refunds of this payment.
    TransactionId(TransactionId),
    /// The refunds of this order.
    OutTradeNo(OutTradeNo),
}

impl RefundQuery {
    /// A query without an offset.
    #[must_use]
    pub const fn new(by: RefundRef) -> Self {
        Self { by, offset: None }
    }

    /// Reads the request back from its fields: the gateway's side. Verify them first. With several numbers there, the first
    /// of `refund_id`, `out_refund_no`, `transaction_id` and `out_trade_no` wins.
    ///
    /// # Errors
    /// [`FieldError`] when there is no number, or a text that is none.
    pub fn from_params(params: &Params<'_>) -> Result<Self, FieldError> {
        let fields = Fields(params);
        let by = if let Some(number) = fields.optional_text("refund_id")? {
            RefundRef::RefundId(number)
        } else if let Some(number) = fields.optional_text("out_refund_no")? {
            RefundRef::OutRefundNo(number)
        } else if let Some(number) = fields.optional_text("transaction_id")? {
            RefundRef::TransactionId(number)
        } else {
            RefundRef::OutTradeNo(fields.text("out_trade_no")?)
        };
        Ok(Self {
            by,
            offset: Value::take(fields, "offset")?,
        })
    }

    fn put<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        match &self.by {
            RefundRef::RefundId(number) => number.put(params, "refund_id")?,
            RefundRef::OutRefundNo(number) => number.put(params, "out_refund_no")?,
            RefundRef::TransactionId(number) => number.put(params, "transaction_id")?,
            RefundRef::OutTradeNo(number) => number.put(params, "out_trade_no")?,
        }
        let of_an_order = matches!(
            self.by,
            RefundRef::TransactionId(_) | RefundRef::OutTradeNo(_)
        );
        rule(
            of_an_order || self.offset.is_none(),
            "offset",
            "only with the number of an order",
        )?;
        Ok(self.offset.put(params, "offset")?)
    }
}

impl Endpoint for RefundQuery {
    const NAME: &'static str = "refundquery";
    const PATH: &'static str = "/pay/refundquery";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::Safe;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = SignType;
    type Response = RefundQueryResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        self.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<RefundQueryResponse, FieldError> {
        RefundQueryResponse::take(answer.fields())
    }

    fn advice(code: &ErrorCode) -> Option<Advice> {
        advice(code)
    }
}

/// What is not there may never have arrived.
fn advice(code: &ErrorCode) -> Option<Advice> {
    (*code == ErrorCode::RefundNotExist).then_some(Advice::SendOriginal)
}

#[doc = include_str!("pages/refundqueryv2.md")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundQueryV2(pub RefundQuery);

impl RefundQueryV2 {
    /// Reads the request back from its fields: the gateway's side. Verify them first.
    ///
    /// # Errors
    /// [`FieldError`], as [`RefundQuery::from_params`].
    pub fn from_params(params: &Params<'_>) -> Result<Self, FieldError> {
        RefundQuery::from_params(params).map(Self)
    }
}

impl Endpoint for RefundQueryV2 {
    const NAME: &'static str = "refundqueryv2";
    const PATH: &'static str = "/pay/refundqueryv2";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::Safe;
    const SUB_MERCHANT: SubMerchantFields = SubMerchantFields::Both;
    type Sign = SignType;
    type Response = RefundQueryResponse;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        params.insert("version", "1.0")?;
        self.0.put(params)
    }

    fn read(answer: &Answer<'_>) -> Result<RefundQueryResponse, FieldError> {
        RefundQueryResponse::take(answer.fields())
    }

    fn advice(code: &ErrorCode) -> Option<Advice> {
        advice(code)
    }
}

message! {
    /// The answer of `/pay/refundquery`, verified.
    answer RefundQueryResponse {
        /// The gateway's number of the payment.
        transaction_id: TransactionId,
        /// The merchant's number of the order.
        out_trade_no: OutTradeNo,
        /// What was paid.
        total_fee: Fen,
        /// What was paid in money.
        cash_fee: Fen,
        /// The refunds in this answer.
        refunds: Vec<RefundState>,
        ;
        /// How many refunds the order has, in this answer and in others.
        total_refund_count: u32,
        /// `total_fee` less the coupons that are no money.
        settlement_total_fee: Fen,
        /// The currency.
        fee_type: FeeType,
    }
}

open_enum! {
    /// What became of a refund.
    RefundStatus {
        /// The money is back.
        Success = "SUCCESS",
        /// The refund was given up.
        RefundClose = "REFUNDCLOSE",
        /// It is on its way.
        Processing = "PROCESSING",
        /// The payer's card takes no money: the merchant must pay back by hand.
        Change = "CHANGE",
    }
}

/// One refund: the fields with its index behind their names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefundState {
    /// The merchant's number of the refund.
    pub out_refund_no: OutRefundNo,
    /// The gateway's number of the refund.
    pub refund_id: RefundId,
    /// What became of it.
    pub refund_status: RefundStatus,
    /// What goes back.
    pub refund_fee: Fen,
    /// `refund_fee` less the coupons that are no money.
    pub settlement_refund_fee: Option<Fen>,
    /// The way back: `ORIGINAL`, `BALANCE`, `OTHER_BALANCE` or `OTHER_BANKCARD`.
    pub refund_channel: Option<String>,
    /// Where the money came from.
    pub refund_account: Option<RefundAccount>,
    /// The account that gets it, in words; the wire spells the field `refund_recv_accout`.
    pub refund_recv_accout: Option<String>,
    /// When it was back, as `yyyy-MM-dd HH:mm:ss` in UTC+8.
    pub refund_success_time: Option<String>,
    /// What goes back in coupons: the field `coupon_refund_fee_$n`.
    pub coupon_refund_fee: Option<Fen>,
    /// The coupons that go back: the fields `…_$n_$m`.
    pub coupons: Vec<Coupon>,
}

impl RefundState {
    fn take(fields: Fields<'_>, n: usize) -> Result<Self, FieldError> {
        let optional = |name: &str| fields.optional(&format!("{name}_{n}"));
        let required = |name: &str, field| optional(name).ok_or(FieldError::Missing { field });
        let fen = |name: &str, field| {
            optional(name)
                .map(|text| Fen::from_field(text, field))
                .transpose()
        };
        let owned = |name: &str| optional(name).map(ToOwned::to_owned);
        let coupons = optional("coupon_refund_count")
            .map(|text| {
                text.parse().map_err(|_| FieldError::Unexpected {
                    field: "coupon_refund_count_$n",
                })
            })
            .transpose()?
            .unwrap_or(usize::MAX);
        Ok(Self {
            out_refund_no: required("out_refund_no", "out_refund_no_$n")?.parse()?,
            refund_id: required("refund_id", "refund_id_$n")?.parse()?,
            refund_status: required("refund_status", "refund_status_$n")?.into(),
            refund_fee: fen("refund_fee", "refund_fee_$n")?.ok_or(FieldError::Missing {
                field: "refund_fee_$n",
            })?,
            settlement_refund_fee: fen("settlement_refund_fee", "settlement_refund_fee_$n")?,
            refund_channel: owned("refund_channel"),
            refund_account: optional("refund_account").map(RefundAccount::from),
            refund_recv_accout: owned("refund_recv_accout"),
            refund_success_time: owned("refund_success_time"),
            coupon_refund_fee: fen("coupon_refund_fee", "coupon_refund_fee_$n")?,
            coupons: read_coupons(fields, REFUNDED, &format!("_{n}"), coupons)?,
        })
    }
}

const REFUNDED: CouponNames = CouponNames {
    count: "coupon_refund_count_$n",
    id: "coupon_refund_id",
    kind: "coupon_type",
    fee: "coupon_refund_fee",
};

impl Value for Vec<RefundState> {
    /// As many as `refund_count` says; one of them that is not there is missing, however large the count.
    fn take(fields: Fields<'_>, _field: &'static str) -> Result<Self, FieldError> {
        let count = fields
            .optional_count("refund_count")?
            .ok_or(FieldError::Missing {
                field: "refund_count",
            })?;
        (0..count).map(|n| RefundState::take(fields, n)).collect()
    }
}
