//! The long forms of the ledger's crash proof; `cargo xtask test` has the short ones.
//!
//! Processes that are killed, file systems that lose their power, files that are damaged, a death at every step on the disk,
//! and rows that come and go by the million. What each is about stands in `order-store/tests`.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::step::Steps;
use crate::{apt, paths, test};

const LIMIT: Duration = Duration::from_hours(3);

#[derive(Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Writers that are killed
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// Power cuts
    #[arg(long, default_value_t = 300)]
    cuts: u32,
    /// Damaged ledgers that are opened
    #[arg(long, default_value_t = 300)]
    trials: u32,
    /// Rows of the outbox that come and go
    #[arg(long, default_value_t = 3_000_000)]
    leak_rows: u32,
    #[command(flatten)]
    without: test::Without,
}

pub(crate) fn run(steps: &mut Steps, options: &Options) -> Result<()> {
    let cuts = options.without.cuts(options.cuts);
    if cuts > 0 {
        let Some(()) = steps.obtain("packages: mkfs.ext4, strace", || {
            apt::ensure(&test::POWER_CUTS)
        })?
        else {
            return Ok(());
        };
    }
    let works = [
        ("kills", "crash", "ORDER_STORE_KILLS", options.kills),
        ("power cuts", "power_cut", "ORDER_STORE_POWER_CUTS", cuts),
        (
            "damage",
            "damage",
            "ORDER_STORE_DAMAGE_TRIALS",
            options.trials,
        ),
        ("death at every step", "fault_points", "", 0),
    ];
    for (name, file, variable, number) in works {
        let mut test = tests();
        test.args(["--test", file]);
        if !variable.is_empty() {
            test.env(variable, number.to_string());
        }
        steps.run(name, LIMIT, &mut test)?;
    }
    let mut leak = tests();
    leak.args(["--lib", "--", "sled::leak"])
        .env("ORDER_STORE_LEAK_ROWS", options.leak_rows.to_string());
    steps.run("leak", LIMIT, &mut leak)
}

/// The ledger's tests, as fast as the ledger runs in earnest: more happens between two cuts.
fn tests() -> Command {
    let mut test = paths::cargo("test");
    test.args([
        "--release",
        "--locked",
        "-p",
        "order-store",
        "--all-features",
    ]);
    test
}
