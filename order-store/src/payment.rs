//! Payments: money that the gateway says came in.

use serde::{Deserialize, Serialize};
use wxpay_core::{BeijingTime, Fen, OutTradeNo, TransactionId};

use crate::{By, Timestamp};

/// One payment of one attempt. Each (attempt, transaction) is kept once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The attempt that was paid.
    pub attempt: OutTradeNo,
    /// The gateway's number of the payment.
    pub transaction_id: TransactionId,
    /// The amount, in fen; equal to the order's.
    pub total_fee: Fen,
    /// When it was paid, by the gateway's clock.
    pub time_end: BeijingTime,
    /// Whether a query has confirmed it.
    pub confirmed: Confirmation,
    /// What it is to the order.
    pub role: Role,
    /// Of an extra payment, what the rule made of it; nothing while it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleVerdict>,
    /// When the ledger took it.
    pub noted_at: Timestamp,
    /// Who told of it.
    pub by: By,
}

/// Whether a query agrees with what a notify told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// The gateway's answer to a query says the same.
    Confirmed,
    /// Only a verified notify says so yet.
    Unconfirmed,
}

/// What a payment is to its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It paid the order.
    First,
    /// Another attempt was paid as well: money to give back.
    Extra,
}

/// What the rule for extra payments made of one: see [`RefundGround`](crate::RefundGround).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleVerdict {
    /// It is given back.
    GivenBack,
    /// It is left to an operator.
    LeftToOperator,
}
