//! An order's place in time, small: the index in memory has one or two for each order.

use std::{cmp::Ordering, sync::Arc};

use wxpay_core::{MchId, OutTradeNo};

use crate::{OrderKey, Timestamp};

/// The longest number, in bytes.
pub(crate) const NUMBER_MAX_BYTES: usize = 32;

/// A time and an order's key, in the order of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: Timestamp,
    pub(crate) mch_id: Arc<MchId>,
    /// Filled up with zeros, which no number has.
    number: [u8; NUMBER_MAX_BYTES],
}

impl Place {
    pub(crate) fn new(at: Timestamp, mch_id: Arc<MchId>, number: &OutTradeNo) -> Self {
        Self::of_bytes(at, mch_id, number.as_str().as_bytes())
            .expect("the type of the number limits its length")
    }

    /// Nothing when the number is too long.
    pub(crate) fn of_bytes(at: Timestamp, mch_id: Arc<MchId>, bytes: &[u8]) -> Option<Self> {
        let mut number = [0; NUMBER_MAX_BYTES];
        number.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self { at, mch_id, number })
    }

    pub(crate) fn number(&self) -> &[u8] {
        let end = self.number.iter().position(|byte| *byte == 0);
        &self.number[..end.unwrap_or(NUMBER_MAX_BYTES)]
    }

    pub(crate) fn key(&self) -> OrderKey {
        OrderKey {
            mch_id: MchId::clone(&self.mch_id),
            out_trade_no: str::from_utf8(self.number())
                .ok()
                .and_then(|number| number.parse().ok())
                .expect("it was made of a number, or checked when it was read"),
        }
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let merchants = || {
            if Arc::ptr_eq(&self.mch_id, &other.mch_id) {
                Ordering::Equal
            } else {
                self.mch_id.cmp(&other.mch_id)
            }
        };
        self.at
            .cmp(&other.at)
            .then_with(merchants)
            .then_with(|| self.number.cmp(&other.number))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_stand_as_times_and_keys_do() {
        let keys = [
            (1, "1", "b"),
            (1, "10", "a"),
            (1, "2", "a"),
            (1, "2", "aa"),
            (1, "2", "b"),
            (2, "1", "a"),
        ]
        .map(|(at, mch_id, number)| {
            let key = OrderKey {
                mch_id: mch_id.parse().unwrap(),
                out_trade_no: number.parse().unwrap(),
            };
            (Timestamp::from_millis(at), key)
        });
        let places = keys
            .clone()
            .map(|(at, key)| Place::new(at, Arc::new(key.mch_id.clone()), &key.out_trade_no));
        assert!(keys.is_sorted());
        assert!(places.is_sorted());
        assert_eq!(places.map(|place| (place.at, place.key())), keys);
        assert!(size_of::<Place>() <= 48);
    }
}
