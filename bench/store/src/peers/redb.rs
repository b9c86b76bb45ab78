//! redb: a table for each kind of record, one transaction for a group, with its own full durability.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use redb::{Database, Durability, ReadableTable as _, TableDefinition};

use crate::{
    engine::Engine,
    payment::{LOG_BYTES, OUTBOX_BYTES, filled, index_key, is_unpaid, order_key, order_value},
};

const ORDERS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("orders");
const LOG: TableDefinition<u64, &[u8]> = TableDefinition::new("log");
const OUTBOX: TableDefinition<u64, &[u8]> = TableDefinition::new("outbox");
const INDEX: TableDefinition<&[u8], ()> = TableDefinition::new("index");

pub(crate) struct Redb {
    db: Database,
    next: u64,
}

impl Redb {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let db = Database::create(folder.join("redb"))?;
        Ok(Self { db, next: 0 })
    }
}

impl Engine for Redb {
    fn load(&mut self, orders: u32) -> Result<()> {
        let write = self.db.begin_write()?;
        {
            let mut table = write.open_table(ORDERS)?;
            let mut index = write.open_table(INDEX)?;
            for n in 0..orders {
                table.insert(&order_key(n)[..], &order_value(0, n)[..])?;
                index.insert(&index_key(0, n)[..], ())?;
            }
        }
        Ok(write.commit()?)
    }

    fn pay(&mut self, group: &[u32]) -> Result<()> {
        let mut write = self.db.begin_write()?;
        write.set_durability(Durability::Immediate)?;
        {
            let mut orders = write.open_table(ORDERS)?;
            let mut log = write.open_table(LOG)?;
            let mut outbox = write.open_table(OUTBOX)?;
            let mut index = write.open_table(INDEX)?;
            for &n in group {
                let key = order_key(n);
                let found = orders.get(&key[..])?.context("no such order")?;
                ensure!(is_unpaid(found.value()), "order {n} is paid");
                drop(found);
                orders.insert(&key[..], &order_value(1, n)[..])?;
                let row = self.next;
                self.next += 1;
                log.insert(row, &filled::<LOG_BYTES>(1, n)[..])?;
                outbox.insert(row * 2, &filled::<OUTBOX_BYTES>(1, n)[..])?;
                outbox.insert(row * 2 + 1, &filled::<OUTBOX_BYTES>(2, n)[..])?;
                index.remove(&index_key(0, n)[..])?;
                index.insert(&index_key(1, n)[..], ())?;
            }
        }
        Ok(write.commit()?)
    }
}
