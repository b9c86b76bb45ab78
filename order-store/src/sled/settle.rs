//! The part of a group that settles rows of the outbox: each settlement rewrites the value that its row is in.

use super::{
    decided::RelayChange,
    group::Group,
    job::Settlement,
    keys::{Kind, packed_key},
    pack::unpack,
    place::Address,
    record::{Hold, StoredRow, decode},
    relay::{Held, Relay, Status},
    trees::Trees,
};
use crate::{ClaimToken, OutboxId, StoreError, WAIT_MAX, outbox::plain};

impl Group<'_> {
    pub(super) fn settle(
        &mut self,
        token: &ClaimToken,
        settlement: Settlement,
        relay: &mut Relay,
    ) -> Result<(), StoreError> {
        let address = Address::from(token.address);
        if !relay.settle(address, token.fence) {
            return Err(StoreError::LeaseLost {
                id: token.id.clone(),
            });
        }
        let rows = self.chunk(address)?;
        let at = position(rows, address)?;
        match settlement {
            Settlement::Sent => {
                rows.remove(at);
                self.relay.push(RelayChange::Remove(address));
            }
            Settlement::PutOff(after, reason) => {
                let tries = rows[at].row.attempts.saturating_add(1);
                let hold = if self.dead_letter.is_due(tries) {
                    Hold::Parked
                } else {
                    Hold::Until(self.now + after.min(WAIT_MAX))
                };
                self.hold(address, hold, Some(&reason))?;
            }
            Settlement::Parked(reason) => self.hold(address, Hold::Parked, Some(&reason))?,
        }
        Ok(())
    }

    pub(super) fn requeue(&mut self, id: &OutboxId, relay: &mut Relay) -> Result<(), StoreError> {
        let held = relay.held(Held::ParkedOrPutOff);
        let address = self
            .find(held, id)?
            .ok_or_else(|| StoreError::NoSuchRow { id: id.clone() })?;
        // A row whose wait is over could be claimed until this is written, and would then lose its lease.
        relay.set(address, Status::Settling);
        self.hold(address, Hold::None, None)
    }

    /// Which of these rows has this name. Only looks: a value that is not changed is not written again.
    fn find(
        &self,
        addresses: impl Iterator<Item = Address>,
        id: &OutboxId,
    ) -> Result<Option<Address>, StoreError> {
        let mut loaded: Option<((u64, u16), Vec<StoredRow>)> = None;
        for address in addresses {
            let place = (address.group, address.chunk);
            let rows = match (self.chunks.get(&place), self.ground.changes.chunk(address)) {
                (Some(rows), _) => rows.as_slice(),
                (None, Some(rows)) => rows,
                // Rows of one value follow each other, so it is read once.
                (None, None) => match loaded.take() {
                    Some((of, rows)) if of == place => &loaded.insert((of, rows)).1,
                    _ => {
                        let rows = load_chunk(self.ground.trees, address.group, address.chunk)?;
                        &loaded.insert((place, rows)).1
                    }
                },
            };
            if rows
                .iter()
                .any(|row| row.slot == address.slot && row.row.id == *id)
            {
                return Ok(Some(address));
            }
        }
        Ok(None)
    }

    /// Holds a row after a failed try, or frees it when there is no failure to tell of.
    fn hold(
        &mut self,
        address: Address,
        hold: Hold,
        failure: Option<&str>,
    ) -> Result<(), StoreError> {
        let rows = self.chunk(address)?;
        let at = position(rows, address)?;
        let row = &mut rows[at];
        row.hold = hold;
        row.row.attempts = failure.map_or(0, |_| row.row.attempts.saturating_add(1));
        row.row.last_error = failure.map(plain);
        self.relay.push(RelayChange::Set(address, hold.into()));
        Ok(())
    }

    /// The rows of one value of the outbox, as the group leaves them.
    fn chunk(&mut self, address: Address) -> Result<&mut Vec<StoredRow>, StoreError> {
        use std::collections::btree_map::Entry::{Occupied, Vacant};
        match self.chunks.entry((address.group, address.chunk)) {
            Occupied(rows) => Ok(rows.into_mut()),
            Vacant(place) => {
                let rows = match self.ground.changes.chunk(address) {
                    Some(rows) => rows.to_vec(),
                    None => load_chunk(self.ground.trees, address.group, address.chunk)?,
                };
                Ok(place.insert(rows))
            }
        }
    }
}

fn position(rows: &[StoredRow], address: Address) -> Result<usize, StoreError> {
    rows.iter()
        .position(|row| row.slot == address.slot)
        .ok_or_else(|| StoreError::Corrupt {
            what: format!("row {address:?} of the outbox is gone"),
        })
}

/// One row of the outbox.
pub(super) fn load_row(trees: &Trees, address: Address) -> Result<StoredRow, StoreError> {
    row_at(load_chunk(trees, address.group, address.chunk)?, address)
}

/// The row of this address among those of its value.
pub(super) fn row_at(mut rows: Vec<StoredRow>, address: Address) -> Result<StoredRow, StoreError> {
    let at = position(&rows, address)?;
    Ok(rows.swap_remove(at))
}

/// The rows of one value of the outbox; none when it was drained.
pub(super) fn load_chunk(
    trees: &Trees,
    group: u64,
    chunk: u16,
) -> Result<Vec<StoredRow>, StoreError> {
    match trees.get(Kind::Outbox, &packed_key(group, chunk))? {
        Some(value) => rows_of(&value),
        None => Ok(Vec::new()),
    }
}

/// The rows in one value of the outbox.
pub(super) fn rows_of(value: &[u8]) -> Result<Vec<StoredRow>, StoreError> {
    unpack(value, "outbox")?
        .all()?
        .into_iter()
        .map(|row| decode(row, "row of the outbox"))
        .collect()
}
