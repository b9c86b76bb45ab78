//! Durable payments per second: the ledger beside other engines that do the same writes.
//!
//! `cargo xtask bench store` builds and runs this. All engines have the same orders and lie on the same disk, and every round
//! goes through all of them, so that a disk that is slow for a while is slow for all. Goals are ratios within the run.

mod bench;
mod engine;
mod growth;
mod index;
mod ledger;
mod machine;
mod payment;
mod peers;
mod report;
mod run;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};

/// Orders that each form of the index is measured with.
const INDEXED: u32 = 200_000;

/// What is measured, and where.
#[derive(Parser)]
#[command(about = "The ledger's speed, beside redb, SQLite, fjall and a bare log")]
struct Options {
    #[arg(value_enum, default_value_t = What::Engines)]
    what: What,
    /// Fewer rounds: under a minute
    #[arg(long)]
    quick: bool,
    /// How many orders it grows to
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(1..=90_000_000))]
    orders: u32,
    /// Of the child that memory is measured in: the first order to pay
    #[arg(long, hide = true)]
    resident: Option<u32>,
    /// The folder to work in; the disk that is measured is the one it is on
    #[arg(long, default_value = ".")]
    dir: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// The ledger beside other engines
    Engines,
    /// The ledger alone: for a profiler
    Alone,
    /// How the ledger does when it has grown
    Growth,
    /// The forms that an index by state and time may have in sled
    Index,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if let Some(first) = options.resident {
        return runtime.block_on(growth::resident(&options.dir, first, options.orders));
    }
    let folder = tempfile::Builder::new()
        .prefix("bench-store-")
        .tempdir_in(&options.dir)?;
    let rounds = if options.quick { 3 } else { 7 };
    match options.what {
        What::Engines => runtime.block_on(bench::run(folder.path(), rounds)),
        What::Alone => runtime.block_on(bench::alone(folder.path(), rounds)),
        What::Growth => runtime.block_on(growth::run(folder.path(), options.orders)),
        What::Index => index::run(folder.path(), INDEXED),
    }
}
