//! What is found by state, by time and by account, and totals by day: in memory, rebuilt when a store is opened.
//!
//! Totals cost nothing of their own at open: an order's payments and refunds carry the times of their rows in the log.
//! It is kept out of sled because every transition would remove a key there, and a sled that lives long does not give
//! such space back. It costs some hundred bytes an order.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use wxpay_core::{AppId, MchId};

use crate::{
    Account, Cursor, Day, DayTotals, Order, OrderKey, OrderQuery, OrderState, Timestamp,
    TotalsQuery,
    totals::{Sums, Totals, sums_of},
};

type ByTime = BTreeSet<(Timestamp, OrderKey)>;

/// What of an order is indexed.
#[derive(Clone)]
pub(crate) struct Mark {
    state: OrderState,
    created_at: Timestamp,
    due: Option<Timestamp>,
    appid: AppId,
    open: bool,
    sums: Vec<(Day, Sums)>,
}

impl Mark {
    pub(crate) fn of(order: &Order) -> Self {
        Self {
            state: order.state(),
            created_at: order.created_at,
            due: order.due,
            appid: order.terms.appid.clone(),
            open: order.is_open(),
            sums: sums_of(order),
        }
    }
}

/// The indexes.
#[derive(Default)]
pub(crate) struct Index {
    states: [ByTime; OrderState::ALL.len()],
    due: ByTime,
    accounts: BTreeMap<(MchId, AppId), u64>,
    totals: Totals,
}

impl Index {
    /// An account that the folder remembers.
    pub(crate) fn remember(&mut self, mch_id: MchId, appid: AppId) {
        self.accounts.entry((mch_id, appid)).or_default();
    }

    pub(crate) fn knows(&self, mch_id: &MchId, appid: &AppId) -> bool {
        self.accounts.contains_key(&(mch_id.clone(), appid.clone()))
    }

    /// The order of this key changed.
    pub(crate) fn change(&mut self, key: &OrderKey, before: Option<&Mark>, after: &Mark) {
        let moved = before.is_none_or(|before| before.state != after.state);
        if let Some(before) = before {
            if moved {
                self.states[before.state as usize].remove(&(before.created_at, key.clone()));
            }
            if let Some(due) = before.due
                && before.due != after.due
            {
                self.due.remove(&(due, key.clone()));
            }
        }
        if moved {
            self.states[after.state as usize].insert((after.created_at, key.clone()));
        }
        if let Some(due) = after.due {
            self.due.insert((due, key.clone()));
        }
        let was_open = before.is_some_and(|before| before.open);
        let open = self
            .accounts
            .entry((key.mch_id.clone(), after.appid.clone()))
            .or_default();
        match (was_open, after.open) {
            (false, true) => *open += 1,
            (true, false) => *open -= 1,
            _ => {}
        }
        let sums_before = before.map_or(&[][..], |before| &before.sums);
        if sums_before != after.sums {
            self.totals.change(key, sums_before, &after.sums);
        }
    }

    pub(crate) fn totals(&self, query: &TotalsQuery) -> Vec<DayTotals> {
        self.totals.answer(query)
    }

    /// How many orders there are.
    pub(crate) fn len(&self) -> usize {
        self.states.iter().map(ByTime::len).sum()
    }

    /// The keys of up to `limit` orders behind this one, oldest first.
    pub(crate) fn behind(&self, after: Option<&Cursor>, limit: usize) -> Vec<OrderKey> {
        let start = match after {
            Some(cursor) => Bound::Excluded((cursor.created_at, cursor.key.clone())),
            None => Bound::Unbounded,
        };
        let mut found: Vec<&(Timestamp, OrderKey)> = self
            .states
            .iter()
            .flat_map(|state| state.range((start.clone(), Bound::Unbounded)).take(limit))
            .collect();
        found.sort_unstable();
        found.truncate(limit);
        found.into_iter().map(|(_, key)| key.clone()).collect()
    }

    /// The keys of one page and the next cursor.
    pub(crate) fn page(&self, query: &OrderQuery, limit: usize) -> (Vec<OrderKey>, Option<Cursor>) {
        let end = match &query.cursor {
            Some(cursor) => Bound::Excluded((cursor.created_at, cursor.key.clone())),
            None => Bound::Unbounded,
        };
        let mut found: Vec<&(Timestamp, OrderKey)> = OrderState::ALL
            .into_iter()
            .filter(|state| query.state.is_none_or(|wanted| wanted == *state))
            .flat_map(|state| {
                self.states[state as usize]
                    .range((Bound::Unbounded, end.clone()))
                    .rev()
                    .take_while(|(at, _)| query.since.is_none_or(|since| *at >= since))
                    .take(limit + 1)
            })
            .collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found
            .last()
            .filter(|_| more)
            .map(|(created_at, key)| Cursor {
                created_at: *created_at,
                key: key.clone(),
            });
        (
            found.into_iter().map(|(_, key)| key.clone()).collect(),
            next,
        )
    }

    /// The keys of orders that are due, the longest overdue first.
    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> Vec<OrderKey> {
        self.due
            .iter()
            .take_while(|(due, _)| *due <= now)
            .take(limit)
            .map(|(_, key)| key.clone())
            .collect()
    }

    pub(crate) fn accounts(&self) -> Vec<Account> {
        self.accounts
            .iter()
            .map(|((mch_id, appid), open_orders)| Account {
                appid: appid.clone(),
                mch_id: mch_id.clone(),
                open_orders: *open_orders,
            })
            .collect()
    }
}
