//! What a group writes, as the columns of its one statement.

use std::collections::BTreeSet;

use tokio_postgres::types::ToSql;
use wxpay_core::{AppId, MchId};

use super::{
    fault::Fault,
    key::{shard_of_number, shard_of_transaction, to_i64},
    rows::{LogRow, NumberRow, OrderRow, OutRow, RefundRow, Stored, TallyRow, TransactionRow},
    session::Session,
    sql::{Part, Parts, Sql},
    unique::Unique,
};
use crate::{
    Day, OrderKey,
    totals::{Sums, sums_of},
};

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
            .sort_by(|a, b| (a.shard, &a.key).cmp(&(b.shard, &b.key)));
        self.log
            .sort_by(|a, b| (a.shard, &a.key, a.n).cmp(&(b.shard, &b.key, b.n)));
        self.outbox
            .sort_by(|a, b| (a.shard, &a.key, a.n).cmp(&(b.shard, &b.key, b.n)));
        self.tally
            .sort_by(|a, b| (a.shard, &a.key, a.n, a.day).cmp(&(b.shard, &b.key, b.n, b.day)));
        self.numbers
            .sort_by(|a, b| (a.shard, &a.number).cmp(&(b.shard, &b.number)));
        self.transactions
            .sort_by(|a, b| (a.shard, &a.id).cmp(&(b.shard, &b.id)));
        self.refunds
            .sort_by(|a, b| (a.shard, &a.number).cmp(&(b.shard, &b.number)));
    }

    /// Where to look whether it was committed; nothing when it has no row of the log.
    pub(super) fn probe(&self) -> Option<Probe> {
        self.log.first().map(|row| Probe {
            key: row.key.clone(),
            n: row.n,
        })
    }

    /// The tables that have rows of it.
    fn parts(&self) -> Parts {
        let mut parts = Parts::default();
        let new = self.orders.iter().all(|row| row.version == 1);
        parts.add(if new { Part::NewOrders } else { Part::Orders });
        for (part, empty) in [
            (Part::Log, self.log.is_empty()),
            (Part::Outbox, self.outbox.is_empty()),
            (Part::Numbers, self.numbers.is_empty()),
            (Part::Transactions, self.transactions.is_empty()),
            (Part::Refunds, self.refunds.is_empty()),
            (Part::Tally, self.tally.is_empty()),
            (Part::Accounts, self.accounts.is_empty()),
        ] {
            if !empty {
                parts.add(part);
            }
        }
        parts
    }

    /// The columns of a part, in the order in which its text has them.
    fn columns<'a>(&'a self, part: Part, commit_id: &'a [u8]) -> Vec<Column<'a>> {
        match part {
            Part::NewOrders | Part::Orders => self.order_columns(),
            Part::Log => {
                let rows = &self.log;
                vec![
                    Box::new(commit_id),
                    column(rows, |row| row.shard),
                    column(rows, |row| row.key.mch_id.as_str()),
                    column(rows, |row| row.key.out_trade_no.as_str()),
                    column(rows, |row| row.n),
                    column(rows, |row| row.doc.as_str()),
                ]
            }
            Part::Outbox => self.outbox_columns(),
            Part::Numbers => {
                let rows = &self.numbers;
                vec![
                    column(rows, |row| row.shard),
                    column(rows, |row| row.key.mch_id.as_str()),
                    column(rows, |row| row.number.as_str()),
                    column(rows, |row| row.key.out_trade_no.as_str()),
                ]
            }
            Part::Transactions => {
                let rows = &self.transactions;
                vec![
                    column(rows, |row| row.shard),
                    column(rows, |row| row.id.as_str()),
                    column(rows, |row| row.key.mch_id.as_str()),
                    column(rows, |row| row.key.out_trade_no.as_str()),
                ]
            }
            Part::Refunds => {
                let rows = &self.refunds;
                vec![
                    column(rows, |row| row.shard),
                    column(rows, |row| row.key.mch_id.as_str()),
                    column(rows, |row| row.number.as_str()),
                    column(rows, |row| row.key.out_trade_no.as_str()),
                ]
            }
            Part::Tally => {
                let rows = &self.tally;
                vec![
                    column(rows, |row| row.shard),
                    column(rows, |row| row.key.mch_id.as_str()),
                    column(rows, |row| row.key.out_trade_no.as_str()),
                    column(rows, |row| row.n),
                    column(rows, |row| row.day),
                    column(rows, |row| row.sums[0]),
                    column(rows, |row| row.sums[1]),
                    column(rows, |row| row.sums[2]),
                    column(rows, |row| row.sums[3]),
                ]
            }
            Part::Accounts => vec![
                Box::new(
                    self.accounts
                        .iter()
                        .map(|row| row.0.as_str())
                        .collect::<Vec<_>>(),
                ),
                Box::new(
                    self.accounts
                        .iter()
                        .map(|row| row.1.as_str())
                        .collect::<Vec<_>>(),
                ),
            ],
        }
    }

    fn order_columns(&self) -> Vec<Column<'_>> {
        let rows = &self.orders;
        vec![
            column(rows, |row| row.shard),
            column(rows, |row| row.key.mch_id.as_str()),
            column(rows, |row| row.key.out_trade_no.as_str()),
            column(rows, |row| row.version),
            column(rows, |row| row.logged),
            column(rows, |row| row.sent),
            column(rows, |row| row.state),
            column(rows, |row| row.appid.as_str()),
            column(rows, |row| row.created_at),
            column(rows, |row| row.due),
            column(rows, |row| row.open),
            column(rows, |row| row.doc.as_str()),
        ]
    }

    fn outbox_columns(&self) -> Vec<Column<'_>> {
        let rows = &self.outbox;
        vec![
            column(rows, |row| row.shard),
            column(rows, |row| row.key.mch_id.as_str()),
            column(rows, |row| row.key.out_trade_no.as_str()),
            column(rows, |row| row.n),
            column(rows, |row| row.id.as_str()),
            column(rows, |row| row.kind),
            column(rows, |row| row.created_at),
            column(rows, |row| row.ready_at),
            column(rows, |row| row.attempts),
            column(rows, |row| row.last_error.as_deref()),
            column(rows, |row| row.doc.as_str()),
        ]
    }

    /// Sends the group: when this is `Ok` it is committed and durable.
    pub(super) async fn send(&self, session: &Session, commit_id: &[u8]) -> Result<(), Fault> {
        let parts = self.parts();
        let expected = to_i64(self.orders.len());
        let mut columns: Vec<Column<'_>> = parts
            .iter()
            .flat_map(|part| self.columns(part, commit_id))
            .collect();
        columns.push(Box::new(expected));
        let params: Vec<&(dyn ToSql + Sync)> = columns
            .iter()
            .map(|column| &**column as &(dyn ToSql + Sync))
            .collect();
        session
            .query(Sql::WriteGroup(parts), &params)
            .await
            .map(drop)
    }
}

