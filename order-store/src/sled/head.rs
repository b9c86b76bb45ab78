//! The head: one small record, overwritten with every transaction, that says what the ledger then holds.

use super::{
    digest::{Chain, digest, digest_bytes},
    keys::{HEAD_KEY, KINDS, Kind, parse_packed_key},
    pack::unpack_log,
};
use crate::StoreError;

/// Version, six numbers' worth of counts and chain, and a sum for each tree.
pub(super) const HEAD_BYTES: usize = 1 + 8 * 4 + 32 + 8 * KINDS;
/// The head and its digest.
pub(super) const SEALED_BYTES: usize = HEAD_BYTES + 8;
const VERSION: u8 = 1;

/// What the ledger holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// Transactions so far.
    pub(super) commits: u64,
    /// The last group of the log.
    pub(super) group: u64,
    /// Rows of the log.
    pub(super) rows: u64,
    /// Records in all trees, the head left out.
    pub(super) records: u64,
    /// The hash of the log.
    pub(super) chain: Chain,
    /// The sum over the records of each tree.
    pub(super) sums: [u64; KINDS],
}

impl Head {
    pub(super) fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[0] = VERSION;
        let counts = [self.commits, self.group, self.rows, self.records];
        let (numbers, rest) = bytes[1..].split_at_mut(8 * counts.len());
        let (chain, sums) = rest.split_at_mut(32);
        chain.copy_from_slice(&self.chain.0);
        for (place, number) in numbers
            .chunks_exact_mut(8)
            .chain(sums.chunks_exact_mut(8))
            .zip(counts.iter().chain(&self.sums))
        {
            place.copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEAD_BYTES] = bytes.try_into().ok()?;
        if bytes[0] != VERSION {
            return None;
        }
        let number = |at: usize| {
            bytes[at..]
                .first_chunk()
                .map_or(0, |bytes| u64::from_be_bytes(*bytes))
        };
        Some(Self {
            commits: number(1),
            group: number(9),
            rows: number(17),
            records: number(25),
            chain: Chain(*bytes[33..].first_chunk()?),
            sums: std::array::from_fn(|kind| number(65 + 8 * kind)),
        })
    }

    /// Takes one more record in: log values in the order of their keys.
    pub(super) fn count(&mut self, kind: Kind, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        if kind == Kind::Meta && key == HEAD_KEY {
            return Ok(());
        }
        let sum = &mut self.sums[kind as usize];
        *sum = sum.wrapping_add(digest(kind, key, value));
        self.records += 1;
        if kind == Kind::Log {
            self.group = parse_packed_key(key)?.0;
            self.rows += u64::from(unpack_log(value)?.1.count()?);
            self.chain = self.chain.link(key, value);
        }
        Ok(())
    }

    /// The head for a file: with a digest, so that a torn write shows.
    pub(super) fn seal(&self) -> [u8; SEALED_BYTES] {
        let mut bytes = [0; SEALED_BYTES];
        bytes[..HEAD_BYTES].copy_from_slice(&self.encode());
        let digest = digest_bytes(0, &bytes[..HEAD_BYTES]);
        bytes[HEAD_BYTES..].copy_from_slice(&digest.to_be_bytes());
        bytes
    }

    /// What [`Head::seal`] wrote; nothing when it is torn.
    pub(super) fn unseal(bytes: &[u8]) -> Option<Self> {
        let (head, digest) = bytes.split_at_checked(HEAD_BYTES)?;
        let digest = digest.try_into().ok().map(u64::from_be_bytes)?;
        (digest == digest_bytes(0, head))
            .then(|| Self::decode(head))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comes_back_and_a_torn_one_does_not() {
        let head = Head {
            commits: 1,
            group: 2,
            rows: 3,
            records: 4,
            chain: Chain([5; 32]),
            sums: [6, 7, 8, 9, 10, 11, 12, 13],
        };
        assert_eq!(Head::decode(&head.encode()), Some(head));
        let sealed = head.seal();
        assert_eq!(Head::unseal(&sealed), Some(head));
        for at in 0..sealed.len() {
            let mut torn = sealed;
            torn[at] ^= 1;
            assert_eq!(Head::unseal(&torn), None, "byte {at}");
        }
        assert_eq!(Head::unseal(&sealed[..9]), None);
    }
}
