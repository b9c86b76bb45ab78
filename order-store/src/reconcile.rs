//! The ledger against the gateway's bill.
//!
//! Rows go in one by one and differences come out at once; what the bill lacks comes at the end:
//!
//! ```
//! # use order_store::{BillEntry, BillRow, Day, Difference, DifferenceKind, OrderStore, Reconciliation, ReconcileError};
//! # async fn example(store: &dyn OrderStore, bill: Vec<BillRow>) -> Result<Vec<Difference>, ReconcileError> {
//! let day: Day = "2019-03-20".parse().expect("a day");
//! let mut differences = Vec::new();
//! let mut reconciliation = Reconciliation::new(store, "1473426802".parse().expect("a merchant"), day, day);
//! for row in bill {
//!     differences.extend(reconciliation.row(&row).await?);
//! }
//! let mut missing = reconciliation.finish();
//! while let Some(difference) = missing.next().await? {
//!     differences.push(difference);
//! }
//! # Ok(differences)
//! # }
//! ```

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use wxpay_core::{
    Fen, MchId, OutRefundNo, OutTradeNo, TextError, TransactionId,
    bill::{self, Trade},
};

use crate::{
    Cursor, Day, Order, OrderKey, OrderQuery, OrderStore, PAGE_MAX, REFUND_WITHIN, Refund,
    RefundState, StoreError, Timestamp,
};

/// The most rows of one reconciliation: some 250 MB of memory.
pub const RECONCILE_ROWS_MAX: usize = 5_000_000;
/// The gateway's clock and ours may be so far apart.
const EDGE: Duration = Duration::from_mins(5);
/// Orders made so long after the last day cannot have been paid in it, whatever the clocks.
const SLACK: Duration = Duration::from_hours(24);

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

/// In what ledger and bill differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The bill has it, the ledger has not. With a key, the ledger has the order and not this payment or refund of it.
    MissingHere,
    /// The ledger has it, the bill has not.
    MissingThere {
        /// When it was, by the ledger.
        at: Timestamp,
        /// Whether another day's bill may have it.
        certainty: Certainty,
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
    /// The bill has it twice.
    Twice,
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

/// How sure it is that the bill should have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It is of these days by the gateway's own clock, or far from their ends.
    Sure,
    /// A refund begun within five minutes of the first or last moment: the bill of the day beside may have it.
    NearEdge,
}

/// Why a reconciliation did not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReconcileError {
    /// The ledger could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Take fewer days at once.
    #[error("the bill has more than {RECONCILE_ROWS_MAX} rows: take fewer days at once")]
    TooManyRows,
}

/// A name in the set of what was seen: 128 bits of SHA-256, so that no row hides behind another.
type Seen = [u8; 16];

fn seen_of(kind: u8, number: &str) -> Seen {
    let mut hash = Sha256::new();
    hash.update([kind]);
    hash.update(number);
    let mut name = Seen::default();
    name.copy_from_slice(&hash.finalize()[..16]);
    name
}

const PAYMENT: u8 = b'p';
const REFUND: u8 = b'r';
const REVERSAL: u8 = b'v';

/// The ledger against the bill of some days of one merchant.
///
/// It holds 16 bytes and a hash table's overhead for each row, some 50 bytes in all, at most [`RECONCILE_ROWS_MAX`] rows; each
/// row costs one or two look-ups.
pub struct Reconciliation<'a> {
    store: &'a dyn OrderStore,
    mch_id: MchId,
    from: Day,
    to: Day,
    seen: HashSet<Seen>,
}

