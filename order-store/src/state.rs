//! Where an order stands, who brought it there, and why a person should look at it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where an order stands. Derived from its payments, refunds and closing, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Nothing came in yet.
    Unpaid,
    /// Paid, and no refund under way.
    Paid,
    /// Closed without a payment.
    Closed,
    /// At least one refund is under way.
    Refunding,
    /// All that was paid was given back.
    Refunded,
}

impl OrderState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Unpaid,
        Self::Paid,
        Self::Closed,
        Self::Refunding,
        Self::Refunded,
    ];

    /// The name on the outside, such as `unpaid`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unpaid => "unpaid",
            Self::Paid => "paid",
            Self::Closed => "closed",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
        }
    }

    /// Whether a payment came in, whatever was given back since.
    #[must_use]
    pub const fn has_payment(self) -> bool {
        matches!(self, Self::Paid | Self::Refunding | Self::Refunded)
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("state is unpaid, paid, closed, refunding or refunded")]
pub struct UnknownState;

impl FromStr for OrderState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(UnknownState)
    }
}

/// Who brought a change about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The merchant's program.
    Shop,
    /// A verified notify.
    Notify,
    /// An answer to a query.
    Query,
    /// The sweeper.
    Sweeper,
    /// A person.
    Operator,
}

impl By {
    /// The name on the outside, such as `notify`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shop => "shop",
            Self::Notify => "notify",
            Self::Query => "query",
            Self::Sweeper => "sweeper",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a person should look at an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Attention {
    /// It was paid after it was closed.
    PaidAfterClose,
    /// A second attempt was paid too.
    ExtraPayment,
    /// A verified message told of another amount or currency.
    AmountMismatch,
    /// A verified message told of another transaction for an attempt that was paid, or of one that is someone else's.
    TransactionMismatch,
    /// A query says otherwise than a verified notify.
    Contradicted,
    /// A refund failed: the payer has not got the money.
    RefundClosed,
    /// The payer's bank refused a refund. Goes by itself when the refund comes to its end.
    RefundChange,
    /// The gateway tells of a refund that the ledger does not have, or has otherwise.
    RefundMismatch,
}

impl Attention {
    /// The name on the outside, such as `paid_after_close`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaidAfterClose => "paid_after_close",
            Self::ExtraPayment => "extra_payment",
            Self::AmountMismatch => "amount_mismatch",
            Self::TransactionMismatch => "transaction_mismatch",
            Self::Contradicted => "contradicted",
            Self::RefundClosed => "refund_closed",
            Self::RefundChange => "refund_change",
            Self::RefundMismatch => "refund_mismatch",
        }
    }
}

impl fmt::Display for Attention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