/// A parameter of the group's statement.
type Column<'a> = Box<dyn ToSql + Sync + Send + 'a>;

fn column<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Column<'a>
where
    T: ToSql + Sync + Send + 'a,
{
    Box::new(col(rows, of))
}

/// One column of many rows.
pub(super) fn col<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

impl Writes {
    /// The order's row, what it adds to the totals, and its account.
    pub(super) fn put_order(&mut self, stored: &Stored, before: &[(Day, Sums)]) {
        let order = &stored.order;
        for (day, sums) in differences(before, &sums_of(order)) {
            let row = TallyRow::new(&order.key, stored.version, day, sums);
            let of_same =
                |known: &&mut TallyRow| known.day == row.day && known.key.mch_id == row.key.mch_id;
            match self.tally.iter_mut().find(of_same) {
                Some(known) => known.add(&row),
                None => self.tally.push(row),
            }
        }
        let account: (MchId, AppId) = (order.key.mch_id.clone(), order.terms.appid.clone());
        self.accounts.insert(account);
        self.orders.push(OrderRow::new(stored));
    }

    /// The row of an index.
    pub(super) fn own(&mut self, key: &OrderKey, unique: &Unique) {
        match unique {
            Unique::Number(mch_id, number) => self.numbers.push(NumberRow {
                shard: shard_of_number(mch_id, number.as_str()),
                number: number.clone(),
                key: key.clone(),
            }),
            Unique::Transaction(id) => self.transactions.push(TransactionRow {
                shard: shard_of_transaction(id),
                id: id.clone(),
                key: key.clone(),
            }),
            Unique::Refund(mch_id, number) => self.refunds.push(RefundRow {
                shard: shard_of_number(mch_id, number.as_str()),
                number: number.clone(),
                key: key.clone(),
            }),
        }
    }
}

/// What a day has more now; nothing is ever taken back.
fn differences(before: &[(Day, Sums)], after: &[(Day, Sums)]) -> Vec<(Day, Sums)> {
    after
        .iter()
        .filter_map(|(day, sums)| {
            let known = before.iter().find(|(known, _)| known == day);
            let known = known.map_or_else(Sums::default, |(_, sums)| *sums);
            let more = Sums {
                payments: sums.payments - known.payments,
                paid: sums.paid - known.paid,
                refunds: sums.refunds - known.refunds,
                refunded: sums.refunded - known.refunded,
            };
            (more != Sums::default()).then_some((*day, more))
        })
        .collect()
}
