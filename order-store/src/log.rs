//! The log: what happened to an order, oldest first.

use std::fmt;

use serde::{Deserialize, Serialize};
use wxpay_core::{Fen, OutRefundNo, OutTradeNo, TransactionId};

use crate::{Attention, By, OrderState, Refusal, Timestamp};

/// One row of an order's log, written with the change that it tells of.
///
/// An order that was paid has exactly one row [`What::Paid`], which comes to `paid` from `unpaid` or `closed`. A refusal after
/// verification is a row with `from` equal to `to`; the same refusal again adds none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When.
    pub at: Timestamp,
    /// The state before; nothing when the order was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<OrderState>,
    /// The state after.
    pub to: OrderState,
    /// Who.
    pub by: By,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What a row of the log tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[non_exhaustive]
pub enum What {
    /// The order was made.
    Created,
    /// An attempt was begun.
    AttemptBegun {
        /// Its number.
        attempt: OutTradeNo,
    },
    /// The gateway gave a code.
    PrepayAttached {
        /// For this attempt.
        attempt: OutTradeNo,
    },
    /// The order was paid.
    Paid {
        /// The attempt that was paid.
        attempt: OutTradeNo,
        /// By this transaction.
        transaction_id: TransactionId,
        /// The amount, in fen.
        total_fee: Fen,
    },
    /// Another attempt was paid too.
    ExtraPayment {
        /// That attempt.
        attempt: OutTradeNo,
        /// By this transaction.
        transaction_id: TransactionId,
        /// The amount, in fen.
        total_fee: Fen,
    },
    /// A query confirmed a payment.
    PaymentConfirmed {
        /// The attempt.
        attempt: OutTradeNo,
        /// The transaction.
        transaction_id: TransactionId,
    },
    /// A query says otherwise than a verified notify.
    Contradicted {
        /// The attempt.
        attempt: OutTradeNo,
        /// The notify's transaction.
        transaction_id: TransactionId,
        /// What the query said.
        reason: String,
    },
    /// A close was begun; the gateway comes next.
    CloseBegun,
    /// The order was closed here. Where the gateway has a number of it, that is closed later.
    ClosedHere,
    /// The gateway closed it.
    ClosedAtGateway,
    /// The gateway does not know it.
    UnknownAtGateway,
    /// The gateway says that it is paid.
    PaidAtGateway,
    /// A verified message was refused.
    Refused {
        /// Which command.
        command: String,
        /// The attempt that it was about.
        attempt: OutTradeNo,
        /// The transaction that it was about.
        transaction_id: TransactionId,
        /// Why.
        refusal: Refusal,
    },
    /// A refund was begun; the gateway comes next.
    RefundBegun {
        /// Its number.
        out_refund_no: OutRefundNo,
        /// The payment it gives back.
        transaction_id: TransactionId,
        /// The amount, in fen.
        refund_fee: Fen,
        /// Whether anyone asked for it.
        cause: RefundCause,
    },
    /// The gateway has taken a refund on.
    RefundAccepted {
        /// Its number.
        out_refund_no: OutRefundNo,
    },
    /// The payer has the money back.
    RefundSucceeded {
        /// The refund's number.
        out_refund_no: OutRefundNo,
        /// The amount, in fen.
        refund_fee: Fen,
    },
    /// A refund failed, and its amount is free again.
    RefundClosed {
        /// Its number.
        out_refund_no: OutRefundNo,
    },
    /// The payer's bank refused a refund.
    RefundChange {
        /// Its number.
        out_refund_no: OutRefundNo,
    },
    /// A verified message of a refund was refused, or the rule for extra payments did not allow one.
    RefundRefused {
        /// Which command.
        command: String,
        /// The refund that it was about.
        out_refund_no: OutRefundNo,
        /// The payment that it was about, where the command names one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transaction_id: Option<TransactionId>,
        /// Why.
        refusal: Refusal,
    },
    /// A person has looked at what the order was flagged for.
    AttentionCleared {
        /// The flag.
        attention: Attention,
        /// What was found.
        note: String,
    },
}

