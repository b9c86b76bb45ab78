//! Refunds. No command makes one yet; the entity and what it does to an order's state stand.

use serde::{Deserialize, Serialize};
use wxpay_core::{Fen, OutRefundNo, TransactionId};

use crate::Timestamp;

/// One refund of one payment. It is repeated under its own number, never under a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The merchant's number of it.
    pub out_refund_no: OutRefundNo,
    /// The payment it gives back.
    pub transaction_id: TransactionId,
    /// How much, in fen.
    pub refund_fee: Fen,
    /// How far it is.
    pub state: RefundState,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it came to its state.
    pub changed_at: Timestamp,
}

/// How far a refund is, in the gateway's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// On its way.
    Processing,
    /// The payer has the money.
    Success,
    /// It failed, and its amount is free again.
    Closed,
    /// The payer's bank refused; a person has to act. The amount is not free.
    Change,
}

impl RefundState {
    /// Whether its amount is bound and its end open.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Processing | Self::Change)
    }
}
