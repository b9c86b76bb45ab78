//! What each form of the index by state and time costs a payment, and the disk.
//!
//! Three ledgers on sled write what the ledger writes for a payment (packed rows of the log and of the outbox, which are
//! taken away once published) and differ only in the index: none in sled, as it is kept in memory; a key for each order,
//! which every payment removes and writes elsewhere; and buckets of orders made one after the other, overwritten in place.

use std::{fs::File, path::Path, time::Instant};

use anyhow::{Context as _, Result};
use sled::{
    Db, Transactional as _, Tree,
    transaction::{ConflictableTransactionResult, TransactionalTree},
};

use crate::{
    machine::folder_bytes,
    payment::{KEY_BYTES, LOG_BYTES, OUTBOX_BYTES, filled, index_key},
    run::median,
};

/// Payments of a group: about what 64 callers give.
const GROUP: u32 = 64;
/// Orders of a bucket: their keys are 3.2 KB.
const BUCKET: u32 = 128;
/// The most bytes of a value, as the ledger's.
const VALUE_MAX: usize = 5_700;
/// Groups between a row's writing and its removal: a relay that keeps up.
const RELAY_LAG: u32 = 4;
const ROUNDS: u32 = 5;

#[derive(Clone, Copy)]
enum Form {
    Memory,
    Keys,
    Buckets,
}

impl Form {
    const ALL: [Self; 3] = [Self::Memory, Self::Keys, Self::Buckets];

    const fn name(self) -> &'static str {
        match self {
            Self::Memory => "in memory",
            Self::Keys => "a key for each order",
            Self::Buckets => "buckets, overwritten",
        }
    }
}

/// In which order orders are paid.
#[derive(Clone, Copy)]
enum Payers {
    /// As they were made.
    InTurn,
    /// So far on at each step, round all that there are: a number that shares no factor with theirs visits each once.
    Anywhere { step: u32 },
}

struct Sled {
    form: Form,
    db: Db,
    file: File,
    trees: [Tree; 3],
    group: u32,
}

/// Pays `orders` orders in each form, in turn, and prints what it took.
pub(crate) fn run(folder: &Path, orders: u32) -> Result<()> {
    let orders = orders.next_multiple_of(GROUP * ROUNDS);
    println!("| index | orders are paid | payments/s | disk for a payment |\n|---|---|---|---|");
    for (payers, name) in [
        (Payers::InTurn, "in turn"),
        (Payers::anywhere(orders), "anywhere"),
    ] {
        let mut ledgers = Vec::new();
        for form in Form::ALL {
            let path = folder.join(format!("{}-{name}", form.name()));
            let mut ledger = Sled::open(&path, form)?;
            ledger.make(orders)?;
            let bytes = folder_bytes(&path)?;
            ledgers.push((path, ledger, bytes, Vec::new()));
        }
        let of_round = orders / ROUNDS;
        for round in 0..ROUNDS {
            for (_, ledger, _, rates) in &mut ledgers {
                let started = Instant::now();
                for at in (0..of_round).step_by(GROUP as usize) {
                    let first = round * of_round + at;
                    ledger.pay((first..first + GROUP).map(|turn| payers.order(turn, orders)))?;
                }
                rates.push(f64::from(of_round) / started.elapsed().as_secs_f64());
            }
        }
        for (path, ledger, before, rates) in ledgers {
            let form = ledger.form;
            drop(ledger);
            #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
            let grown = folder_bytes(&path)?.saturating_sub(before) as f64 / f64::from(orders);
            println!(
                "| {} | {name} | {:.0} | {grown:.0} B |",
                form.name(),
                median(rates)
            );
        }
    }
    Ok(())
}

impl Payers {
    fn anywhere(orders: u32) -> Self {
        let far = orders / 13 * 8;
        let step = (far..orders).find(|step| common(*step, orders) == 1);
        Self::Anywhere {
            step: step.unwrap_or(1),
        }
    }

    /// The order that is paid in its turn: each once.
    fn order(self, turn: u32, orders: u32) -> u32 {
        match self {
            Self::InTurn => turn,
            Self::Anywhere { step } => {
                let place = u64::from(turn) * u64::from(step) % u64::from(orders);
                u32::try_from(place).unwrap_or_default()
            }
        }
    }
}

fn common(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common(b, a % b) }
}

type Writes<'a> = &'a [TransactionalTree];

impl Sled {
    fn open(path: &Path, form: Form) -> Result<Self> {
        let config = sled::Config::new()
            .path(path)
            .cache_capacity(256 << 20)
            .flush_every_ms(None);
        let db = config.open()?;
        let trees = [
            db.open_tree("log")?,
            db.open_tree("outbox")?,
            db.open_tree("index")?,
        ];
        let file = File::open(path.join("db")).context("sled's file")?;
        Ok(Self {
            form,
            db,
            file,
            trees,
            group: 0,
        })
    }

