//! Why a command was not done.

use serde::{Deserialize, Serialize};
use wxpay_core::{FeeType, Fen, OutRefundNo, OutTradeNo, TransactionId};

use crate::{OrderKey, RefundState, Timestamp};

/// Why a command was not done. The ledger is as before, but for the log row that some refusals leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such order.
    #[error("there is no such order")]
    UnknownOrder,
    /// The number has an order already, and it was asked for with other content.
    #[error("the order exists with other content: {field} differs")]
    OtherContent {
        /// The first field that differs.
        field: String,
    },
    /// The number belongs to another order, as one of its attempts; or no free number is left for another attempt.
    #[error("the number {number} is taken")]
    NumberTaken {
        /// The number.
        number: OutTradeNo,
    },
    /// The order has as many attempts as an order may have.
    #[error("the order has {most} attempts, and may not have more")]
    TooManyAttempts {
        /// The limit.
        most: u32,
    },
    /// A field of the new order is no good.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The order is closed.
    #[error("the order is closed")]
    Closed,
    /// The order is being closed at the gateway.
    #[error("the order is being closed")]
    Closing,
    /// No close was begun, so there is no result of one.
    #[error("the order is not being closed")]
    NotClosing,
    /// The order is paid.
    #[error("the order is paid")]
    AlreadyPaid,
    /// The number is none of this order's, or its attempt was never begun.
    #[error("{number} is no attempt of this order")]
    NoSuchAttempt {
        /// The number.
        number: OutTradeNo,
    },
    /// The attempt has another answer of the gateway's already.
    #[error("the attempt has another prepay_id or code_url already")]
    OtherPrepay,
    /// There is no such payment.
    #[error("there is no such payment")]
    NoSuchPayment,
    /// The amount is not the order's.
    #[error("total_fee is {got} fen, the order's is {expected}")]
    AmountMismatch {
        /// The order's amount.
        expected: Fen,
        /// The amount told.
        got: Fen,
    },
    /// The currency is not the order's.
    #[error("fee_type is {got}, the order's is {expected}")]
    CurrencyMismatch {
        /// The order's currency.
        expected: FeeType,
        /// The currency told.
        got: FeeType,
    },
    /// The attempt was paid by another transaction.
    #[error("the attempt was paid by transaction {known}")]
    OtherTransaction {
        /// The transaction that the ledger has.
        known: TransactionId,
    },
    /// The transaction paid another attempt of the same order.
    #[error("the transaction paid attempt {attempt}")]
    TransactionOfOtherAttempt {
        /// That attempt.
        attempt: OutTradeNo,
    },
    /// The transaction paid another order.
    #[error("the transaction paid order {owner}")]
    TransactionOfOtherOrder {
        /// That order.
        owner: OrderKey,
    },
    /// The order is not paid, so there is nothing to give back.
    #[error("the order is not paid")]
    NotPaid,
    /// The number has a refund already, and it was asked for with other content.
    #[error("the refund exists with other content: {field} differs")]
    OtherRefund {
        /// The first field that differs.
        field: String,
    },
    /// The number is a refund of another order.
    #[error("the refund number {number} is taken")]
    RefundNumberTaken {
        /// The number.
        number: OutRefundNo,
    },
    /// There is no such refund.
    #[error("there is no refund {number} of this order")]
    NoSuchRefund {
        /// The number.
        number: OutRefundNo,
    },
    /// More than is left of the payment.
    #[error("refund_fee is {got} fen, of the payment {left} are left")]
    RefundExceeds {
        /// What no other refund binds.
        left: Fen,
        /// The amount asked for.
        got: Fen,
    },
    /// The order has as many refunds as the gateway allows.
    #[error("the order has {most} refunds, and may not have more")]
    TooManyRefunds {
        /// The limit.
        most: u32,
    },
    /// The gateway takes one refund of an order in a minute.
    #[error("the order's next refund may be begun at {at}")]
    RefundTooSoon {
        /// From then on.
        at: Timestamp,
    },
    /// The gateway gives nothing back after a year.
    #[error("the payment could be refunded until {until}")]
    RefundTooLate {
        /// Until then.
        until: Timestamp,
    },
    /// The rule for extra payments does not allow it: an operator has to decide.
    #[error("not refunded by rule: {why}")]
    BeyondRule {
        /// What stands against it.
        why: BeyondRule,
    },
    /// The gateway says another amount than was asked for.
    #[error("refund_fee is {got} fen, the refund's is {expected}")]
    RefundAmountMismatch {
        /// The refund's amount.
        expected: Fen,
        /// The amount told.
        got: Fen,
    },
    /// The gateway says another number of its own than before.
    #[error("the refund has another refund_id")]
    OtherRefundId,
    /// The refund has come to another end.
    #[error("the refund is {known}, told is {got}")]
    OtherRefundState {
        /// The state that the ledger has.
        known: RefundState,
        /// The state told.
        got: RefundState,
    },
}

/// What stands against giving a payment back by rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum BeyondRule {
    /// It paid the order.
    #[error("it is no extra payment")]
    NoExtraPayment,
    /// No query has confirmed it.
    #[error("no query has confirmed it")]
    Unconfirmed,
    /// The rule gives back whole payments.
    #[error("the rule gives back whole payments")]
    NotWhole,
    /// The merchant's certificate is missing.
    #[error("the merchant's certificate is missing")]
    NoCertificate,
    /// It is above the cap.
    #[error("it is above the cap")]
    AboveCap,
}

impl Refusal {
    /// A stable name, such as `amount_mismatch`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownOrder => "unknown_order",
            Self::OtherContent { .. } => "other_content",
            Self::NumberTaken { .. } => "number_taken",
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::Invalid { .. } => "invalid",
            Self::Closed => "closed",
            Self::Closing => "closing",
            Self::NotClosing => "not_closing",
            Self::AlreadyPaid => "already_paid",
            Self::NoSuchAttempt { .. } => "no_such_attempt",
            Self::OtherPrepay => "other_prepay",
            Self::NoSuchPayment => "no_such_payment",
            Self::AmountMismatch { .. } => "amount_mismatch",
            Self::CurrencyMismatch { .. } => "currency_mismatch",
            Self::OtherTransaction { .. } => "other_transaction",
            Self::TransactionOfOtherAttempt { .. } => "transaction_of_other_attempt",
            Self::TransactionOfOtherOrder { .. } => "transaction_of_other_order",
            Self::NotPaid => "not_paid",
            Self::OtherRefund { .. } => "other_refund",
            Self::RefundNumberTaken { .. } => "refund_number_taken",
            Self::NoSuchRefund { .. } => "no_such_refund",
            Self::RefundExceeds { .. } => "refund_exceeds",
            Self::TooManyRefunds { .. } => "too_many_refunds",
            Self::RefundTooSoon { .. } => "refund_too_soon",
            Self::RefundTooLate { .. } => "refund_too_late",
            Self::BeyondRule { .. } => "beyond_rule",
            Self::RefundAmountMismatch { .. } => "refund_amount_mismatch",
            Self::OtherRefundId => "other_refund_id",
            Self::OtherRefundState { .. } => "other_refund_state",
        }
    }
}
