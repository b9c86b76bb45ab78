//! SQLite with a write-ahead log that is synced with every commit: `journal_mode=WAL`, `synchronous=FULL`.

use std::path::Path;

use anyhow::{Result, ensure};
use rusqlite::{Connection, params};

use crate::{
    engine::Engine,
    payment::{LOG_BYTES, OUTBOX_BYTES, filled, index_key, is_unpaid, order_key, order_value},
};

const SCHEMA: &str = "
    PRAGMA synchronous=FULL;
    PRAGMA cache_size=-65536;
    CREATE TABLE orders(key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE log(seq INTEGER PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE outbox(seq INTEGER PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE state_time(key BLOB PRIMARY KEY) WITHOUT ROWID;";

pub(crate) struct Sqlite {
    db: Connection,
    next: i64,
}

impl Sqlite {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let db = Connection::open(folder.join("sqlite"))?;
        let mode: String = db.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
        ensure!(mode == "wal", "SQLite's journal is {mode}");
        db.execute_batch(SCHEMA)?;
        db.set_prepared_statement_cache_capacity(16);
        Ok(Self { db, next: 0 })
    }
}

impl Engine for Sqlite {
    fn load(&mut self, orders: u32) -> Result<()> {
        let write = self.db.transaction()?;
        for n in 0..orders {
            write
                .prepare_cached("INSERT INTO orders VALUES (?1, ?2)")?
                .execute(params![order_key(n), order_value(0, n)])?;
            write
                .prepare_cached("INSERT INTO state_time VALUES (?1)")?
                .execute(params![index_key(0, n)])?;
        }
        Ok(write.commit()?)
    }

    fn pay(&mut self, group: &[u32]) -> Result<()> {
        let write = self.db.transaction()?;
        {
            let mut read = write.prepare_cached("SELECT value FROM orders WHERE key=?1")?;
            let mut update = write.prepare_cached("UPDATE orders SET value=?2 WHERE key=?1")?;
            let mut log = write.prepare_cached("INSERT INTO log VALUES (?1, ?2)")?;
            let mut outbox = write.prepare_cached("INSERT INTO outbox VALUES (?1, ?2)")?;
            let mut leave = write.prepare_cached("DELETE FROM state_time WHERE key=?1")?;
            let mut enter = write.prepare_cached("INSERT INTO state_time VALUES (?1)")?;
            for &n in group {
                let key = order_key(n);
                let unpaid = read.query_row([key], |row| {
                    Ok(is_unpaid(row.get_ref(0)?.as_blob().unwrap_or_default()))
                })?;
                ensure!(unpaid, "order {n} is paid");
                update.execute(params![key, order_value(1, n)])?;
                let row = self.next;
                self.next += 1;
                log.execute(params![row, filled::<LOG_BYTES>(1, n)])?;
                outbox.execute(params![row * 2, filled::<OUTBOX_BYTES>(1, n)])?;
                outbox.execute(params![row * 2 + 1, filled::<OUTBOX_BYTES>(2, n)])?;
                leave.execute([index_key(0, n)])?;
                enter.execute([index_key(1, n)])?;
            }
        }
        Ok(write.commit()?)
    }
}
