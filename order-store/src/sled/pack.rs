//! Many rows in few values: what one group adds to the log and to the outbox.
//!
//! Rows of one group say much the same: the merchant, the app, where notifies go. So a value is compressed as a block of
//! LZ4, which leaves about a quarter of it.

use std::borrow::Cow;

use lz4_flex::block::{compress_into, decompress_into, get_maximum_output_size};

use super::{
    digest::Chain,
    record::{VALUE_MAX_BYTES, checked},
};
use crate::StoreError;

/// Version and number of rows.
const HEAD_BYTES: usize = 3;
/// The version of the outbox's values that are compressed. Those that gain nothing by it are of version 1.
const PACKED_VERSION: u8 = 2;
/// The versions of the log's values: after it stands the hash of the log before the value.
const LOG_VERSION: u8 = 2;
const PACKED_LOG_VERSION: u8 = 3;
const CHAIN_BYTES: usize = 32;
/// The length in front of a row, and of what was compressed.
const LENGTH_BYTES: usize = 2;

/// Fills values of at most [`VALUE_MAX_BYTES`] with rows, counted as they are before they are compressed.
pub(super) struct Packer {
    chunks: Vec<Chunk>,
    /// Bytes of the last chunk, with what its rows may grow by.
    used: usize,
    /// Bytes in front of the rows.
    head_bytes: usize,
}

/// The rows of one value, with their number and lengths.
#[derive(Clone)]
pub(super) struct Chunk {
    count: u16,
    /// The number again, and the rows, each behind its length.
    bytes: Vec<u8>,
}

impl Default for Chunk {
    fn default() -> Self {
        Self {
            count: 0,
            bytes: {
                let mut bytes = Vec::with_capacity(VALUE_MAX_BYTES);
                bytes.extend_from_slice(&[0; 2]);
                bytes
            },
        }
    }
}

impl Chunk {
    fn push(&mut self, row: &[u8]) {
        let length = u16::try_from(row.len()).expect("a row is smaller than a value");
        self.count += 1;
        self.bytes[..2].copy_from_slice(&self.count.to_be_bytes());
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(row);
    }

    /// How many rows it has.
    pub(super) fn count(&self) -> u16 {
        self.count
    }
}

impl<R: AsRef<[u8]>> FromIterator<R> for Chunk {
    fn from_iter<I: IntoIterator<Item = R>>(rows: I) -> Self {
        let mut chunk = Self::default();
        for row in rows {
            chunk.push(row.as_ref());
        }
        chunk
    }
}

impl Packer {
    /// For values of rows alone.
    pub(super) fn plain() -> Self {
        Self {
            chunks: Vec::new(),
            used: 0,
            head_bytes: HEAD_BYTES,
        }
    }

    /// For values of the log, which have the chain in front.
    pub(super) fn chained() -> Self {
        Self {
            head_bytes: HEAD_BYTES + CHAIN_BYTES,
            ..Self::plain()
        }
    }

    /// Where the next row of `bytes` bytes goes, when `reserve` bytes are kept for it to grow: chunk and slot.
    pub(super) fn place(&mut self, bytes: usize, reserve: usize) -> (u16, u16) {
        let size = LENGTH_BYTES + bytes + reserve;
        assert!(
            self.head_bytes + size <= VALUE_MAX_BYTES,
            "a row of {bytes} bytes fits no value: the limits of its fields forbid it"
        );
        if self.chunks.is_empty() || self.used + size > VALUE_MAX_BYTES {
            self.chunks.push(Chunk::default());
            self.used = self.head_bytes;
        }
        self.used += size;
        let chunk = self.chunks.len() - 1;
        (
            u16::try_from(chunk).expect("a group has far fewer rows"),
            self.chunks[chunk].count,
        )
    }

    /// The slot of the next row, unless it begins a value.
    pub(super) fn next_slot(&self) -> u16 {
        self.chunks.last().map_or(0, Chunk::count)
    }

