//! The log: what happened to an order, oldest first.

use std::fmt;

use serde::{Deserialize, Serialize};
use wxpay_core::{Fen, OutTradeNo, TransactionId};

use crate::{By, OrderState, Refusal, Timestamp};

/// One row of an order's log, written with the change that it tells of.
///
/// An order that is paid has exactly one row that comes to `paid` from something else. A refusal after verification is
/// a row with `from` equal to `to`; the same refusal again adds none.
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
        }
    }
}
