//! Reading everything and proving that it fits together.

use std::collections::{BTreeMap, BTreeSet};

use wxpay_core::{AppId, MchId};

use crate::{
    Account, Day, Dump, DumpSize, Order, OrderKey, OrderRecord, OutboxRecord, Problem, Progress,
    RECORDS_MAX, StoreError, TotalsQuery,
    sound::{problems_of, tells_of},
    totals::{Totals, sums_of},
};

/// The most findings of one check; what is above is counted.
pub const CHECK_FINDINGS_MAX: usize = 1_000;

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct CheckReport {
    /// What was read.
    pub records: DumpSize,
    /// What does not fit; at most [`CHECK_FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// How many findings there are in all.
    pub found: u64,
}

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The order it is about, if it is about one.
    pub key: Option<OrderKey>,
    /// What.
    pub problem: Problem,
}

/// Reads every order, its log, its indexes and the outbox, and proves what must hold of them: each log replays to its order,
/// no payment is there twice, no more goes back than came in, work left has a due time, every index leads where it should, and
/// the roll-up is the sum of what it rolls up.
///
/// It costs a read of everything and some five look-ups an order. It holds one page and one sum a day and merchant. On a store
/// that is written meanwhile an order that changes under the check, totals and open orders may be found without cause: check
/// again.
///
/// # Errors
/// [`StoreError`] when the store cannot be read: [`StoreError::Corrupt`] is a finding of its own.
pub async fn check(
    store: &dyn Dump,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<CheckReport, StoreError> {
    let mut checker = Checker {
        store,
        report: CheckReport::default(),
        totals: Totals::default(),
        accounts: BTreeMap::new(),
        days: None,
    };
    let total = store.dump_size().await?.total();
    let mut report = |records: DumpSize| {
        progress(Progress {
            done: records.total(),
            total: Some(total),
        });
    };
    let mut after = None;
    loop {
        let page = store.dump_orders(after, RECORDS_MAX).await?;
        let Some(last) = page.last().map(OrderRecord::place) else {
            break;
        };
        for record in &page {
            checker.order(record).await?;
        }
        after = Some(last);
        report(checker.report.records);
    }
    let mut after = None;
    loop {
        let page = store.dump_outbox(after, RECORDS_MAX).await?;
        let Some(last) = page.last().map(OutboxRecord::place) else {
            break;
        };
        for record in &page {
            checker.outbox(record).await?;
        }
        after = Some(last);
        report(checker.report.records);
    }
    let mut after = 0;
    loop {
        let page = store.dump_inbox(after, RECORDS_MAX).await?;
        let Some(last) = page.last().map(|record| record.n) else {
            break;
        };
        checker.report.records.inbox += page.len() as u64;
        after = last;
        report(checker.report.records);
    }
    checker.sums().await?;
    Ok(checker.report)
}

struct Checker<'a> {
    store: &'a dyn Dump,
    report: CheckReport,
    totals: Totals,
    accounts: BTreeMap<(MchId, AppId), u64>,
    /// The first and the last day on which money moved.
    days: Option<(Day, Day)>,
}

impl Checker<'_> {
    fn found(&mut self, key: Option<&OrderKey>, problem: Problem) {
        self.report.found += 1;
        if self.report.findings.len() < CHECK_FINDINGS_MAX {
            self.report.findings.push(Finding {
                key: key.cloned(),
                problem,
            });
        }
    }

    async fn order(&mut self, record: &OrderRecord) -> Result<(), StoreError> {
        let order = &record.order;
        let key = Some(&order.key);
        self.report.records.orders += 1;
        for problem in problems_of(record) {
            self.found(key, problem);
        }
        self.indexes(order).await?;
        let sums = sums_of(order);
        for (day, _) in &sums {
            let (first, last) = self.days.unwrap_or((*day, *day));
            self.days = Some((first.min(*day), last.max(*day)));
        }
        self.totals.change(&order.key, &[], &sums);
        let account = (order.key.mch_id.clone(), order.terms.appid.clone());
        *self.accounts.entry(account).or_default() += u64::from(order.is_open());
        Ok(())
    }

    async fn indexes(&mut self, order: &Order) -> Result<(), StoreError> {
        let (store, key) = (self.store, &order.key);
        let is_it = |found: Option<Order>| found.is_some_and(|found| found.key == *key);
        for number in crate::dump::admit::numbers_of(order) {
            if !is_it(store.find_attempt(&key.mch_id, &number).await?) {
                self.found(Some(key), Problem::NumberIndex { number });
            }
        }
        for payment in &order.payments {
            let id = &payment.transaction_id;
            if !is_it(store.find_transaction(&key.mch_id, id).await?) {
                let transaction_id = id.clone();
                self.found(Some(key), Problem::TransactionIndex { transaction_id });
            }
        }
        for refund in &order.refunds {
            let number = &refund.out_refund_no;
            if !is_it(store.find_refund(&key.mch_id, number).await?) {
                let out_refund_no = number.clone();
                self.found(Some(key), Problem::RefundIndex { out_refund_no });
            }
        }
        Ok(())
    }

    async fn outbox(&mut self, record: &OutboxRecord) -> Result<(), StoreError> {
        self.report.records.outbox += 1;
        let row = &record.row;
        let order = self.store.get(&row.key).await?;
        let told = order.is_some_and(|order| tells_of(row, &order));
        if !told {
            let id = row.id.clone();
            self.found(Some(&row.key), Problem::Outbox { id });
        }
        Ok(())
    }

    /// What the store rolled up against what was read.
    async fn sums(&mut self) -> Result<(), StoreError> {
        let Some((mut from, to)) = self.days else {
            return self.open_orders().await;
        };
        while from <= to {
            let query = TotalsQuery {
                from,
                to,
                mch_id: None,
            };
            let next = query.last().next();
            let (mine, theirs) = (self.totals.answer(&query), self.store.totals(query).await?);
            // A sum that both have, and differs, is one finding.
            let differ: BTreeSet<_> = mine
                .iter()
                .chain(&theirs)
                .filter(|total| !(mine.contains(total) && theirs.contains(total)))
                .map(|total| (total.day, total.mch_id.clone()))
                .collect();
            for (day, mch_id) in differ {
                self.found(None, Problem::Totals { day, mch_id });
            }
            from = next;
        }
        self.open_orders().await
    }

    async fn open_orders(&mut self) -> Result<(), StoreError> {
        let counted = self.store.accounts().await?;
        for Account {
            appid,
            mch_id,
            open_orders,
        } in counted
        {
            let open = self.accounts.remove(&(mch_id.clone(), appid.clone()));
            // An account is remembered when its orders are gone.
            if open.unwrap_or(0) != open_orders {
                self.found(None, Problem::Account { appid, mch_id });
            }
        }
        for (mch_id, appid) in std::mem::take(&mut self.accounts).into_keys() {
            self.found(None, Problem::Account { appid, mch_id });
        }
        Ok(())
    }
}
