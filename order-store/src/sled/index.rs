//! What is found by state, by time and by account: in memory, rebuilt when the store is opened.
//!
//! It is kept out of sled because every transition would remove a key there, and a sled that lives long does not give
//! such space back. It costs some hundred bytes an order.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use wxpay_core::{AppId, MchId};

use crate::{Account, Cursor, Order, OrderKey, OrderQuery, OrderState, Timestamp};

type ByTime = BTreeSet<(Timestamp, OrderKey)>;

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
#[derive(Default)]
pub(super) struct Index {
    states: [ByTime; OrderState::ALL.len()],
    due: ByTime,
    accounts: BTreeMap<(MchId, AppId), u64>,
}

impl Index {
    /// An account that the folder remembers.
    pub(super) fn remember(&mut self, mch_id: MchId, appid: AppId) {
        self.accounts.entry((mch_id, appid)).or_default();
    }

    pub(super) fn knows(&self, mch_id: &MchId, appid: &AppId) -> bool {
        self.accounts.contains_key(&(mch_id.clone(), appid.clone()))
    }

    /// The order of this key changed.
    pub(super) fn change(&mut self, key: &OrderKey, before: Option<&Mark>, after: &Mark) {
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
    }

    /// The keys of one page and the next cursor.
    pub(super) fn page(&self, query: &OrderQuery, limit: usize) -> (Vec<OrderKey>, Option<Cursor>) {
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
    pub(super) fn due(&self, now: Timestamp, limit: usize) -> Vec<OrderKey> {
        self.due
            .iter()
            .take_while(|(due, _)| *due <= now)
            .take(limit)
            .map(|(_, key)| key.clone())
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
