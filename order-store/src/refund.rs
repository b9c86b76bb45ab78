//! Refunds: money on its way back.

use serde::{Deserialize, Serialize};
use wxpay_core::{
    Fen, OutRefundNo, TransactionId,
    api::{RefundDesc, RefundId},
};

use crate::Timestamp;

/// One refund of one payment, stored before the gateway is asked for it.
///
/// It is repeated under its own number, never under a new one: a second number would be a second refund.
/// Source: pay.weixin.qq.com, "申请退款".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The merchant's number of it; no other refund of the merchant's has it.
    pub out_refund_no: OutRefundNo,
    /// The payment it gives back.
    pub transaction_id: TransactionId,
    /// How much, in fen.
    pub refund_fee: Fen,
    /// What the payer is told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RefundDesc>,
    /// How far it is.
    pub state: RefundState,
    /// The gateway's number of it, once the gateway has taken it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<RefundId>,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it came to its state.
    pub changed_at: Timestamp,
}

/// How far a refund is, in the gateway's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// The name on the outside, such as `processing`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Success => "success",
            Self::Closed => "closed",
            Self::Change => "change",
        }
    }

    /// Whether its amount is bound and its end open.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Processing | Self::Change)
    }

    /// Whether its amount is bound: all but a closed one's.
    #[must_use]
    pub const fn binds(self) -> bool {
        !matches!(self, Self::Closed)
    }
}

impl std::fmt::Display for RefundState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a refund is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundGround {
    /// Someone asked for it.
    Asked,
    /// A second payment of the same order is given back without anyone's asking, if this policy allows it. If it does not,
    /// the command is [`Refusal::BeyondRule`](crate::Refusal::BeyondRule) and the payment is left to an operator.
    ExtraPayment(ExtraPaymentPolicy),
}

/// What may be given back without anyone's asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExtraPaymentPolicy {
    /// Whether the service can refund at all: the gateway takes refunds only from who shows the merchant's certificate.
    pub certificate: MerchantCertificate,
    /// The largest payment that is given back so.
    pub cap: Fen,
}

/// Whether the merchant's API certificate is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MerchantCertificate {
    /// It is.
    AtHand,
    /// It is not.
    Missing,
}
