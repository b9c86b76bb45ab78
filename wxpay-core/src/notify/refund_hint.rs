//! What a refund notify holds.

use alloc::boxed::Box;
use core::fmt;

#[cfg(doc)]
use super::UnverifiedRefundNotify;
use crate::{
    BeijingTime, Fen, OutRefundNo, OutTradeNo, Params, TransactionId,
    api::{FieldError, Fields, RefundStatus},
    text::RefundId,
};

/// What a refund notify holds: a hint, to be confirmed. Only [`UnverifiedRefundNotify::decrypt`] makes one.
///
/// Do not act on it. Send [`RefundHint::query`] to `refundquery`, whose answer is signed, and give that answer to
/// [`RefundHint::confirm`]: the [`ConfirmedRefund`](super::ConfirmedRefund) that comes out is what to act on. Where the
/// two differ, the answer is right and the notify is worth an alert.
///
/// `success_time` and the three texts only inform: one that cannot be read is left out here.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefundHint {
    /// The gateway's number of the payment.
    pub transaction_id: TransactionId,
    /// The merchant's number of the order.
    pub out_trade_no: OutTradeNo,
    /// The gateway's number of the refund.
    pub refund_id: RefundId,
    /// The merchant's number of the refund.
    pub out_refund_no: OutRefundNo,
    /// What the order was about, in fen.
    pub total_fee: Fen,
    /// The same less the coupons that do not settle, in fen.
    pub settlement_total_fee: Option<Fen>,
    /// What was to go back, in fen.
    pub refund_fee: Fen,
    /// The same less the coupons that do not settle, in fen.
    pub settlement_refund_fee: Option<Fen>,
    /// What went back in money, in fen.
    pub cash_refund_fee: Option<Fen>,
    /// What became of it.
    pub refund_status: RefundStatus,
    /// When the money arrived.
    pub success_time: Option<BeijingTime>,
    /// Where the money came from, such as `REFUND_SOURCE_RECHARGE_FUNDS`: the field `refund_account`.
    pub refund_account: Option<Box<str>>,
    /// Who asked for the refund, `API` or `VENDOR_PLATFORM`: the field `refund_request_source`.
    pub refund_request_source: Option<Box<str>>,
    /// Where the money went, for people: the field `refund_recv_accout`, which the API spells so. It can name the payer's
    /// bank and the last digits of a card, so `Debug` leaves it out.
    pub refund_recv_accout: Option<Box<str>>,
    params: Params<'static>,
}

impl RefundHint {
    pub(super) fn read(params: Params<'static>) -> Result<Self, FieldError> {
        let fields = Fields(&params);
        let text = |field| fields.optional(field).map(Box::from);
        Ok(Self {
            transaction_id: fields.text("transaction_id")?,
            out_trade_no: fields.text("out_trade_no")?,
            refund_id: fields.text("refund_id")?,
            out_refund_no: fields.text("out_refund_no")?,
            total_fee: fields.fen("total_fee")?,
            settlement_total_fee: fields.optional_fen("settlement_total_fee")?,
            refund_fee: fields.fen("refund_fee")?,
            settlement_refund_fee: fields.optional_fen("settlement_refund_fee")?,
            cash_refund_fee: fields.optional_fen("cash_refund_fee")?,
            refund_status: fields.required("refund_status")?.into(),
            success_time: fields
                .optional("success_time")
                .and_then(|time| BeijingTime::parse_dashed(time).ok()),
            refund_account: text("refund_account"),
            refund_request_source: text("refund_request_source"),
            refund_recv_accout: text("refund_recv_accout"),
            params,
        })
    }

    /// All fields of the plaintext, those that no type knows among them.
    #[must_use]
    pub const fn params(&self) -> &Params<'static> {
        &self.params
    }
}

impl fmt::Debug for RefundHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefundHint")
            .field("transaction_id", &self.transaction_id)
            .field("out_trade_no", &self.out_trade_no)
            .field("refund_id", &self.refund_id)
            .field("out_refund_no", &self.out_refund_no)
            .field("total_fee", &self.total_fee)
            .field("refund_fee", &self.refund_fee)
            .field("refund_status", &self.refund_status)
            .field("success_time", &self.success_time)
            .finish_non_exhaustive()
    }
}
