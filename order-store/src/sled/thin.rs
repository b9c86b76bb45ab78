//! What a compaction takes over of each record.

use super::{
    digest::Chain,
    keys::{HEAD_KEY, Kind, parse_packed_key},
    locate::{Locator, hash_of_order},
    pack::{pack_log, unpack_log},
    place::{Address, Home, Place},
    record::{StoredLog, decode, encode_bare_log},
    rows::join_order,
    trees::Trees,
};
use crate::{OrderKey, StoreError};

/// Takes orders out of the rows that are no longer their last, and leaves records out that nothing reads.
pub(super) struct Thin<'a> {
    from: &'a Trees,
    locator: &'a Locator,
    /// The hash of the log as it is written anew.
    chain: Chain,
    /// The last order of the tree of orders whose first part was seen, without its part's number, and whether it counts.
    order: (Vec<u8>, Counts),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    Yes,
    No,
}

impl<'a> Thin<'a> {
    pub(super) fn new(from: &'a Trees, locator: &'a Locator) -> Self {
        Self {
            from,
            locator,
            chain: Chain::default(),
            order: (Vec::new(), Counts::No),
        }
    }

    /// The value to write for this one, if any. Records come in the order of their keys.
    pub(super) fn record(
        &mut self,
        kind: Kind,
        key: &[u8],
        value: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match kind {
            Kind::Log => self.log(key, value).map(Some),
            Kind::Orders => self.order(key, value),
            // What format 2 kept there is in memory now.
            Kind::Attempts | Kind::Transactions | Kind::Refunds => Ok(None),
            Kind::Meta if key == HEAD_KEY => Ok(None),
            Kind::Meta | Kind::Outbox | Kind::Inbox => Ok(Some(value.to_vec())),
        }
    }

    fn log(&mut self, key: &[u8], value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (group, chunk) = parse_packed_key(key)?;
        let mut rows = Vec::new();
        for (slot, bytes) in (0..).zip(unpack_log(value)?.1.all()?) {
            let row: StoredLog = decode(bytes, "row of the log")?;
            let at = Address { group, chunk, slot };
            rows.push(match &row.order {
                Some(order) if !self.is_at(&order.key, at, Home::Log) => {
                    encode_bare_log(row.prev, &row.entry, &order.key)
                }
                _ => bytes.to_vec(),
            });
        }
        let value = pack_log(self.chain, &rows.into_iter().collect());
        self.chain = self.chain.link(key, &value);
        Ok(value)
    }

    fn order(&mut self, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((part, order)) = key.split_last() else {
            return Ok(None);
        };
        if *part == 0 {
            let stored = join_order(self.from, key, value)?;
            let counts = if self.is_at(&stored.order.key, stored.last_log, Home::Tree) {
                Counts::Yes
            } else {
                Counts::No
            };
            self.order = (order.to_vec(), counts);
        }
        let counts = self.order.0 == order && self.order.1 == Counts::Yes;
        Ok(counts.then(|| value.to_vec()))
    }

    fn is_at(&self, key: &OrderKey, last_log: Address, home: Home) -> bool {
        let place = Place { last_log, home };
        self.locator
            .places_of(hash_of_order(key))
            .any(|other| other == place)
    }
}
