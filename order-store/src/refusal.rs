//! Why a command was not done.

use serde::{Deserialize, Serialize};
use wxpay_core::{FeeType, Fen, OutTradeNo, TransactionId};

use crate::OrderKey;

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
        }
    }
}
