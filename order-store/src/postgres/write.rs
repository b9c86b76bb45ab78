//! What a group writes, as the columns of its one statement.

use std::collections::BTreeSet;

use wxpay_core::{AppId, MchId, OutRefundNo, OutTradeNo, TransactionId};

use super::{
    fault::Fault,
    key::{encode, place, shard_of, to_i64},
    session::Session,
    sql::Sql,
};
use crate::{Day, Order, OrderKey, OutboxHold, OutboxRecord, outbox::plain, totals::Sums};

/// An order as it is in the database, or as it is to be.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) order: Order,
    pub(super) version: i64,
    pub(super) logged: i64,
    pub(super) sent: i64,
}

/// An order's row.
pub(super) struct OrderRow {
    key: OrderKey,
    version: i64,
    logged: i64,
    sent: i64,
    state: &'static str,
    appid: AppId,
    created_at: i64,
    due: Option<i64>,
    open: bool,
    doc: String,
}

impl OrderRow {
    pub(super) fn new(stored: &Stored) -> Self {
        let order: &Order = &stored.order;
        Self {
            key: order.key.clone(),
            version: stored.version,
            logged: stored.logged,
            sent: stored.sent,
            state: order.state().as_str(),
            appid: order.terms.appid.clone(),
            created_at: order.created_at.millis(),
            due: order.due.map(crate::Timestamp::millis),
            open: order.is_open(),
            doc: encode(order),
        }
    }
}

/// A row of the log.
pub(super) struct LogRow {
    pub(super) key: OrderKey,
    pub(super) n: i64,
    pub(super) doc: String,
}

/// A row of the outbox.
pub(super) struct OutRow {
    key: OrderKey,
    n: i64,
    id: String,
    kind: i16,
    created_at: i64,
    ready_at: Option<i64>,
    attempts: i64,
    last_error: Option<String>,
    doc: String,
}

impl OutRow {
    pub(super) fn new(n: i64, record: OutboxRecord) -> Self {
        let OutboxRecord { mut row, hold } = record;
        // Tries have columns of their own.
        let (attempts, last_error) = (std::mem::take(&mut row.attempts), row.last_error.take());
        Self {
            n,
            id: row.id.as_str().to_owned(),
            kind: row.kind as i16,
            created_at: row.created_at.millis(),
            ready_at: match hold {
                OutboxHold::None => Some(0),
                OutboxHold::Until(at) => Some(at.millis().max(1)),
                OutboxHold::Parked => None,
            },
            attempts: attempts.into(),
            last_error: last_error.map(|reason| plain(&reason)),
            doc: encode(&row),
            key: row.key,
        }
    }
}

/// A row of the index of attempts.
pub(super) struct NumberRow {
    pub(super) shard: i16,
    pub(super) number: OutTradeNo,
    pub(super) key: OrderKey,
}

/// A row of the index of transactions.
pub(super) struct TransactionRow {
    pub(super) shard: i16,
    pub(super) id: TransactionId,
    pub(super) key: OrderKey,
}

/// A row of the index of refunds.
pub(super) struct RefundRow {
    pub(super) shard: i16,
    pub(super) number: OutRefundNo,
    pub(super) key: OrderKey,
}

/// What a change adds to a day's totals. `n` is the order's version, which no other change of the order has.
pub(super) struct TallyRow {
    key: OrderKey,
    n: i64,
    day: i64,
    sums: [i64; 4],
}

impl TallyRow {
    pub(super) fn new(key: &OrderKey, n: i64, day: Day, sums: Sums) -> Self {
        Self {
            key: key.clone(),
            n,
            day: day.start().millis(),
            sums: [
                to_i64(sums.payments),
                to_i64(sums.paid),
                to_i64(sums.refunds),
                to_i64(sums.refunded),
            ],
        }
    }
}

/// All rows of a group.
#[derive(Default)]
pub(super) struct Writes {
    pub(super) orders: Vec<OrderRow>,
    pub(super) log: Vec<LogRow>,
    pub(super) outbox: Vec<OutRow>,
    pub(super) numbers: Vec<NumberRow>,
    pub(super) transactions: Vec<TransactionRow>,
    pub(super) refunds: Vec<RefundRow>,
    pub(super) tally: Vec<TallyRow>,
    pub(super) accounts: BTreeSet<(MchId, AppId)>,
}

/// A row of the log by which a commit is found again.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    pub(super) key: OrderKey,
    pub(super) n: i64,
}

impl Writes {
    pub(super) fn is_empty(&self) -> bool {
        self.orders.is_empty() && self.outbox.is_empty()
    }

