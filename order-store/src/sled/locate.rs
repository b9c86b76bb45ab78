//! Where each order is, and whose each number is: in memory, 64 bits a piece.
//!
//! An order is in the last row of its log, or in the tree `orders` where that row has no room for it. So a payment writes
//! its order once, where rows are packed, and no tree that every payment rewrites at another place. What is kept here is
//! only hashes: a place says which order may be there, and reading it says whether it is.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasherDefault, Hasher},
};

use wxpay_core::{MchId, OutRefundNo, OutTradeNo, TransactionId};

use super::{digest::digest_bytes, place::Place, record::StoredOrder, rows::load_at, trees::Trees};
use crate::{Order, OrderKey, StoreError, dump::admit::numbers_of};

/// The hash of an order's key, of a number, a transaction or a refund. It is written to disk, so it never changes.
pub(super) type Hash = u64;

pub(super) fn hash_of_order(key: &OrderKey) -> Hash {
    hash(1, [key.mch_id.as_str(), key.out_trade_no.as_str()])
}

pub(super) fn hash_of_number(mch_id: &MchId, number: &OutTradeNo) -> Hash {
    hash(2, [mch_id.as_str(), number.as_str()])
}

pub(super) fn hash_of_transaction(id: &TransactionId) -> Hash {
    hash(3, ["", id.as_str()])
}

pub(super) fn hash_of_refund(mch_id: &MchId, number: &OutRefundNo) -> Hash {
    hash(4, [mch_id.as_str(), number.as_str()])
}

fn hash(seed: u64, parts: [&str; 2]) -> Hash {
    parts
        .into_iter()
        .fold(seed, |state, part| digest_bytes(state, part.as_bytes()))
}

/// What is looked up in the ledger's orders, beside their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owned {
    /// A number at the gateway that is not the order's own.
    Number,
    Transaction,
    Refund,
}

/// See the module.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Locator {
    /// From an order's hash to its [`Place`].
    pub(super) orders: Hashes,
    /// From other hashes to the order's.
    pub(super) numbers: Hashes,
    pub(super) transactions: Hashes,
    pub(super) refunds: Hashes,
}

impl Locator {
    fn owned(&self, kind: Owned) -> &Hashes {
        match kind {
            Owned::Number => &self.numbers,
            Owned::Transaction => &self.transactions,
            Owned::Refund => &self.refunds,
        }
    }

    /// An order's row of its log followed another, or nothing; says whether that one was the order's last.
    pub(super) fn move_order(&mut self, order: Hash, before: Option<Place>, after: Place) -> bool {
        match before {
            None => {
                self.orders.add(order, after.pack());
                true
            }
            Some(before) => self.orders.replace(order, before.pack(), after.pack()),
        }
    }

    pub(super) fn own(&mut self, kind: Owned, hash: Hash, order: Hash) {
        match kind {
            Owned::Number => self.numbers.add(hash, order),
            Owned::Transaction => self.transactions.add(hash, order),
            Owned::Refund => self.refunds.add(hash, order),
        }
    }

    /// All places, each value of the log after the one before it.
    pub(super) fn places(&self) -> Vec<Place> {
        let mut places: Vec<u64> = self.orders.iter().map(|(_, place)| place).collect();
        places.sort_unstable();
        places.into_iter().map(Place::unpack).collect()
    }

    /// Where an order may be, by the hash of its key.
    pub(super) fn places_of(&self, order: Hash) -> impl Iterator<Item = Place> {
        self.orders.get(order).map(Place::unpack)
    }

    /// The order of this key, and where it is.
    pub(super) fn order(
        &self,
        trees: &Trees,
        key: &OrderKey,
    ) -> Result<Option<(StoredOrder, Place)>, StoreError> {
        for place in self.places_of(hash_of_order(key)) {
            let stored = load_at(trees, place)?;
            if stored.order.key == *key {
                return Ok(Some((stored, place)));
            }
        }
        Ok(None)
    }

    /// The order that owns a number at the gateway.
    pub(super) fn owner_of_number(
        &self,
        trees: &Trees,
        mch_id: &MchId,
        number: &OutTradeNo,
    ) -> Result<Option<Order>, StoreError> {
        let own = OrderKey {
            mch_id: mch_id.clone(),
            out_trade_no: number.clone(),
        };
        if let Some((stored, _)) = self.order(trees, &own)? {
            return Ok(Some(stored.order));
        }
        let hash = hash_of_number(mch_id, number);
        self.owner(trees, Owned::Number, hash, |order| {
            order.key.mch_id == *mch_id && numbers_of(order).contains(number)
        })
    }

    /// The order that a transaction paid.
    pub(super) fn owner_of_transaction(
        &self,
        trees: &Trees,
        id: &TransactionId,
    ) -> Result<Option<Order>, StoreError> {
        self.owner(
            trees,
            Owned::Transaction,
            hash_of_transaction(id),
            |order| {
                order
                    .payments
                    .iter()
                    .any(|payment| payment.transaction_id == *id)
            },
        )
    }