    /// Puts the row where [`Packer::place`] said.
    pub(super) fn push(&mut self, row: &[u8]) {
        self.chunks
            .last_mut()
            .expect("a place was asked for")
            .push(row);
    }

    /// The rows of each value, by its number.
    pub(super) fn finish(self) -> impl Iterator<Item = (u16, Chunk)> {
        (0..).zip(self.chunks)
    }
}

/// One value of these rows.
pub(super) fn pack(rows: &Chunk) -> Vec<u8> {
    fill([PACKED_VERSION, 1], &[], rows)
}

/// One value of the log, which follows a log of this hash.
pub(super) fn pack_log(before: Chain, rows: &Chunk) -> Vec<u8> {
    fill([PACKED_LOG_VERSION, LOG_VERSION], &before.0, rows)
}

/// The version tells whether the rows are compressed, which is left when it gains nothing.
fn fill([packed, plain]: [u8; 2], head: &[u8], rows: &Chunk) -> Vec<u8> {
    let start = 1 + head.len();
    let mut value = vec![0; start + LENGTH_BYTES + get_maximum_output_size(rows.bytes.len())];
    value[1..start].copy_from_slice(head);
    let (length, block) = value[start..].split_at_mut(LENGTH_BYTES);
    let bytes = u16::try_from(rows.bytes.len()).expect("rows fill no more than a value");
    length.copy_from_slice(&bytes.to_be_bytes());
    let compressed =
        compress_into(&rows.bytes, block).map_or(usize::MAX, |bytes| bytes + LENGTH_BYTES);
    if compressed < rows.bytes.len() {
        value[0] = packed;
        value.truncate(start + compressed);
    } else {
        value[0] = plain;
        value.truncate(start);
        value.extend_from_slice(&rows.bytes);
    }
    assert!(value.len() <= VALUE_MAX_BYTES, "{} bytes", value.len());
    value
}

/// The rows of a value, compressed no longer.
pub(super) struct Rows<'a> {
    bytes: Cow<'a, [u8]>,
    what: &'static str,
}

/// The rows of one value.
pub(super) fn unpack<'a>(value: &'a [u8], what: &'static str) -> Result<Rows<'a>, StoreError> {
    let bytes = match value.split_first() {
        Some((&PACKED_VERSION, block)) => decompress(block, what)?,
        _ => checked(value, what)?.into(),
    };
    Ok(Rows { bytes, what })
}

/// The rows of one value of the log, and the hash before it. Values of format 1 have none.
pub(super) fn unpack_log(value: &[u8]) -> Result<(Option<Chain>, Rows<'_>), StoreError> {
    let what = "log";
    let (version, rest) = match value.split_first() {
        Some((&version @ (LOG_VERSION | PACKED_LOG_VERSION), rest)) => (version, rest),
        Some((&newer, _)) if newer > PACKED_LOG_VERSION => {
            return Err(StoreError::NewerFormat {
                found: newer.into(),
                known: PACKED_LOG_VERSION.into(),
            });
        }
        _ => {
            let bytes = checked(value, what)?.into();
            return Ok((None, Rows { bytes, what }));
        }
    };
    let (before, rest) = rest
        .split_first_chunk::<CHAIN_BYTES>()
        .ok_or_else(|| overrun(what))?;
    let bytes = if version == PACKED_LOG_VERSION {
        decompress(rest, what)?
    } else {
        rest.into()
    };
    Ok((Some(Chain(*before)), Rows { bytes, what }))
}

fn decompress<'a>(block: &[u8], what: &str) -> Result<Cow<'a, [u8]>, StoreError> {
    let (length, block) = block.split_first_chunk().ok_or_else(|| overrun(what))?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length > VALUE_MAX_BYTES {
        return Err(overrun(what));
    }
    let mut bytes = vec![0; length];
    match decompress_into(block, &mut bytes) {
        Ok(found) if found == length => Ok(bytes.into()),
        _ => Err(overrun(what)),
    }
}

