//! What a bill says.

use wxpay_core::{
    Fen, OutRefundNo, OutTradeNo, TextError, TransactionId,
    bill::{self, Trade},
};

use crate::RefundState;

/// One row of a bill, as far as the ledger can know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillRow {
    /// The number at the gateway: an attempt's.
    pub out_trade_no: OutTradeNo,
    /// The payment; in a refund, the payment that it gives back.
    pub transaction_id: TransactionId,
    /// What the row is.
    pub entry: BillEntry,
}

/// What a row of a bill is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillEntry {
    /// A payment.
    Payment {
        /// The order's amount, where the bill has it.
        total_fee: Option<Fen>,
    },
    /// A refund.
    Refund {
        /// The merchant's number of it.
        out_refund_no: OutRefundNo,
        /// The amount asked for, where the bill has it.
        refund_fee: Option<Fen>,
        /// What became of it on the day of the bill.
        state: RefundState,
    },
    /// A payment by code that was reversed.
    Reversal,
}

/// Why a row of the gateway's bill is none that can be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BillRowError {
    /// A number is none.
    #[error(transparent)]
    Number(#[from] TextError),
    /// It is no payment, refund or reversal.
    #[error("trade_state {0} is not known")]
    TradeState(String),
    /// It is a refund without a refund's columns.
    #[error("a refund without its number")]
    NoRefund,
    /// Its refund is in a state that is not known.
    #[error("refund_status {0} is not known")]
    RefundState(String),
}

impl TryFrom<&Trade<'_>> for BillRow {
    type Error = BillRowError;

    fn try_from(trade: &Trade<'_>) -> Result<Self, BillRowError> {
        let entry = match (trade.state, &trade.refund) {
            (bill::TradeState::Success, _) => BillEntry::Payment {
                total_fee: trade.order_total,
            },
            (bill::TradeState::Revoked, _) => BillEntry::Reversal,
            (bill::TradeState::Refund, Some(refund)) => BillEntry::Refund {
                out_refund_no: refund.out_refund_no.parse()?,
                refund_fee: refund.requested,
                state: match refund.state {
                    bill::RefundState::Success => RefundState::Success,
                    bill::RefundState::Processing => RefundState::Processing,
                    bill::RefundState::Fail => RefundState::Closed,
                    bill::RefundState::Change => RefundState::Change,
                    other => return Err(BillRowError::RefundState(other.as_str().to_owned())),
                },
            },
            (bill::TradeState::Refund, None) => return Err(BillRowError::NoRefund),
            (other, _) => return Err(BillRowError::TradeState(other.as_str().to_owned())),
        };
        Ok(Self {
            out_trade_no: trade.out_trade_no.parse()?,
            transaction_id: trade.transaction_id.parse()?,
            entry,
        })
    }
}
