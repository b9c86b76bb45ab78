//! fjall: a keyspace for each kind of record, one batch for a group, synced with it.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use crate::{
    engine::Engine,
    payment::{LOG_BYTES, OUTBOX_BYTES, filled, index_key, is_unpaid, order_key, order_value},
};

pub(crate) struct Fjall {
    db: Database,
    orders: Keyspace,
    log: Keyspace,
    outbox: Keyspace,
    index: Keyspace,
    next: u64,
}

impl Fjall {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let db = Database::builder(folder.join("fjall")).open()?;
        let keyspace = |name: &str| db.keyspace(name, KeyspaceCreateOptions::default);
        Ok(Self {
            orders: keyspace("orders")?,
            log: keyspace("log")?,
            outbox: keyspace("outbox")?,
            index: keyspace("index")?,
            db,
            next: 0,
        })
    }
}

impl Engine for Fjall {
    fn load(&mut self, orders: u32) -> Result<()> {
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        for n in 0..orders {
            batch.insert(&self.orders, order_key(n), order_value(0, n));
            batch.insert(&self.index, index_key(0, n), []);
        }
        Ok(batch.commit()?)
    }

    fn pay(&mut self, group: &[u32]) -> Result<()> {
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        for &n in group {
            let found = self.orders.get(order_key(n))?.context("no such order")?;
            ensure!(is_unpaid(&found), "order {n} is paid");
            batch.insert(&self.orders, order_key(n), order_value(1, n));
            let row = self.next;
            self.next += 1;
            batch.insert(&self.log, row.to_be_bytes(), filled::<LOG_BYTES>(1, n));
            for (key, kind) in [(row * 2, 1), (row * 2 + 1, 2)] {
                let value = filled::<OUTBOX_BYTES>(kind, n);
                batch.insert(&self.outbox, key.to_be_bytes(), value);
            }
            batch.remove(&self.index, index_key(0, n));
            batch.insert(&self.index, index_key(1, n), []);
        }
        Ok(batch.commit()?)
    }
}
