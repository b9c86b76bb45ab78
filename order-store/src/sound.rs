//! What must hold of an order with its log, and of a row of the outbox, whoever holds them: for [`check`](crate::check), and
//! for what is loaded.

use std::collections::HashSet;

use wxpay_core::{AppId, MchId, OutRefundNo, OutTradeNo, TransactionId};

use crate::{Day, Order, OrderRecord, OutboxId, OutboxRow, ReplayError, Role, replay};

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The log is none.
    #[error(transparent)]
    Log(#[from] ReplayError),
    /// The order is not what its log says.
    #[error("{field} is not what the log says")]
    NotWhatTheLogSays {
        /// Of the order.
        field: &'static str,
    },
    /// A payment is there twice, or not of the order's amount, or of no attempt of the order's, or none is the first.
    #[error("payment {transaction_id} is no payment of this order")]
    Payment {
        /// Which.
        transaction_id: TransactionId,
    },
    /// More is given back of a payment than came in.
    #[error("more is given back of payment {transaction_id} than came in")]
    RefundsExceed {
        /// The payment.
        transaction_id: TransactionId,
    },
    /// Work is left and nothing will look after it, or the other way round.
    #[error("work left and due time do not fit")]
    Due,
    /// The index of numbers does not lead to the order.
    #[error("number {number} does not lead to the order")]
    NumberIndex {
        /// Which.
        number: OutTradeNo,
    },
    /// The index of transactions does not lead to the order.
    #[error("transaction {transaction_id} does not lead to the order")]
    TransactionIndex {
        /// Which.
        transaction_id: TransactionId,
    },
    /// The index of refunds does not lead to the order.
    #[error("refund {out_refund_no} does not lead to the order")]
    RefundIndex {
        /// Which.
        out_refund_no: OutRefundNo,
    },
    /// A row of the outbox tells what the ledger does not say.
    #[error("outbox row {id} tells what the ledger does not say")]
    Outbox {
        /// Which.
        id: OutboxId,
    },
    /// The totals of a day are not those of its payments and refunds.
    #[error("the totals of {mch_id} on {day} are not those of its payments and refunds")]
    Totals {
        /// The day.
        day: Day,
        /// The merchant.
        mch_id: MchId,
    },
    /// An account's open orders are not those that are open.
    #[error("account {appid} of {mch_id} has other open orders than are counted")]
    Account {
        /// The account.
        appid: AppId,
        /// The merchant.
        mch_id: MchId,
    },
}

/// All that does not fit in an order and its log.
pub(crate) fn problems_of(record: &OrderRecord) -> Vec<Problem> {
    let order = &record.order;
    let mut problems = Vec::new();
    match replay(&record.log) {
        Err(error) => problems.push(error.into()),
        Ok(replayed) => {
            let differs = replayed.differs(order);
            problems.extend(differs.map(|field| Problem::NotWhatTheLogSays { field }));
        }
    }
    money(order, &mut problems);
    if order.is_open() != order.due.is_some() {
        problems.push(Problem::Due);
    }
    problems
}

fn money(order: &Order, problems: &mut Vec<Problem>) {
    let mut seen = HashSet::new();
    for (n, payment) in order.payments.iter().enumerate() {
        let fits = seen.insert(payment.attempt.as_str())
            && seen.insert(payment.transaction_id.as_str())
            && (payment.role == Role::First) == (n == 0)
            && payment.total_fee == order.terms.total_fee
            && order.owns(&payment.attempt);
        let transaction_id = payment.transaction_id.clone();
        let bound: u128 = order
            .refunds
            .iter()
            .filter(|r| r.transaction_id == transaction_id && r.state.binds())
            .map(|refund| u128::from(refund.refund_fee.get()))
            .sum();
        if bound > payment.total_fee.get().into() {
            let transaction_id = transaction_id.clone();
            problems.push(Problem::RefundsExceed { transaction_id });
        }
        if !fits {
            problems.push(Problem::Payment { transaction_id });
        }
    }
}

/// Whether a row of the outbox tells what the ledger says of this order.
pub(crate) fn tells_of(row: &OutboxRow, order: &Order) -> bool {
    row.key == order.key
        && order.transaction_id() == Some(&row.facts.transaction_id)
        && order.page_ticket == row.facts.page_ticket
        && row.id == OutboxId::paid(&row.key, row.kind)
}
