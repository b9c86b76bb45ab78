//! Values of the log that were read last, as they are before they are compressed.
//!
//! Orders that were made together are paid about the same time, so the next order is often in the value that was just
//! read. A value of the log never changes, so what is kept is never old.

use std::sync::Arc;

use super::pack::Rows;

/// How many are kept: less than half a megabyte.
const SLOTS: usize = 64;

/// Group and chunk.
type Key = (u64, u16);

#[derive(Default)]
pub(super) struct Chunks {
    slots: Vec<Option<(Key, Arc<Rows<'static>>)>>,
}

impl Chunks {
    pub(super) fn get(&self, key: Key) -> Option<Arc<Rows<'static>>> {
        match self.slots.get(slot(key)) {
            Some(Some((kept, rows))) if *kept == key => Some(Arc::clone(rows)),
            _ => None,
        }
    }

    pub(super) fn keep(&mut self, key: Key, rows: Arc<Rows<'static>>) {
        self.slots.resize_with(SLOTS, || None);
        self.slots[slot(key)] = Some((key, rows));
    }
}

/// Chunks of a group, and groups that follow each other, have slots of their own.
fn slot((group, chunk): Key) -> usize {
    let place = group.wrapping_mul(7).wrapping_add(chunk.into());
    usize::try_from(place % SLOTS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sled::pack::{pack, unpack};

    #[test]
    fn a_value_gives_way_to_another_and_is_never_taken_for_it() {
        let rows = |byte: u8| {
            let value = pack(&[[byte; 40]].into_iter().collect());
            Arc::new(unpack(&value, "test").unwrap().into_owned())
        };
        let mut chunks = Chunks::default();
        assert!(chunks.get((1, 0)).is_none());
        chunks.keep((1, 0), rows(1));
        chunks.keep((2, 0), rows(2));
        assert_eq!(
            chunks.get((1, 0)).unwrap().get(0).unwrap().unwrap(),
            [1; 40]
        );
        // 64 groups on is the same slot.
        chunks.keep((65, 0), rows(3));
        assert!(chunks.get((1, 0)).is_none());
        assert_eq!(
            chunks.get((65, 0)).unwrap().get(0).unwrap().unwrap(),
            [3; 40]
        );
        assert_eq!(
            chunks.get((2, 0)).unwrap().get(0).unwrap().unwrap(),
            [2; 40]
        );
    }
}
