//! Rows as they stand in the tables.

use wxpay_core::{AppId, OutRefundNo, OutTradeNo, TransactionId};

use super::key::{encode, shard_of, to_i64};
use crate::{
    Day, LogEntry, Order, OrderKey, OutboxHold, OutboxRecord, outbox::plain, totals::Sums,
};

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
    pub(super) shard: i16,
    pub(super) key: OrderKey,
    pub(super) version: i64,
    pub(super) logged: i64,
    pub(super) sent: i64,
    pub(super) state: &'static str,
    pub(super) appid: AppId,
    pub(super) created_at: i64,
    pub(super) due: Option<i64>,
    pub(super) open: bool,
    pub(super) doc: String,
}

impl OrderRow {
    pub(super) fn new(stored: &Stored) -> Self {
        let order: &Order = &stored.order;
        Self {
            shard: shard_of(&order.key),
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
    pub(super) shard: i16,
    pub(super) key: OrderKey,
    pub(super) n: i64,
    pub(super) doc: String,
}

impl LogRow {
    pub(super) fn new(key: &OrderKey, n: i64, entry: &LogEntry) -> Self {
        Self {
            shard: shard_of(key),
            key: key.clone(),
            n,
            doc: encode(entry),
        }
    }
}

/// A row of the outbox.
pub(super) struct OutRow {
    pub(super) shard: i16,
    pub(super) key: OrderKey,
    pub(super) n: i64,
    pub(super) id: String,
    pub(super) kind: i16,
    pub(super) created_at: i64,
    pub(super) ready_at: Option<i64>,
    pub(super) attempts: i64,
    pub(super) last_error: Option<String>,
    pub(super) doc: String,
}

impl OutRow {
    pub(super) fn new(n: i64, record: OutboxRecord) -> Self {
        let OutboxRecord { mut row, hold } = record;
        // Tries have columns of their own.
        let (attempts, last_error) = (std::mem::take(&mut row.attempts), row.last_error.take());
        Self {
            shard: shard_of(&row.key),
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

/// What the changes of one commit add to a merchant's day.
///
/// It is kept under the key and version of one of the orders that they changed, which no other commit has.
pub(super) struct TallyRow {
    pub(super) shard: i16,
    pub(super) key: OrderKey,
    pub(super) n: i64,
    pub(super) day: i64,
    /// Payments, paid, refunds, refunded.
    pub(super) sums: [i64; 4],
}

impl TallyRow {
    pub(super) fn new(key: &OrderKey, n: i64, day: Day, sums: Sums) -> Self {
        Self {
            shard: shard_of(key),
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

    /// Adds what another change of the commit adds to the same day.
    pub(super) fn add(&mut self, other: &Self) {
        for (sum, more) in self.sums.iter_mut().zip(other.sums) {
            *sum = sum.saturating_add(more);
        }
    }
}