    /// In the order in which every writer takes its locks.
    pub(super) fn sort(&mut self) {
        self.orders
            .sort_by(|a, b| place(&a.key).cmp(&place(&b.key)));
        self.log
            .sort_by(|a, b| (place(&a.key), a.n).cmp(&(place(&b.key), b.n)));
        self.outbox
            .sort_by(|a, b| (place(&a.key), a.n).cmp(&(place(&b.key), b.n)));
        self.tally
            .sort_by(|a, b| (place(&a.key), a.n, a.day).cmp(&(place(&b.key), b.n, b.day)));
        self.numbers
            .sort_by(|a, b| (a.shard, &a.number).cmp(&(b.shard, &b.number)));
        self.transactions
            .sort_by(|a, b| (a.shard, &a.id).cmp(&(b.shard, &b.id)));
        self.refunds
            .sort_by(|a, b| (a.shard, &a.number).cmp(&(b.shard, &b.number)));
    }

    /// How many rows of orders the statement must have written.
    fn expected(&self) -> i64 {
        to_i64(self.orders.len())
    }

    /// Where to look whether it was committed; nothing when it has no row of the log.
    pub(super) fn probe(&self) -> Option<Probe> {
        self.log.first().map(|row| Probe {
            key: row.key.clone(),
            n: row.n,
        })
    }

    /// Sends the group: when this is `Ok` it is committed and durable.
    pub(super) async fn send(&self, session: &Session, commit_id: &[u8]) -> Result<(), Fault> {
        let Self {
            orders,
            log,
            outbox,
            numbers,
            transactions,
            refunds,
            tally,
            ..
        } = self;
        let accounts: Vec<_> = self.accounts.iter().collect();
        session
            .query(
                Sql::WriteGroup,
                &[
                    &col(orders, |row| shard_of(&row.key)),
                    &col(orders, |row| row.key.mch_id.as_str()),
                    &col(orders, |row| row.key.out_trade_no.as_str()),
                    &col(orders, |row| row.version),
                    &col(orders, |row| row.logged),
                    &col(orders, |row| row.sent),
                    &col(orders, |row| row.state),
                    &col(orders, |row| row.appid.as_str()),
                    &col(orders, |row| row.created_at),
                    &col(orders, |row| row.due),
                    &col(orders, |row| row.open),
                    &col(orders, |row| row.doc.as_str()),
                    &commit_id,
                    &col(log, |row| shard_of(&row.key)),
                    &col(log, |row| row.key.mch_id.as_str()),
                    &col(log, |row| row.key.out_trade_no.as_str()),
                    &col(log, |row| row.n),
                    &col(log, |row| row.doc.as_str()),
                    &col(outbox, |row| shard_of(&row.key)),
                    &col(outbox, |row| row.key.mch_id.as_str()),
                    &col(outbox, |row| row.key.out_trade_no.as_str()),
                    &col(outbox, |row| row.n),
                    &col(outbox, |row| row.id.as_str()),
                    &col(outbox, |row| row.kind),
                    &col(outbox, |row| row.created_at),
                    &col(outbox, |row| row.ready_at),
                    &col(outbox, |row| row.attempts),
                    &col(outbox, |row| row.last_error.as_deref()),
                    &col(outbox, |row| row.doc.as_str()),
                    &col(numbers, |row| row.shard),
                    &col(numbers, |row| row.key.mch_id.as_str()),
                    &col(numbers, |row| row.number.as_str()),
                    &col(numbers, |row| row.key.out_trade_no.as_str()),
                    &col(transactions, |row| row.shard),
                    &col(transactions, |row| row.id.as_str()),
                    &col(transactions, |row| row.key.mch_id.as_str()),
                    &col(transactions, |row| row.key.out_trade_no.as_str()),
                    &col(refunds, |row| row.shard),
                    &col(refunds, |row| row.key.mch_id.as_str()),
                    &col(refunds, |row| row.number.as_str()),
                    &col(refunds, |row| row.key.out_trade_no.as_str()),
                    &col(tally, |row| shard_of(&row.key)),
                    &col(tally, |row| row.key.mch_id.as_str()),
                    &col(tally, |row| row.key.out_trade_no.as_str()),
                    &col(tally, |row| row.n),
                    &col(tally, |row| row.day),
                    &col(tally, |row| row.sums[0]),
                    &col(tally, |row| row.sums[1]),
                    &col(tally, |row| row.sums[2]),
                    &self.expected(),
                    &col(tally, |row| row.sums[3]),
                    &col(&accounts, |account| account.0.as_str()),
                    &col(&accounts, |account| account.1.as_str()),
                ],
            )
            .await
            .map(drop)
    }
}

/// One column of many rows.
pub(super) fn col<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}
