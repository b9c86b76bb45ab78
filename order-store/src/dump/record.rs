//! The records of a ledger, as every backend gives and takes them.

use serde::{Deserialize, Serialize};

use crate::{
    Cursor, LogEntry, NotifyRecord, Order, OrderKey, OutboxKind, OutboxRow, Timestamp, inbox_body,
};

/// The most records of one page and of one batch.
pub const RECORDS_MAX: usize = 256;

/// An order with its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// The order. Its indexes follow from it: the numbers of its attempts, its transactions, its refunds.
    pub order: Order,
    /// Its log, oldest first; never empty.
    pub log: Vec<LogEntry>,
}

impl OrderRecord {
    /// Its place among the orders: by time made, then by key.
    #[must_use]
    pub fn place(&self) -> Cursor {
        Cursor {
            created_at: self.order.created_at,
            key: self.order.key.clone(),
        }
    }
}

/// A row of the outbox, and what holds it back. A lease is no part of it: it ends with the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRecord {
    /// The row.
    pub row: OutboxRow,
    /// What holds it back.
    #[serde(default, skip_serializing_if = "OutboxHold::is_none")]
    pub hold: OutboxHold,
}

impl OutboxRecord {
    /// Its place among the rows. Rows of one order keep their order.
    #[must_use]
    pub fn place(&self) -> OutboxPlace {
        OutboxPlace {
            created_at: self.row.created_at,
            key: self.row.key.clone(),
            kind: self.row.kind,
        }
    }
}

/// The place of a row of the outbox among the others: by time, then by order, then by kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutboxPlace {
    /// When its change was made.
    pub created_at: Timestamp,
    /// The order it is about.
    pub key: OrderKey,
    /// Who is to be told.
    pub kind: OutboxKind,
}

/// What keeps a row of the outbox back, across a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutboxHold {
    /// Nothing.
    #[default]
    None,
    /// It was put off.
    Until(Timestamp),
    /// It was set aside.
    Parked,
}

impl OutboxHold {
    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde asks for a reference"
    )]
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// An accepted notify. Refused ones are no part of the ledger and are not dumped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxRecord {
    /// Its number, as in [`NotifyId::Accepted`](crate::NotifyId::Accepted).
    pub n: u64,
    /// The notify.
    #[serde(with = "inbox_body")]
    pub notify: NotifyRecord,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// See [`OrderRecord`].
    Order(Box<OrderRecord>),
    /// See [`OutboxRecord`].
    Outbox(Box<OutboxRecord>),
    /// See [`InboxRecord`].
    Inbox(Box<InboxRecord>),
}

/// How many records of each kind there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DumpSize {
    /// Orders.
    pub orders: u64,
    /// Rows of the outbox.
    pub outbox: u64,
    /// Accepted notifies, at most.
    pub inbox: u64,
}

impl DumpSize {
    /// All of them.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.orders + self.outbox + self.inbox
    }
}
