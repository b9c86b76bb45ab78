//! What is in memory of the orders, built from the records that pass the verification.

use wxpay_core::{AppId, MchId};

use super::{
    keys::{ACCOUNT_PREFIX, Kind, parse_packed_key},
    locate::{Locator, hash_of_order, owned_by},
    pack::unpack_log,
    place::{Address, Home, Place},
    record::{StoredLog, decode},
    rows::{join_order, load_at},
    trees::Trees,
    verify::Visit,
};
use crate::{
    StoreError,
    index::{Index, Mark},
};

/// The log comes first and says where each order's last row is; the tree of orders then says which orders it has.
#[derive(Default)]
pub(super) struct Rebuild {
    index: Index,
    locator: Locator,
}

impl Rebuild {
    /// Reads each order where it is now.
    pub(super) fn finish(self, trees: &Trees) -> Result<(Index, Locator), StoreError> {
        let Self {
            mut index,
            mut locator,
        } = self;
        for place in locator.places() {
            let order = load_at(trees, place)?.order;
            index.change(&order.key, None, &Mark::of(&order));
            let hash = hash_of_order(&order.key);
            for (kind, owned) in owned_by(&order) {
                locator.own(kind, owned, hash);
            }
        }
        Ok((index, locator))
    }

    fn follow(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let (group, chunk) = parse_packed_key(key)?;
        for (slot, row) in (0..).zip(unpack_log(value)?.1.all()?) {
            let row: StoredLog = decode(row, "row of the log")?;
            let at = Address { group, chunk, slot };
            let key = row.key()?;
            let followed =
                self.locator
                    .move_order(hash_of_order(key), row.prev.map(in_log), in_log(at));
            if !followed {
                return Err(StoreError::Corrupt {
                    what: format!("row {at:?} of the log of {key} follows no last row"),
                });
            }
        }
        Ok(())
    }
}

fn in_log(last_log: Address) -> Place {
    Place {
        last_log,
        home: Home::Log,
    }
}

impl Visit for Rebuild {
    fn record(
        &mut self,
        trees: &Trees,
        kind: Kind,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), StoreError> {
        match kind {
            Kind::Log => self.follow(key, value)?,
            Kind::Orders if key.last() == Some(&0) => {
                let stored = join_order(trees, key, value)?;
                let last_log = stored.last_log;
                // Where the log has gone on since, the order is in it, and this record is an old one.
                self.locator.move_order(
                    hash_of_order(&stored.order.key),
                    Some(in_log(last_log)),
                    Place {
                        last_log,
                        home: Home::Tree,
                    },
                );
            }
            Kind::Meta if key.starts_with(ACCOUNT_PREFIX) => {
                let (mch_id, appid): (MchId, AppId) = decode(value, "account")?;
                self.index.remember(mch_id, appid);
            }
            _ => {}
        }
        Ok(())
    }
}
