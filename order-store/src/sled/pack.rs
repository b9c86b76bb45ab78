//! Many rows in few values: what one group adds to the log and to the outbox.

use super::record::{VALUE_MAX_BYTES, checked};
use crate::StoreError;

/// Version and number of rows.
const HEAD_BYTES: usize = 3;
/// The length in front of a row.
const LENGTH_BYTES: usize = 2;

/// Fills values of at most [`VALUE_MAX_BYTES`] with rows.
#[derive(Default)]
pub(super) struct Packer {
    chunks: Vec<Vec<Vec<u8>>>,
    /// Bytes of the last chunk, with what its rows may grow by.
    used: usize,
}

impl Packer {
    /// Where the next row of `bytes` bytes goes, when `reserve` bytes are kept for it to grow: chunk and slot.
    pub(super) fn place(&mut self, bytes: usize, reserve: usize) -> (u16, u16) {
        let size = LENGTH_BYTES + bytes + reserve;
        assert!(
            HEAD_BYTES + size <= VALUE_MAX_BYTES,
            "a row of {bytes} bytes fits no value: the limits of its fields forbid it"
        );
        if self.chunks.is_empty() || self.used + size > VALUE_MAX_BYTES {
            self.chunks.push(Vec::new());
            self.used = HEAD_BYTES;
        }
        self.used += size;
        let chunk = self.chunks.len() - 1;
        (
            u16::try_from(chunk).expect("a group has far fewer rows"),
            u16::try_from(self.chunks[chunk].len()).expect("a row has more than two bytes"),
        )
    }

    /// Puts the row where [`Packer::place`] said.
    pub(super) fn push(&mut self, row: Vec<u8>) {
        self.chunks
            .last_mut()
            .expect("a place was asked for")
            .push(row);
    }

    /// The values, by chunk.
    pub(super) fn finish(self) -> impl Iterator<Item = (u16, Vec<u8>)> {
        (0..).zip(self.chunks.into_iter().map(|rows| pack(&rows)))
    }
}

/// One value of these rows.
pub(super) fn pack(rows: &[Vec<u8>]) -> Vec<u8> {
    let count = u16::try_from(rows.len()).expect("a value holds far fewer rows");
    let mut value = vec![1];
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
    let damaged = || StoreError::Corrupt {
        what: format!("{what}: rows run over"),
    };
    let number = |bytes: &[u8; 2]| usize::from(u16::from_be_bytes(*bytes));
    let (count, mut rest) = checked(value, what)?
        .split_first_chunk()
        .ok_or_else(damaged)?;
    let mut rows = Vec::with_capacity(number(count).min(VALUE_MAX_BYTES));
    for _ in 0..number(count) {
        let (length, behind) = rest.split_first_chunk().ok_or_else(damaged)?;
        let (row, behind) = behind
            .split_at_checked(number(length))
            .ok_or_else(damaged)?;
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

    fn row(n: usize, size: usize) -> Vec<u8> {
        vec![u8::try_from(n % 256).unwrap(); size]
    }

    proptest! {
        #[test]
        fn rows_come_back_from_where_they_were_put(
            sizes in proptest::collection::vec((1_usize..1_500, 0_usize..300), 1..200)
        ) {
            let mut packer = Packer::default();
            let mut places = Vec::new();
            for (n, (size, reserve)) in sizes.iter().enumerate() {
                places.push(packer.place(*size, *reserve));
                packer.push(row(n, *size));
            }
            let values: Vec<_> = packer.finish().collect();
            for (n, ((chunk, slot), (size, _))) in places.iter().zip(&sizes).enumerate() {
                let (_, value) = &values[usize::from(*chunk)];
                prop_assert!(value.len() <= VALUE_MAX_BYTES);
                let rows = unpack(value, "test").unwrap();
                prop_assert_eq!(rows[usize::from(*slot)].to_vec(), row(n, *size));
            }
        }

        #[test]
        fn damage_is_an_error_and_no_panic(value in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(rows) = unpack(&value, "test") {
                prop_assert_eq!(pack(&rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>()), value);
            }
        }
    }
}