    /// Unpaid orders: only the index has them here.
    fn make(&mut self, orders: u32) -> Result<()> {
        for first in (0..orders).step_by(BUCKET as usize) {
            let form = self.form;
            self.commit(|trees| {
                let range = first..orders.min(first + BUCKET);
                match form {
                    Form::Memory => {}
                    Form::Keys => {
                        for n in range {
                            trees[2].insert(&index_key(0, n), &[])?;
                        }
                    }
                    Form::Buckets => {
                        let all: Vec<u8> = range.flat_map(|n| index_key(0, n)).collect();
                        trees[2].insert(&bucket(0, first), all)?;
                    }
                }
                Ok(())
            })?;
        }
        self.sync()
    }

    fn pay(&mut self, orders: impl Iterator<Item = u32>) -> Result<()> {
        let orders: Vec<u32> = orders.collect();
        let (form, group) = (self.form, self.group);
        let log = packed(orders.iter().map(|&n| filled::<LOG_BYTES>(1, n)));
        let outbox = packed(
            orders
                .iter()
                .flat_map(|&n| [1, 2].map(|first| filled::<OUTBOX_BYTES>(first, n))),
        );
        let key = |group: u32, part: usize| {
            [group.to_be_bytes(), [0, 0, 0, part.to_be_bytes()[7]]].concat()
        };
        self.commit(|trees| {
            for (part, value) in log.iter().enumerate() {
                trees[0].insert(key(group, part), value.as_slice())?;
            }
            for (part, value) in outbox.iter().enumerate() {
                trees[1].insert(key(group, part), value.as_slice())?;
                if let Some(published) = group.checked_sub(RELAY_LAG) {
                    trees[1].remove(key(published, part))?;
                }
            }
            match form {
                Form::Memory => Ok(()),
                Form::Keys => orders.iter().try_for_each(|&n| {
                    trees[2].remove(&index_key(0, n))?;
                    trees[2].insert(&index_key(1, n), &[])?;
                    Ok(())
                }),
                Form::Buckets => move_in_buckets(trees, &orders),
            }
        })?;
        self.group += 1;
        self.sync()
    }

    fn commit(&self, work: impl Fn(Writes<'_>) -> ConflictableTransactionResult<()>) -> Result<()> {
        let done = self.trees.as_slice().transaction(|trees| work(trees));
        done.map_err(|error| anyhow::anyhow!("sled: {error:?}"))
    }

    fn sync(&self) -> Result<()> {
        self.db.flush()?;
        Ok(self.file.sync_data()?)
    }
}

fn bucket(state: u8, n: u32) -> [u8; 5] {
    let mut key = [state; 5];
    key[1..].copy_from_slice(&(n / BUCKET).to_be_bytes());
    key
}

/// Takes the orders out of the unpaid's buckets and puts them into those of the paid, each bucket once.
fn move_in_buckets(trees: Writes<'_>, orders: &[u32]) -> ConflictableTransactionResult<()> {
    let mut orders = orders.to_vec();
    orders.sort_unstable();
    for same in orders.chunk_by(|a, b| a / BUCKET == b / BUCKET) {
        let (unpaid, paid) = (bucket(0, same[0]), bucket(1, same[0]));
        let keys = |key: &[u8]| -> ConflictableTransactionResult<Vec<u8>> {
            Ok(trees[2]
                .get(key)?
                .map(|value| value.to_vec())
                .unwrap_or_default())
        };
        let gone: Vec<_> = same.iter().map(|&n| index_key(0, n)).collect();
        let before = keys(&unpaid)?;
        let left: Vec<u8> = before
            .chunks(KEY_BYTES)
            .filter(|key| !gone.iter().any(|gone| gone == key))
            .flatten()
            .copied()
            .collect();
        let mut there = keys(&paid)?;
        there.extend(same.iter().flat_map(|&n| index_key(1, n)));
        if left.is_empty() {
            trees[2].remove(&unpaid)?;
        } else {
            trees[2].insert(&unpaid, left)?;
        }
        trees[2].insert(&paid, there)?;
    }
    Ok(())
}

/// Rows in as few values as the limit allows.
fn packed<const BYTES: usize>(rows: impl Iterator<Item = [u8; BYTES]>) -> Vec<Vec<u8>> {
    let mut values = vec![Vec::with_capacity(VALUE_MAX)];
    for row in rows {
        if values
            .last()
            .is_some_and(|value| value.len() + BYTES > VALUE_MAX)
        {
            values.push(Vec::with_capacity(VALUE_MAX));
        }
        if let Some(value) = values.last_mut() {
            value.extend(row);
        }
    }
    values
}
