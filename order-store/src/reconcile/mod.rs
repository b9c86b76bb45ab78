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

mod bill;
mod difference;
mod missing;
mod seen;

use std::fmt;

use wxpay_core::{Fen, MchId};

use self::seen::Seen;
pub use self::{
    bill::{BillEntry, BillRow, BillRowError},
    difference::{Certainty, Difference, DifferenceKind, Standing},
    missing::Missing,
};
use crate::{Day, Order, OrderKey, OrderStore, Refund, RefundState, StoreError};

/// The most rows of one reconciliation: some 250 MB of memory.
pub const RECONCILE_ROWS_MAX: usize = 5_000_000;

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

/// The ledger against the bill of some days of one merchant.
///
/// It holds 16 bytes and a hash table's overhead for each row, some 50 bytes in all, at most [`RECONCILE_ROWS_MAX`] rows; each
/// row costs one or two look-ups.
pub struct Reconciliation<'a> {
    store: &'a dyn OrderStore,
    mch_id: MchId,
    from: Day,
    to: Day,
    rows_max: usize,
    seen: Seen,
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
            rows_max: RECONCILE_ROWS_MAX,
            seen: Seen::default(),
        }
    }

    /// Takes one row of the bill, in whatever order, and says how the ledger differs.
    ///
    /// # Errors
    /// [`ReconcileError`].
    pub async fn row(&mut self, row: &BillRow) -> Result<Option<Difference>, ReconcileError> {
        let out_refund_no = match &row.entry {
            BillEntry::Payment { .. } | BillEntry::Reversal => None,
            BillEntry::Refund { out_refund_no, .. } => Some(out_refund_no.clone()),
        };
        if self.seen.len() >= self.rows_max {
            return Err(ReconcileError::TooManyRows);
        }
        let (key, kind) = if self.seen.insert(row) {
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
        let kind = differs(&order, row);
        Ok((Some(order.key), kind))
    }

    /// The bill is at its end: what does it lack?
    ///
    /// It reads the orders made within a year before the last day, a page at a time: a refund can be as late as that.
    #[must_use]
    pub fn finish(self) -> Missing<'a> {
        Missing::of(self)
    }
}

/// In what an order that has the payment or the refund of a row is not as the row says.
fn differs(order: &Order, row: &BillRow) -> Option<DifferenceKind> {
    let refund = match &row.entry {
        BillEntry::Payment { .. } | BillEntry::Reversal => None,
        BillEntry::Refund { out_refund_no, .. } => Some(order.refund(out_refund_no)?),
    };
    let here = refund.map_or(&row.transaction_id, |refund| &refund.transaction_id);
    let payment = order.payment(here)?;
    if payment.attempt != row.out_trade_no {
        let here = payment.attempt.clone();
        return Some(DifferenceKind::OtherNumber { here });
    }
    if *here != row.transaction_id {
        let here = here.clone();
        return Some(DifferenceKind::OtherPayment { here });
    }
    match (&row.entry, refund) {
        (BillEntry::Reversal, _) => Some(DifferenceKind::State {
            here: Standing::Paid,
            there: Standing::Reversed,
        }),
        (BillEntry::Payment { total_fee }, _) => amounts(payment.total_fee, *total_fee),
        (
            BillEntry::Refund {
                refund_fee, state, ..
            },
            refund,
        ) => refunds_differ(refund?, *refund_fee, *state),
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

#[cfg(all(test, feature = "memory"))]
mod tests {
    use super::*;
    use crate::{MemoryOptions, MemoryStore, Timestamp};

    /// No row is passed over unseen: the one too many is an error, each time.
    #[tokio::test]
    async fn a_row_too_many_is_told() {
        let store = MemoryStore::new(MemoryOptions::default());
        let day = Day::of(Timestamp::from_millis(0));
        let mut bill = Reconciliation::new(&store, "1473426802".parse().unwrap(), day, day);
        assert_eq!(bill.rows_max, RECONCILE_ROWS_MAX);
        bill.rows_max = 2;
        let row = |n: u32| BillRow {
            out_trade_no: "order-1".parse().unwrap(),
            transaction_id: format!("t{n}").parse().unwrap(),
            entry: BillEntry::Payment { total_fee: None },
        };
        for n in 0..2 {
            let found = bill.row(&row(n)).await.unwrap().unwrap();
            assert_eq!(found.kind, DifferenceKind::MissingHere);
        }
        for n in [2, 3] {
            let found = bill.row(&row(n)).await;
            assert!(
                matches!(found, Err(ReconcileError::TooManyRows)),
                "{found:?}"
            );
        }
    }
}
