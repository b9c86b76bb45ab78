//! What stands for the ledger's content: a sum over all records, and a hash chain over the log.
//!
//! The sum is of one number for each record, so a write only takes the old record's number off and puts the new one's on,
//! and a scan in any order comes to the same. It tells of every record that vanished, came back or changed. It guards
//! against accidents; the chain is SHA-256, so it also names a log.

use std::hash::{BuildHasherDefault, Hasher};

use sha2::{Digest as _, Sha256};

use super::keys::Kind;

/// An odd number without a pattern.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

#[allow(
    clippy::cast_possible_truncation,
    reason = "both halves of the product are used"
)]
fn mix(state: u64, word: u64) -> u64 {
    let product = u128::from(state.rotate_left(29) ^ word ^ FACTOR) * u128::from(FACTOR);
    (product as u64) ^ ((product >> 64) as u64).wrapping_add(state)
}

/// A number that stands for these bytes, following from `seed`.
pub(super) fn digest_bytes(seed: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut state = mix(seed, bytes.len() as u64);
    for word in words {
        state = mix(state, u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(mix(state, u64::from_le_bytes(last)), FACTOR)
}

/// The number of one record.
pub(super) fn digest(kind: Kind, key: &[u8], value: &[u8]) -> u64 {
    digest_bytes(digest_bytes(kind as u64, key), value)
}

/// How a group finds its orders and numbers. No key guards against keys that meet: a group has few.
pub(super) type BuildDigester = BuildHasherDefault<Digester>;

#[derive(Clone, Copy, Default)]
pub(super) struct Digester(u64);

impl Hasher for Digester {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = digest_bytes(self.0, bytes);
    }

    fn write_u8(&mut self, number: u8) {
        self.0 = mix(self.0, number.into());
    }

    fn write_usize(&mut self, number: usize) {
        self.0 = mix(self.0, number as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The hash of the log up to some value of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain(pub(super) [u8; 32]);

impl Chain {
    /// The hash after one more value.
    #[must_use]
    pub(super) fn link(self, key: &[u8], value: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(key);
        hash.update(value);
        Self(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_bit_counts(
            bytes in proptest::collection::vec(any::<u8>(), 1..200),
            at in any::<prop::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let mut other = bytes.clone();
            other[at.index(bytes.len())] ^= 1 << bit;
            prop_assert_ne!(digest_bytes(0, &bytes), digest_bytes(0, &other));
            prop_assert_ne!(digest(Kind::Log, &bytes, b""), digest(Kind::Log, b"", &bytes));
            let longer = [&bytes[..], &[0]].concat();
            prop_assert_ne!(digest_bytes(0, &bytes), digest_bytes(0, &longer));
        }
    }
}
