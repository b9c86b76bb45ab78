//! What is found by state, by time and by account: in memory, rebuilt when the store is opened.
//!
//! It is kept out of sled because every transition would remove a key there, and a sled that lives long does not give
//! such space back. It costs 50 to 80 bytes an order. A clean stop leaves it in a file ([`super::checkpoint`]), so that the
//! next start need not read every order.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use wxpay_core::{AppId, MchId};

use super::place::Place;
use crate::{Account, Cursor, Order, OrderKey, OrderQuery, OrderState, Timestamp};

pub(super) type ByTime = BTreeSet<Place>;

/// What of an order is indexed.
#[derive(Clone)]
pub(super) struct Mark {
    state: OrderState,
    created_at: Timestamp,
    due: Option<Timestamp>,
    appid: AppId,
    open: bool,
}

impl Mark {
    pub(super) fn of(order: &Order) -> Self {
        Self {
            state: order.state(),
            created_at: order.created_at,
            due: order.due,
            appid: order.terms.appid.clone(),
            open: order.is_open(),
        }
    }
}

/// The indexes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) states: [ByTime; OrderState::ALL.len()],
    pub(super) due: ByTime,
    /// With the number of their open orders.
    pub(super) accounts: BTreeMap<(MchId, AppId), u64>,
    /// One of each, for the places to share.
    pub(super) merchants: BTreeSet<Arc<MchId>>,
}

impl Index {
    /// An account that the folder remembers.
    pub(super) fn remember(&mut self, mch_id: MchId, appid: AppId) {
        self.accounts.entry((mch_id, appid)).or_default();
    }

    pub(super) fn knows(&self, mch_id: &MchId, appid: &AppId) -> bool {
        self.accounts.contains_key(&(mch_id.clone(), appid.clone()))
    }

    /// The one copy of this number.
    pub(super) fn merchant(&mut self, mch_id: &MchId) -> Arc<MchId> {
        if let Some(known) = self.merchants.get(mch_id) {
            return Arc::clone(known);
        }
        let new = Arc::new(mch_id.clone());
        self.merchants.insert(Arc::clone(&new));
        new
    }

    /// The order of this key changed.
    pub(super) fn change(&mut self, key: &OrderKey, before: Option<&Mark>, after: &Mark) {
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
    }

    /// The keys of one page and the next cursor.
    pub(super) fn page(&self, query: &OrderQuery, limit: usize) -> (Vec<OrderKey>, Option<Cursor>) {
        let end = match &query.cursor {
            Some(Cursor { created_at, key }) => Bound::Excluded(Place::new(
                *created_at,
                Arc::new(key.mch_id.clone()),
                &key.out_trade_no,
            )),
            None => Bound::Unbounded,
        };
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
        let next = found.last().filter(|_| more).map(|place| Cursor {
            created_at: place.at,
            key: place.key(),
        });
        (found.into_iter().map(Place::key).collect(), next)
    }

    /// The keys of orders that are due, the longest overdue first.
    pub(super) fn due(&self, now: Timestamp, limit: usize) -> Vec<OrderKey> {
        self.due
            .iter()
            .take_while(|place| place.at <= now)
            .take(limit)
            .map(Place::key)
            .collect()
    }

    pub(super) fn accounts(&self) -> Vec<Account> {
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
