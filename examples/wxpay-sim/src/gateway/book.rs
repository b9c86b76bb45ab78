//! All orders, at most so many, with the indexes that find one.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use wxpay_core::{CodeUrl, MchId, OutRefundNo, OutTradeNo, PrepayId, TransactionId, api::RefundId};

use super::{
    Moment,
    order::{Order, OrderKey, OrderState},
    refund::Refund,
};

/// The order book.
///
/// Every order stands in `orders` and, by age, in `by_age`; an unpaid one also in `unpaid`, any other in `finished`.
/// When the book is full the order that was finished first makes room.
#[derive(Debug)]
pub(super) struct OrderBook {
    max: usize,
    next_age: u64,
    orders: HashMap<OrderKey, (u64, Order)>,
    by_age: BTreeMap<u64, OrderKey>,
    unpaid: BTreeMap<u64, OrderKey>,
    finished: VecDeque<OrderKey>,
    codes: HashMap<CodeUrl, OrderKey>,
    transactions: HashMap<TransactionId, OrderKey>,
    numbers: HashMap<OutTradeNo, BTreeSet<OrderKey>>,
    refunds: HashMap<(MchId, OutRefundNo), OrderKey>,
    refund_ids: HashMap<RefundId, OrderKey>,
}

/// The book holds as many orders as it may, and none of them is finished.
#[derive(Debug)]
pub(super) struct Full;

/// Why a number alone names no order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotOne {
    None,
    Several,
}

impl OrderBook {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            next_age: 0,
            orders: HashMap::new(),
            by_age: BTreeMap::new(),
            unpaid: BTreeMap::new(),
            finished: VecDeque::new(),
            codes: HashMap::new(),
            transactions: HashMap::new(),
            numbers: HashMap::new(),
            refunds: HashMap::new(),
            refund_ids: HashMap::new(),
        }
    }

    pub(super) fn get(&self, key: &OrderKey) -> Option<&Order> {
        self.orders.get(key).map(|(_, order)| order)
    }

    pub(super) fn by_transaction(&self, id: &TransactionId) -> Option<&Order> {
        self.transactions.get(id).and_then(|key| self.get(key))
    }

    /// The order that a code belongs to, also when the code was replaced since.
    pub(super) fn by_code(&self, code: &CodeUrl) -> Option<&Order> {
        self.codes.get(code).and_then(|key| self.get(key))
    }

    pub(super) fn by_number(&self, number: &OutTradeNo) -> Result<&Order, NotOne> {
        let mut orders = self.all_by_number(number);
        match (orders.next(), orders.next()) {
            (Some(order), None) => Ok(order),
            (Some(_), Some(_)) => Err(NotOne::Several),
            (None, _) => Err(NotOne::None),
        }
    }

    /// The orders of all merchants with this number.
    pub(super) fn all_by_number(&self, number: &OutTradeNo) -> impl Iterator<Item = &Order> {
        let keys = self.numbers.get(number).into_iter().flatten();
        keys.filter_map(|key| self.get(key))
    }

    /// Orders, newest first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Order> {
        self.by_age.values().rev().filter_map(|key| self.get(key))
    }

    /// Unpaid orders, newest first; those that age has closed are among them.
    pub(super) fn newest_unpaid(&self) -> impl Iterator<Item = &Order> {
        self.unpaid.values().rev().filter_map(|key| self.get(key))
    }

    pub(super) fn add(&mut self, order: Order, now: Moment) -> Result<(), Full> {
        if self.orders.len() >= self.max && !self.make_room(now) {
            return Err(Full);
        }
        let (age, key) = (self.next_age, order.key.clone());
        self.next_age += 1;
        self.by_age.insert(age, key.clone());
        self.unpaid.insert(age, key.clone());
        self.codes.insert(order.code_url.clone(), key.clone());
        self.numbers
            .entry(key.out_trade_no.clone())
            .or_default()
            .insert(key.clone());
        self.orders.insert(key, (age, order));
        Ok(())
    }

    pub(super) fn replace_code(
        &mut self,
        key: &OrderKey,
        prepay_id: PrepayId,
        code_url: CodeUrl,
        now: Moment,
    ) {
        let Some((_, order)) = self.orders.get_mut(key) else {
            return;
        };
        let remembered = order.replaced_codes.front().cloned();
        order.replace_code(prepay_id, code_url.clone(), now);
        if let Some(forgotten) =
            remembered.filter(|code| order.replaced_codes.front() != Some(code))
        {
            self.codes.remove(&forgotten);
        }
        self.codes.insert(code_url, key.clone());
    }

    /// Gives an unpaid order its last state.
    pub(super) fn finish(&mut self, key: &OrderKey, state: OrderState) {
        let Some((age, order)) = self.orders.get_mut(key) else {
            return;
        };
        if let OrderState::Success(paid) = &state {
            self.transactions
                .insert(paid.transaction_id.clone(), key.clone());
        }
        order.state = state;
        if self.unpaid.remove(age).is_some() {
            self.finished.push_back(key.clone());
        }
    }

    /// The refund of a merchant's number, and its order.
    pub(super) fn by_refund(
        &self,
        mch_id: &MchId,
        number: &OutRefundNo,
    ) -> Option<(&Order, &Refund)> {
        let key = self.refunds.get(&(mch_id.clone(), number.clone()))?;
        let order = self.get(key)?;
        let mut refunds = order.refunds.iter();
        refunds
            .find(|refund| refund.out_refund_no == *number)
            .map(|refund| (order, refund))
    }

    /// The refund of a number of the gateway's, and its order.
    pub(super) fn by_refund_id(&self, id: &RefundId) -> Option<(&Order, &Refund)> {
        let order = self.get(self.refund_ids.get(id)?)?;
        let mut refunds = order.refunds.iter();
        refunds
            .find(|refund| refund.refund_id == *id)
            .map(|refund| (order, refund))
    }

    pub(super) fn add_refund(&mut self, key: &OrderKey, refund: Refund) {
        let Some((_, order)) = self.orders.get_mut(key) else {
            return;
        };
        let number = (key.mch_id.clone(), refund.out_refund_no.clone());
        self.refunds.insert(number, key.clone());
        self.refund_ids
            .insert(refund.refund_id.clone(), key.clone());
        order.refunds.push(refund);
    }

    fn make_room(&mut self, now: Moment) -> bool {
        let aged_out = || {
            let oldest = self.unpaid.values().next()?;
            let closed = matches!(self.get(oldest)?.state(now), OrderState::Closed);
            closed.then(|| oldest.clone())
        };
        let Some(key) = self.finished.front().cloned().or_else(aged_out) else {
            return false;
        };
        if self.finished.front() == Some(&key) {
            self.finished.pop_front();
        }
        self.remove(&key);
        true
    }

    fn remove(&mut self, key: &OrderKey) {
        let Some((age, order)) = self.orders.remove(key) else {
            return;
        };
        self.by_age.remove(&age);
        self.unpaid.remove(&age);
        self.codes.remove(&order.code_url);
        for code in &order.replaced_codes {
            self.codes.remove(code);
        }
        if let OrderState::Success(paid) = &order.state {
            self.transactions.remove(&paid.transaction_id);
        }
        for refund in order.refunds {
            self.refund_ids.remove(&refund.refund_id);
            self.refunds
                .remove(&(key.mch_id.clone(), refund.out_refund_no));
        }
        if let Some(keys) = self.numbers.get_mut(&key.out_trade_no) {
            keys.remove(key);
            if keys.is_empty() {
                self.numbers.remove(&key.out_trade_no);
            }
        }
    }
}
