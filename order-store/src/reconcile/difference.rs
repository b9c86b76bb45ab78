//! In what ledger and bill can differ.

use std::fmt;

use wxpay_core::{Fen, OutRefundNo, OutTradeNo, TransactionId};

use crate::{OrderKey, RefundState, Timestamp};

/// One difference between ledger and bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The order, where the ledger has it.
    pub key: Option<OrderKey>,
    /// The number at the gateway.
    pub out_trade_no: OutTradeNo,
    /// The payment.
    pub transaction_id: TransactionId,
    /// The refund, if it is about one.
    pub out_refund_no: Option<OutRefundNo>,
    /// What differs.
    pub kind: DifferenceKind,
}

/// In what ledger and bill differ. Of several the one that is named first here is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DifferenceKind {
    /// The bill has it twice.
    Twice,
    /// The bill has it, the ledger has not. With a key, the ledger has the order and not this payment or refund of it.
    MissingHere,
    /// The ledger has it, the bill has not.
    MissingThere {
        /// When it was, by the ledger.
        at: Timestamp,
        /// Whether another day's bill may have it.
        certainty: Certainty,
    },
    /// The payment, or the one that a refund gives back, is known here under another number at the gateway.
    OtherNumber {
        /// The ledger's: the attempt that was paid.
        here: OutTradeNo,
    },
    /// The refund is known here, and gives back another payment.
    OtherPayment {
        /// The ledger's.
        here: TransactionId,
    },
    /// The amounts differ.
    Amount {
        /// The ledger's, in fen.
        here: Fen,
        /// The bill's, in fen.
        there: Fen,
    },
    /// The states differ. A refund that went on since the bill was written is no difference.
    State {
        /// The ledger's.
        here: Standing,
        /// The bill's.
        there: Standing,
    },
}

/// One line for people; amounts in fen.
impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice => f.write_str("the bill has it twice"),
            Self::MissingHere => f.write_str("the bill has it, the ledger has not"),
            Self::MissingThere { at, certainty } => {
                write!(f, "the ledger has it at {at}, the bill has not")?;
                match certainty {
                    Certainty::Sure => Ok(()),
                    Certainty::NearEdge => f.write_str("; that of the day beside may have it"),
                }
            }
            Self::OtherNumber { here } => write!(f, "the ledger has it under number {here}"),
            Self::OtherPayment { here } => {
                write!(f, "in the ledger it gives back payment {here}")
            }
            Self::Amount { here, there } => write!(
                f,
                "the ledger has {} fen, the bill {} fen",
                here.get(),
                there.get()
            ),
            Self::State { here, there } => {
                write!(f, "the ledger has it as {here}, the bill as {there}")
            }
        }
    }
}

/// Where a payment or a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A payment that came in.
    Paid,
    /// A payment that was reversed.
    Reversed,
    /// A refund.
    Refund(RefundState),
}

/// `paid`, `reversed`, or `refund` and its state.
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paid => f.write_str("paid"),
            Self::Reversed => f.write_str("reversed"),
            Self::Refund(state) => write!(f, "refund {state}"),
        }
    }
}

/// How sure it is that the bill should have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It is of these days by the gateway's own clock, or far from their ends.
    Sure,
    /// A refund begun within five minutes of the first or last moment: the bill of the day beside may have it.
    NearEdge,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_reads_as_a_line() {
        let fen = |fen| Fen::new(fen).unwrap();
        let at = Timestamp::from_millis(1_553_063_806_000);
        for (kind, line) in [
            (
                DifferenceKind::Amount {
                    here: fen(1),
                    there: fen(2),
                },
                "the ledger has 1 fen, the bill 2 fen",
            ),
            (
                DifferenceKind::State {
                    here: Standing::Refund(RefundState::Processing),
                    there: Standing::Reversed,
                },
                "the ledger has it as refund processing, the bill as reversed",
            ),
            (
                DifferenceKind::MissingThere {
                    at,
                    certainty: Certainty::NearEdge,
                },
                "the ledger has it at 2019-03-20T14:36:46+08:00, the bill has not; that of the day beside may have it",
            ),
        ] {
            assert_eq!(kind.to_string(), line);
        }
    }
}
