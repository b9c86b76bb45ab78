//! What the ledger has and the bill has not.

use std::{collections::VecDeque, time::Duration};

use wxpay_core::OutTradeNo;

use super::{
    Reconciliation,
    difference::{Certainty, Difference, DifferenceKind},
};
use crate::{
    Cursor, Order, OrderKey, OrderQuery, PAGE_MAX, REFUND_WITHIN, ReconcileError, Timestamp,
};

/// The gateway's clock and ours may be so far apart.
const EDGE: Duration = Duration::from_mins(5);
/// Orders made so long after the last day cannot have been paid in it, whatever the clocks.
const SLACK: Duration = Duration::from_hours(24);

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

impl<'a> Missing<'a> {
    pub(super) fn of(reconciliation: Reconciliation<'a>) -> Self {
        let end = reconciliation.to.next().start();
        // Lists go backwards from here; of the key no more is asked than that it is one.
        let cursor = Cursor {
            created_at: end + SLACK,
            key: OrderKey {
                mch_id: reconciliation.mch_id.clone(),
                out_trade_no: OutTradeNo::try_from("0".to_owned())
                    .unwrap_or_else(|_| unreachable!("a digit is a number")),
            },
        };
        Self {
            query: Some(OrderQuery {
                state: None,
                since: Some(reconciliation.from.start() - REFUND_WITHIN - SLACK),
                cursor: Some(cursor),
                limit: PAGE_MAX,
            }),
            start: reconciliation.from.start(),
            end,
            reconciliation,
            found: VecDeque::new(),
        }
    }

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
        let seen = &self.reconciliation.seen;
        let payments = order.payments.iter().filter_map(|payment| {
            let at = Timestamp::from(payment.time_end);
            let is_missing = days.contains(&at) && !seen.has_payment(&payment.transaction_id);
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
                && !seen.has_refund(&refund.out_refund_no);
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