    /// The order that has a refund.
    pub(super) fn owner_of_refund(
        &self,
        trees: &Trees,
        mch_id: &MchId,
        number: &OutRefundNo,
    ) -> Result<Option<Order>, StoreError> {
        let hash = hash_of_refund(mch_id, number);
        self.owner(trees, Owned::Refund, hash, |order| {
            order.key.mch_id == *mch_id
                && order
                    .refunds
                    .iter()
                    .any(|refund| refund.out_refund_no == *number)
        })
    }

    fn owner(
        &self,
        trees: &Trees,
        kind: Owned,
        hash: Hash,
        owns: impl Fn(&Order) -> bool,
    ) -> Result<Option<Order>, StoreError> {
        for order in self.owned(kind).get(hash) {
            for place in self.places_of(order) {
                let stored = load_at(trees, place)?;
                if owns(&stored.order) {
                    return Ok(Some(stored.order));
                }
            }
        }
        Ok(None)
    }
}

/// What an order owns beside its key: for an order that comes whole.
pub(super) fn owned_by(order: &Order) -> Vec<(Owned, Hash)> {
    let mch_id = &order.key.mch_id;
    let numbers = numbers_of(order)
        .into_iter()
        .filter(|number| *number != order.key.out_trade_no)
        .map(|number| (Owned::Number, hash_of_number(mch_id, &number)));
    let transactions = order
        .payments
        .iter()
        .map(|payment| &payment.transaction_id)
        .map(|id| (Owned::Transaction, hash_of_transaction(id)));
    let refunds = order
        .refunds
        .iter()
        .map(|refund| &refund.out_refund_no)
        .map(|number| (Owned::Refund, hash_of_refund(mch_id, number)));
    numbers.chain(transactions).chain(refunds).collect()
}

/// From hashes to 64 bits each: nearly always to one value, and to several where hashes meet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hashes {
    first: HashMap<Hash, u64, BuildHasherDefault<AsIs>>,
    more: BTreeMap<Hash, Vec<u64>>,
}

impl Hashes {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            first: HashMap::with_capacity_and_hasher(capacity, BuildHasherDefault::default()),
            more: BTreeMap::new(),
        }
    }

    pub(super) fn get(&self, hash: Hash) -> impl Iterator<Item = u64> {
        let first = self.first.get(&hash).copied();
        // Only where there is a first one are there more.
        let more = first.and_then(|_| self.more.get(&hash));
        first.into_iter().chain(more.into_iter().flatten().copied())
    }

    pub(super) fn add(&mut self, hash: Hash, value: u64) {
        use std::collections::hash_map::Entry::{Occupied, Vacant};
        match self.first.entry(hash) {
            Vacant(place) => {
                place.insert(value);
            }
            Occupied(first) if *first.get() == value => {}
            Occupied(_) => {
                let more = self.more.entry(hash).or_default();
                if !more.contains(&value) {
                    more.push(value);
                }
            }
        }
    }

    fn replace(&mut self, hash: Hash, before: u64, after: u64) -> bool {
        let first = self.first.get_mut(&hash);
        let more = self.more.get_mut(&hash).into_iter().flatten();
        for value in first.into_iter().chain(more) {
            if *value == before {
                *value = after;
                return true;
            }
        }
        false
    }

    pub(super) fn len(&self) -> usize {
        self.first.len() + self.more.values().map(Vec::len).sum::<usize>()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Hash, u64)> {
        let more = self
            .more
            .iter()
            .flat_map(|(hash, values)| values.iter().map(|value| (*hash, *value)));
        self.first
            .iter()
            .map(|(hash, value)| (*hash, *value))
            .chain(more)
    }
}

/// The keys are hashes already.
#[derive(Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are 64 bits");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few hashes, so that they meet.
        #[test]
        fn hashes_that_meet_lose_nothing(
            steps in proptest::collection::vec((0_u64..4, 0_u64..6, 0_u64..6), 0..60)
        ) {
            let mut hashes = Hashes::default();
            let mut model: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
            for (hash, before, after) in steps {
                let known = model.entry(hash).or_default();
                if let Some(value) = known.iter_mut().find(|value| **value == before) {
                    prop_assert!(hashes.replace(hash, before, after + 100));
                    *value = after + 100;
                } else {
                    prop_assert!(!hashes.replace(hash, before, after));
                    hashes.add(hash, before);
                    known.push(before);
                }
            }
            for (hash, known) in &model {
                prop_assert_eq!(&hashes.get(*hash).collect::<Vec<_>>(), known);
            }
            prop_assert_eq!(hashes.len(), model.values().map(Vec::len).sum::<usize>());
            prop_assert_eq!(hashes.iter().count(), hashes.len());
        }
    }
}
