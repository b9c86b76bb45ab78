//! Where a row of the log is, and where an order is.

use serde::{Deserialize, Serialize};

/// Where a row of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Address {
    #[serde(rename = "g")]
    pub(super) group: u64,
    #[serde(rename = "c")]
    pub(super) chunk: u16,
    #[serde(rename = "s")]
    pub(super) slot: u16,
}

impl From<Address> for u128 {
    fn from(address: Address) -> Self {
        Self::from(address.group) << 32 | Self::from(address.chunk) << 16 | Self::from(address.slot)
    }
}

impl From<u128> for Address {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "each part is cut to its own bits"
    )]
    fn from(bits: u128) -> Self {
        Self {
            group: (bits >> 32) as u64,
            chunk: (bits >> 16) as u16,
            slot: bits as u16,
        }
    }
}

/// Where an order's last row is, and where the order itself is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) last_log: Address,
    pub(super) home: Home,
}

/// Where an order itself is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// In the last row of its log.
    Log,
    /// In the tree of orders.
    Tree,
}

const SLOT_BITS: u32 = 12;
const CHUNK_BITS: u32 = 16;
/// Groups that a place can name: a century of them at ten a millisecond.
const GROUP_BITS: u32 = 35;

impl Place {
    /// In 64 bits.
    pub(super) fn pack(self) -> u64 {
        let Address { group, chunk, slot } = self.last_log;
        assert!(
            group < 1 << GROUP_BITS && slot < 1 << SLOT_BITS,
            "{:?} is beyond what a place can name",
            self.last_log
        );
        let home = match self.home {
            Home::Log => 0,
            Home::Tree => 1,
        };
        let group_and_chunk = group << CHUNK_BITS | u64::from(chunk);
        (group_and_chunk << SLOT_BITS | u64::from(slot)) << 1 | home
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "each part is cut to its own bits"
    )]
    /// What [`Place::pack`] made.
    pub(super) fn unpack(bits: u64) -> Self {
        let address = bits >> 1;
        Self {
            last_log: Address {
                group: address >> (SLOT_BITS + CHUNK_BITS),
                chunk: (address >> SLOT_BITS) as u16,
                slot: address as u16 & ((1 << SLOT_BITS) - 1),
            },
            home: if bits & 1 == 0 { Home::Log } else { Home::Tree },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_comes_back(
            group in 0_u64..1 << GROUP_BITS,
            chunk in any::<u16>(),
            slot in 0_u16..1 << SLOT_BITS,
            in_tree in any::<bool>(),
        ) {
            let place = Place {
                last_log: Address { group, chunk, slot },
                home: if in_tree { Home::Tree } else { Home::Log },
            };
            prop_assert_eq!(Place::unpack(place.pack()), place);
        }
    }
}
