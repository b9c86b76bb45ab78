//! A file that is only appended to, with the orders in memory: what the disk allows.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
};

use anyhow::{Result, ensure};

use crate::{
    engine::Engine,
    payment::{LOG_BYTES, OUTBOX_BYTES, filled, index_key, is_unpaid, order_key, order_value},
};

pub(crate) struct Bare {
    file: File,
    states: Vec<u8>,
    buffer: Vec<u8>,
}

impl Bare {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("bare.log"))?;
        Ok(Self {
            file,
            states: Vec::new(),
            buffer: Vec::new(),
        })
    }

    fn write(&mut self) -> Result<()> {
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        self.file.sync_data()?;
        Ok(())
    }
}

impl Engine for Bare {
    fn load(&mut self, orders: u32) -> Result<()> {
        for n in 0..orders {
            self.buffer.extend(order_key(n));
            self.buffer.extend(order_value(0, n));
            self.states.push(0);
        }
        self.write()
    }

    fn pay(&mut self, group: &[u32]) -> Result<()> {
        for &n in group {
            let state = &mut self.states[n as usize];
            ensure!(is_unpaid(&[*state]), "order {n} is paid");
            *state = 1;
            self.buffer.extend(order_key(n));
            self.buffer.extend(order_value(1, n));
            self.buffer.extend(filled::<LOG_BYTES>(1, n));
            self.buffer.extend(filled::<OUTBOX_BYTES>(1, n));
            self.buffer.extend(filled::<OUTBOX_BYTES>(2, n));
            self.buffer.extend(index_key(0, n));
            self.buffer.extend(index_key(1, n));
        }
        self.write()
    }
}