impl fmt::Debug for Reconciliation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconciliation")
            .field("mch_id", &self.mch_id)
            .field("from", &self.from)
            .field("to", &self.to)
            .field("rows", &self.seen.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Reconciliation<'a> {
    /// Of this merchant, from the first moment of `from` to the last of `to`.
    #[must_use]
    pub fn new(store: &'a dyn OrderStore, mch_id: MchId, from: Day, to: Day) -> Self {
        Self {
            store,
            mch_id,
            from,
            to,
            seen: HashSet::new(),
        }
    }

    /// Takes one row of the bill, in whatever order, and says how the ledger differs.
    ///
    /// # Errors
    /// [`ReconcileError`].
    pub async fn row(&mut self, row: &BillRow) -> Result<Option<Difference>, ReconcileError> {
        let (name, out_refund_no) = match &row.entry {
            BillEntry::Payment { .. } => (seen_of(PAYMENT, row.transaction_id.as_str()), None),
            BillEntry::Reversal => (seen_of(REVERSAL, row.transaction_id.as_str()), None),
            BillEntry::Refund { out_refund_no, .. } => (
                seen_of(REFUND, out_refund_no.as_str()),
                Some(out_refund_no.clone()),
            ),
        };
        if self.seen.len() >= RECONCILE_ROWS_MAX {
            return Err(ReconcileError::TooManyRows);
        }
        let (key, kind) = if self.seen.insert(name) {
            self.compare(row).await?
        } else {
            (None, Some(DifferenceKind::Twice))
        };
        Ok(kind.map(|kind| Difference {
            key,
            out_trade_no: row.out_trade_no.clone(),
            transaction_id: row.transaction_id.clone(),
            out_refund_no,
            kind,
        }))
    }

    async fn compare(
        &self,
        row: &BillRow,
    ) -> Result<(Option<OrderKey>, Option<DifferenceKind>), StoreError> {
        let order = match &row.entry {
            BillEntry::Refund { out_refund_no, .. } => {
                self.store.find_refund(&self.mch_id, out_refund_no).await?
            }
            BillEntry::Payment { .. } | BillEntry::Reversal => {
                self.store
                    .find_transaction(&self.mch_id, &row.transaction_id)
                    .await?
            }
        };
        let Some(order) = order else {
            let owner = self
                .store
                .find_attempt(&self.mch_id, &row.out_trade_no)
                .await?;
            // A payment that was reversed before it was told of never was.
            let kind = (row.entry != BillEntry::Reversal).then_some(DifferenceKind::MissingHere);
            return Ok((owner.map(|order| order.key), kind));
        };
        let kind = match &row.entry {
            BillEntry::Reversal => Some(DifferenceKind::State {
                here: Standing::Paid,
                there: Standing::Reversed,
            }),
            BillEntry::Payment { total_fee } => order
                .payment(&row.transaction_id)
                .and_then(|payment| amounts(payment.total_fee, *total_fee)),
            BillEntry::Refund {
                out_refund_no,
                refund_fee,
                state,
            } => order
                .refund(out_refund_no)
                .and_then(|refund| refunds_differ(refund, *refund_fee, *state)),
        };
        Ok((Some(order.key), kind))
    }

    /// The bill is at its end: what does it lack?
    ///
    /// It reads the orders made within a year before the last day, a page at a time: a refund can be as late as that.
    #[must_use]
    pub fn finish(self) -> Missing<'a> {
        let end = self.to.next().start();
        // Lists go backwards from here; of the key no more is asked than that it is one.
        let cursor = Cursor {
            created_at: end + SLACK,
            key: OrderKey {
                mch_id: self.mch_id.clone(),
                out_trade_no: OutTradeNo::try_from("0".to_owned())
                    .unwrap_or_else(|_| unreachable!("a digit is a number")),
            },
        };
        Missing {
            query: Some(OrderQuery {
                state: None,
                since: Some(self.from.start() - REFUND_WITHIN - SLACK),
                cursor: Some(cursor),
                limit: PAGE_MAX,
            }),
            start: self.from.start(),
            end,
            reconciliation: self,
            found: VecDeque::new(),
        }
    }
}

fn amounts(here: Fen, there: Option<Fen>) -> Option<DifferenceKind> {
    let there = there.filter(|there| *there != here)?;
    Some(DifferenceKind::Amount { here, there })
}

fn refunds_differ(refund: &Refund, fee: Option<Fen>, there: RefundState) -> Option<DifferenceKind> {
    let here = refund.state;
    let went_on = match there {
        RefundState::Processing => true,
        RefundState::Change => here != RefundState::Processing,
        RefundState::Success | RefundState::Closed => here == there,
    };
    let states = || DifferenceKind::State {
        here: Standing::Refund(here),
        there: Standing::Refund(there),
    };
    amounts(refund.refund_fee, fee).or_else(|| (!went_on).then(states))
}

/// What the ledger has and the bill has not; made by [`Reconciliation::finish`].
#[derive(Debug)]
pub struct Missing<'a> {
    reconciliation: Reconciliation<'a>,
    /// The next page; nothing behind the last.
    query: Option<OrderQuery>,
    start: Timestamp,
    end: Timestamp,
    found: VecDeque<Difference>,
}

impl Missing<'_> {
    /// The next difference; nothing when there is none.
    ///
    /// # Errors
    /// [`ReconcileError::Store`].
    pub async fn next(&mut self) -> Result<Option<Difference>, ReconcileError> {
        loop {
            if let Some(difference) = self.found.pop_front() {
                return Ok(Some(difference));
            }
            let Some(query) = self.query.take() else {
                return Ok(None);
            };
            let page = self.reconciliation.store.list(query.clone()).await?;
            self.query = page.next.map(|cursor| OrderQuery {
                cursor: Some(cursor),
                ..query
            });
            for order in &page.orders {
                if order.key.mch_id == self.reconciliation.mch_id {
                    self.look_at(order);
                }
            }
        }
    }

    fn look_at(&mut self, order: &Order) {
        let days = self.start..self.end;
        let missing =
            |kind, number: &str| !self.reconciliation.seen.contains(&seen_of(kind, number));
        let payments = order.payments.iter().filter_map(|payment| {
            let at = Timestamp::from(payment.time_end);
            let is_missing =
                days.contains(&at) && missing(PAYMENT, payment.transaction_id.as_str());
            is_missing.then(|| Difference {
                key: Some(order.key.clone()),
                out_trade_no: payment.attempt.clone(),
                transaction_id: payment.transaction_id.clone(),
                out_refund_no: None,
                kind: DifferenceKind::MissingThere {
                    at,
                    certainty: Certainty::Sure,
                },
            })
        });
        let refunds = order.refunds.iter().filter_map(|refund| {
            let at = refund.begun_at;
            // One that the gateway never took on is in no bill.
            let is_missing = days.contains(&at)
                && refund.refund_id.is_some()
                && missing(REFUND, refund.out_refund_no.as_str());
            let attempt = &order.payment(&refund.transaction_id)?.attempt;
            is_missing.then(|| Difference {
                key: Some(order.key.clone()),
                out_trade_no: attempt.clone(),
                transaction_id: refund.transaction_id.clone(),
                out_refund_no: Some(refund.out_refund_no.clone()),
                kind: DifferenceKind::MissingThere {
                    at,
                    certainty: if at < days.start + EDGE || at + EDGE >= days.end {
                        Certainty::NearEdge
                    } else {
                        Certainty::Sure
                    },
                },
            })
        });
        let found: Vec<Difference> = payments.chain(refunds).collect();
        self.found.extend(found);
    }
}