impl Rows<'_> {
    /// The same, on their own.
    pub(super) fn into_owned(self) -> Rows<'static> {
        Rows {
            bytes: self.bytes.into_owned().into(),
            what: self.what,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> Result<u16, StoreError> {
        let count = self.bytes.first_chunk().ok_or_else(|| overrun(self.what))?;
        Ok(u16::from_be_bytes(*count))
    }

    /// All of them.
    pub(super) fn all(&self) -> Result<Vec<&[u8]>, StoreError> {
        let damaged = || overrun(self.what);
        let count = usize::from(self.count()?);
        let mut rows = Vec::with_capacity(count.min(VALUE_MAX_BYTES));
        let mut rest = &self.bytes[2..];
        for _ in 0..count {
            let (row, behind) = take_row(rest).ok_or_else(damaged)?;
            rows.push(row);
            rest = behind;
        }
        if rest.is_empty() {
            Ok(rows)
        } else {
            Err(damaged())
        }
    }

    /// One of them.
    pub(super) fn get(&self, slot: u16) -> Result<Option<&[u8]>, StoreError> {
        let damaged = || overrun(self.what);
        if slot >= self.count()? {
            return Ok(None);
        }
        let mut rest = &self.bytes[2..];
        for _ in 0..slot {
            rest = take_row(rest).ok_or_else(damaged)?.1;
        }
        Ok(Some(take_row(rest).ok_or_else(damaged)?.0))
    }
}

/// The first row, and what is behind it.
fn take_row(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, behind) = bytes.split_first_chunk()?;
    behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

fn overrun(what: &str) -> StoreError {
    StoreError::Corrupt {
        what: format!("{what}: rows run over"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Some rows compress well and some do not at all.
    fn row(n: usize, size: usize) -> Vec<u8> {
        let mut state = n as u64 | 1;
        let mut byte = |at: usize| {
            state = state
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(at as u64);
            state.to_be_bytes()[0]
        };
        (0..size)
            .map(|at| if n.is_multiple_of(2) { 7 } else { byte(at) })
            .collect()
    }

    proptest! {
        #[test]
        fn rows_come_back_from_where_they_were_put(
            sizes in proptest::collection::vec((1_usize..1_500, 0_usize..300), 1..200)
        ) {
            let mut packer = Packer::chained();
            let mut places = Vec::new();
            for (n, (size, reserve)) in sizes.iter().enumerate() {
                places.push(packer.place(*size, *reserve));
                packer.push(&row(n, *size));
            }
            let before = Chain([7; 32]);
            let values: Vec<_> = packer.finish().map(|(_, rows)| pack_log(before, &rows)).collect();
            for (n, ((chunk, slot), (size, _))) in places.iter().zip(&sizes).enumerate() {
                let value = &values[usize::from(*chunk)];
                prop_assert!(value.len() <= VALUE_MAX_BYTES);
                let (found, rows) = unpack_log(value).unwrap();
                prop_assert_eq!(found, Some(before));
                prop_assert_eq!(rows.all().unwrap()[usize::from(*slot)].to_vec(), row(n, *size));
                prop_assert_eq!(rows.get(*slot).unwrap().unwrap(), row(n, *size));
                prop_assert!(rows.get(rows.count().unwrap()).unwrap().is_none());
            }
        }

        #[test]
        fn damage_is_an_error_and_no_panic(value in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok((_, rows)) = unpack_log(&value) {
                drop((rows.all(), rows.get(1)));
            }
            if let Ok(rows) = unpack(&value, "test") {
                drop((rows.all(), rows.get(1)));
            }
        }

        #[test]
        fn a_damaged_block_is_an_error_or_other_rows(
            at in any::<prop::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let mut value = pack(&(0..20).map(|n| row(n, 90)).collect());
            prop_assert_eq!(value[0], PACKED_VERSION);
            let at = at.index(value.len());
            value[at] ^= 1 << bit;
            if let Ok(rows) = unpack(&value, "test") {
                drop((rows.all(), rows.get(9)));
            }
        }
    }
}