/// Who wanted a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundCause {
    /// Someone asked for it.
    Asked,
    /// The rule for extra payments.
    Rule,
}

impl What {
    /// Its name, as in the serde form, such as `paid`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::AttemptBegun { .. } => "attempt_begun",
            Self::PrepayAttached { .. } => "prepay_attached",
            Self::Paid { .. } => "paid",
            Self::ExtraPayment { .. } => "extra_payment",
            Self::PaymentConfirmed { .. } => "payment_confirmed",
            Self::Contradicted { .. } => "contradicted",
            Self::CloseBegun => "close_begun",
            Self::ClosedHere => "closed_here",
            Self::ClosedAtGateway => "closed_at_gateway",
            Self::UnknownAtGateway => "unknown_at_gateway",
            Self::PaidAtGateway => "paid_at_gateway",
            Self::Refused { .. } => "refused",
            Self::RefundBegun { .. } => "refund_begun",
            Self::RefundAccepted { .. } => "refund_accepted",
            Self::RefundSucceeded { .. } => "refund_succeeded",
            Self::RefundClosed { .. } => "refund_closed",
            Self::RefundChange { .. } => "refund_change",
            Self::RefundRefused { .. } => "refund_refused",
            Self::AttentionCleared { .. } => "attention_cleared",
        }
    }
}

/// For people. Programs read the serde form, tagged by `what`.
impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created => f.write_str("created"),
            Self::AttemptBegun { attempt } => write!(f, "attempt {attempt} begun"),
            Self::PrepayAttached { attempt } => write!(f, "attempt {attempt} has a code_url"),
            Self::Paid {
                attempt,
                transaction_id,
                total_fee,
            } => write!(
                f,
                "attempt {attempt} paid {total_fee} fen, transaction {transaction_id}"
            ),
            Self::ExtraPayment {
                attempt,
                transaction_id,
                total_fee,
            } => write!(
                f,
                "attempt {attempt} paid as well: {total_fee} fen, transaction {transaction_id}"
            ),
            Self::PaymentConfirmed { transaction_id, .. } => {
                write!(f, "transaction {transaction_id} confirmed")
            }
            Self::Contradicted {
                transaction_id,
                reason,
                ..
            } => write!(f, "transaction {transaction_id} contradicted: {reason}"),
            Self::CloseBegun => f.write_str("close begun"),
            Self::ClosedHere => f.write_str("closed here"),
            Self::ClosedAtGateway => f.write_str("closed at the gateway"),
            Self::UnknownAtGateway => f.write_str("the gateway does not know it"),
            Self::PaidAtGateway => f.write_str("the gateway says it is paid"),
            Self::Refused {
                command,
                transaction_id,
                refusal,
                ..
            } => write!(
                f,
                "{command} refused, transaction {transaction_id}: {refusal}"
            ),
            Self::RefundBegun {
                out_refund_no,
                transaction_id,
                refund_fee,
                cause,
            } => {
                let by_rule = match cause {
                    RefundCause::Asked => "",
                    RefundCause::Rule => " by rule",
                };
                write!(
                    f,
                    "refund {out_refund_no} of {refund_fee} fen begun{by_rule}, transaction {transaction_id}"
                )
            }
            Self::RefundAccepted { out_refund_no } => {
                write!(f, "the gateway took refund {out_refund_no} on")
            }
            Self::RefundSucceeded {
                out_refund_no,
                refund_fee,
            } => write!(f, "refund {out_refund_no} of {refund_fee} fen succeeded"),
            Self::RefundClosed { out_refund_no } => {
                write!(f, "refund {out_refund_no} failed; its amount is free")
            }
            Self::RefundChange { out_refund_no } => {
                write!(f, "the payer's bank refused refund {out_refund_no}")
            }
            Self::RefundRefused {
                command,
                out_refund_no,
                refusal,
                ..
            } => write!(f, "{command} refused, refund {out_refund_no}: {refusal}"),
            Self::AttentionCleared { attention, note } if note.is_empty() => {
                write!(f, "{attention} looked at")
            }
            Self::AttentionCleared { attention, note } => {
                write!(f, "{attention} looked at: {note}")
            }
        }
    }
}
