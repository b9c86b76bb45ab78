//! Many rows in few values: what one group adds to the log and to the outbox.

use super::{
    digest::Chain,
    record::{VALUE_MAX_BYTES, checked},
};
use crate::StoreError;

/// Version and number of rows.
const HEAD_BYTES: usize = 3;
/// The version of the log's values: after it stands the hash of the log before the value.
const LOG_VERSION: u8 = 2;
const CHAIN_BYTES: usize = 32;
/// The length in front of a row.
const LENGTH_BYTES: usize = 2;

/// Fills values of at most [`VALUE_MAX_BYTES`] with rows.
pub(super) struct Packer {
    chunks: Vec<Vec<Vec<u8>>>,
    /// Bytes of the last chunk, with what its rows may grow by.
    used: usize,
    /// Bytes in front of the rows.
    head_bytes: usize,
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
            self.chunks.push(Vec::new());
            self.used = self.head_bytes;
        }
        self.used += size;
        let chunk = self.chunks.len() - 1;
        (
            u16::try_from(chunk).expect("a group has far fewer rows"),
            u16::try_from(self.chunks[chunk].len()).expect("a row has more than two bytes"),
        )
    }

    /// The slot of the next row, unless it begins a value.
    pub(super) fn next_slot(&self) -> u16 {
        let slot = self.chunks.last().map_or(0, Vec::len);
        u16::try_from(slot).expect("a row has more than two bytes")
    }

    /// Puts the row where [`Packer::place`] said.
    pub(super) fn push(&mut self, row: Vec<u8>) {
        self.chunks
            .last_mut()
            .expect("a place was asked for")
            .push(row);
    }

    /// The rows of each value, by chunk.
    pub(super) fn finish(self) -> impl Iterator<Item = (u16, Vec<Vec<u8>>)> {
        (0..).zip(self.chunks)
    }
}

/// One value of these rows.
pub(super) fn pack(rows: &[Vec<u8>]) -> Vec<u8> {
    fill(vec![1], rows)
}

/// One value of the log, which follows a log of this hash.
pub(super) fn pack_log(before: Chain, rows: &[Vec<u8>]) -> Vec<u8> {
    let mut value = vec![LOG_VERSION];
    value.extend_from_slice(&before.0);
    fill(value, rows)
}

fn fill(mut value: Vec<u8>, rows: &[Vec<u8>]) -> Vec<u8> {
    let count = u16::try_from(rows.len()).expect("a value holds far fewer rows");
    let bytes: usize = rows.iter().map(|row| LENGTH_BYTES + row.len()).sum();
    value.reserve_exact(HEAD_BYTES + bytes);
    value.extend_from_slice(&count.to_be_bytes());
    for row in rows {
        let length = u16::try_from(row.len()).expect("a row is smaller than a value");
        value.extend_from_slice(&length.to_be_bytes());
        value.extend_from_slice(row);
    }
    assert!(value.len() <= VALUE_MAX_BYTES, "{} bytes", value.len());
    value
}

/// The rows of one value.
pub(super) fn unpack<'a>(value: &'a [u8], what: &str) -> Result<Vec<&'a [u8]>, StoreError> {
    rows(checked(value, what)?, what)
}

/// The rows of one value of the log, and the hash before it. Values of format 1 have none.
pub(super) fn unpack_log(value: &[u8]) -> Result<(Option<Chain>, Vec<&[u8]>), StoreError> {
    match value.split_first() {
        Some((&LOG_VERSION, rest)) => {
            let (before, rest) = rest.split_first_chunk().ok_or_else(|| overrun("log"))?;
            Ok((Some(Chain(*before)), rows(rest, "log")?))
        }
        Some((&newer, _)) if newer > LOG_VERSION => Err(StoreError::NewerFormat {
            found: newer.into(),
            known: LOG_VERSION.into(),
        }),
        _ => Ok((None, unpack(value, "log")?)),
    }
}

/// One row of a value of the log.
pub(super) fn log_row(value: &[u8], slot: u16) -> Result<Option<&[u8]>, StoreError> {
    let behind = match value.split_first() {
        Some((&LOG_VERSION, rest)) => rest.get(CHAIN_BYTES..).ok_or_else(|| overrun("log"))?,
        _ => return Ok(unpack_log(value)?.1.get(usize::from(slot)).copied()),
    };
    row(behind, slot, "log")
}

fn row<'a>(bytes: &'a [u8], slot: u16, what: &str) -> Result<Option<&'a [u8]>, StoreError> {
    let damaged = || overrun(what);
    let (count, mut rest) = bytes.split_first_chunk().ok_or_else(damaged)?;
    if slot >= u16::from_be_bytes(*count) {
        return Ok(None);
    }
    for _ in 0..slot {
        rest = take_row(rest).ok_or_else(damaged)?.1;
    }
    Ok(Some(take_row(rest).ok_or_else(damaged)?.0))
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

fn rows<'a>(bytes: &'a [u8], what: &str) -> Result<Vec<&'a [u8]>, StoreError> {
    let damaged = || overrun(what);
    let (count, mut rest) = bytes.split_first_chunk().ok_or_else(damaged)?;
    let count = usize::from(u16::from_be_bytes(*count));
    let mut rows = Vec::with_capacity(count.min(VALUE_MAX_BYTES));
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slot_count(rows: &[&[u8]]) -> u16 {
        u16::try_from(rows.len()).unwrap()
    }

    fn row(n: usize, size: usize) -> Vec<u8> {
        vec![u8::try_from(n % 256).unwrap(); size]
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
                packer.push(row(n, *size));
            }
            let before = Chain([7; 32]);
            let values: Vec<_> = packer.finish().map(|(_, rows)| pack_log(before, &rows)).collect();
            for (n, ((chunk, slot), (size, _))) in places.iter().zip(&sizes).enumerate() {
                let value = &values[usize::from(*chunk)];
                prop_assert!(value.len() <= VALUE_MAX_BYTES);
                let (found, rows) = unpack_log(value).unwrap();
                prop_assert_eq!(found, Some(before));
                prop_assert_eq!(rows[usize::from(*slot)].to_vec(), row(n, *size));
                prop_assert_eq!(log_row(value, *slot).unwrap().unwrap(), row(n, *size));
                prop_assert!(log_row(value, slot_count(&rows)).unwrap().is_none());
            }
        }

        #[test]
        fn damage_is_an_error_and_no_panic(value in proptest::collection::vec(any::<u8>(), 0..64)) {
            drop(unpack_log(&value));
            drop(log_row(&value, 1));
            if let Ok(rows) = unpack(&value, "test") {
                prop_assert_eq!(pack(&rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>()), value);
            }
        }
    }
}
