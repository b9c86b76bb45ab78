//! What is found by state, by time and by account, and totals by day: in memory.
//!
//! Totals cost nothing of their own at open: an order's payments and refunds carry the times of their rows in the log.
//! It is kept out of sled because every transition would remove a key there, and a sled that lives long does not give
//! such space back; buckets that are overwritten cost up to half of the payments a second (docs/benchmarks.md). It costs 50
//! to 80 bytes an order. A clean stop of sled's backend leaves it in a file, so that the next start need not read every order.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use wxpay_core::{AppId, MchId};

use crate::{
    Account, Cursor, Day, DayTotals, Order, OrderKey, OrderQuery, OrderState, Timestamp,
    TotalsQuery,
    place::Place,
    totals::{Sums, Totals, sums_of},
};

pub(crate) type ByTime = BTreeSet<Place>;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) states: [ByTime; OrderState::ALL.len()],
    pub(crate) due: ByTime,
    /// With the number of their open orders.
    pub(crate) accounts: BTreeMap<(MchId, AppId), u64>,
    /// One of each, for the places to share.
    pub(crate) merchants: BTreeSet<Arc<MchId>>,
    pub(crate) totals: Totals,
}

impl Index {
    /// An account that the folder remembers.
    pub(crate) fn remember(&mut self, mch_id: MchId, appid: AppId) {
        self.accounts.entry((mch_id, appid)).or_default();
    }

    /// The one copy of this number.
    pub(crate) fn merchant(&mut self, mch_id: &MchId) -> Arc<MchId> {
        if let Some(known) = self.merchants.get(mch_id) {
            return Arc::clone(known);
        }
        let new = Arc::new(mch_id.clone());
        self.merchants.insert(Arc::clone(&new));
        new
    }

    /// The order of this key changed.
    pub(crate) fn change(&mut self, key: &OrderKey, before: Option<&Mark>, after: &Mark) {
        let mch_id = self.merchant(&key.mch_id);
        let place = |at| Place::new(at, Arc::clone(&mch_id), &key.out_trade_no);
        let moved = before.is_none_or(|before| before.state != after.state);
        if let Some(before) = before {
            if moved {
                self.states[before.state as usize].remove(&place(before.created_at));
            }
            if let Some(due) = before.due
                && before.due != after.due
            {
                self.due.remove(&place(due));
            }
        }
        if moved {
            self.states[after.state as usize].insert(place(after.created_at));
        }
        if let Some(due) = after.due {
            self.due.insert(place(due));
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

    /// Up to `limit` orders behind this one, oldest first.
    pub(crate) fn behind(&self, after: Option<&Cursor>, limit: usize) -> Vec<Cursor> {
        let start = bound(after);
        let mut found: Vec<&Place> = self
            .states
            .iter()
            .flat_map(|state| state.range((start.clone(), Bound::Unbounded)).take(limit))
            .collect();
        found.sort_unstable();
        found.truncate(limit);
        found.into_iter().map(cursor_of).collect()
    }

    /// The keys of one page and the next cursor.
    pub(crate) fn page(&self, query: &OrderQuery, limit: usize) -> (Vec<OrderKey>, Option<Cursor>) {
        let end = bound(query.cursor.as_ref());
        let mut found: Vec<&Place> = OrderState::ALL
            .into_iter()
            .filter(|state| query.state.is_none_or(|wanted| wanted == *state))
            .flat_map(|state| {
                self.states[state as usize]
                    .range((Bound::Unbounded, end.clone()))
                    .rev()
                    .take_while(|place| query.since.is_none_or(|since| place.at >= since))
                    .take(limit + 1)
            })
            .collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|place| cursor_of(place));
        (found.into_iter().map(Place::key).collect(), next)
    }

    /// The keys of orders that are due, the longest overdue first.
    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> Vec<OrderKey> {
        self.due
            .iter()
            .take_while(|place| place.at <= now)
            .take(limit)
            .map(Place::key)
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

fn cursor_of(place: &Place) -> Cursor {
    Cursor {
        created_at: place.at,
        key: place.key(),
    }
}

/// Where a cursor stands, itself left out.
fn bound(cursor: Option<&Cursor>) -> Bound<Place> {
    match cursor {
        Some(Cursor { created_at, key }) => Bound::Excluded(Place::new(
            *created_at,
            Arc::new(key.mch_id.clone()),
            &key.out_trade_no,
        )),
        None => Bound::Unbounded,
    }
}
