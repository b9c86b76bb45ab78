//! The ledger's bench: `bench/store`, built apart since the engines beside the ledger are none of the project's dependencies.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use anyhow::Result;
use clap::Args;

use crate::paths;
use crate::step::Steps;

const BUILD_LIMIT: Duration = Duration::from_mins(30);
const LIMIT: Duration = Duration::from_mins(10);
/// Millions of orders take their time.
const GROWTH_LIMIT: Duration = Duration::from_hours(2);

#[derive(Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Fewer rounds: under a minute
    #[arg(long, conflicts_with = "growth")]
    quick: bool,
    /// The ledger alone: for a profiler
    #[arg(long, conflicts_with = "growth")]
    alone: bool,
    /// Measures how the ledger does when it has grown
    #[arg(long)]
    growth: bool,
    /// How many orders it grows to
    #[arg(long, default_value_t = 2_000_000, requires = "growth")]
    orders: u32,
    /// The folder to work in; the disk that is measured is the one it is on
    #[arg(long)]
    dir: Option<PathBuf>,
}

pub(crate) fn run(steps: &mut Steps, options: &Options) -> Result<()> {
    let failed = steps.failures();
    let mut build = paths::cargo("build");
    build
        .args(["--release", "--locked", "--manifest-path"])
        .arg(manifest())
        .env("CARGO_TARGET_DIR", target());
    steps.run("build bench/store", BUILD_LIMIT, &mut build)?;
    if steps.failures() > failed {
        return Ok(());
    }
    let (name, limit) = if options.growth {
        ("bench store: growth", GROWTH_LIMIT)
    } else {
        ("bench store", LIMIT)
    };
    let mut command = bench(options)?;
    steps.run(name, limit, &mut command)
}

fn bench(options: &Options) -> Result<Command> {
    let dir = match &options.dir {
        Some(dir) => env::current_dir()?.join(dir),
        None => target().join("data"),
    };
    fs::create_dir_all(&dir)?;
    let mut command = Command::new(target().join("release/order-store-bench"));
    command.arg("--dir").arg(dir);
    if options.quick {
        command.arg("--quick");
    }
    if options.alone {
        command.arg("--alone");
    }
    if options.growth {
        command
            .arg("--growth")
            .args(["--orders", &options.orders.to_string()]);
    }
    Ok(command)
}

fn manifest() -> PathBuf {
    paths::root().join("bench/store/Cargo.toml")
}

fn target() -> PathBuf {
    paths::scratch().join("bench-store")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bench_is_where_it_is_looked_for_and_is_told_what_to_do() {
        assert!(manifest().is_file());
        let options = Options {
            quick: false,
            alone: false,
            growth: true,
            orders: 20_000,
            dir: Some(env::temp_dir()),
        };
        let command = bench(&options).unwrap();
        let arguments: Vec<_> = command.get_args().collect();
        assert!(arguments.ends_with(&["--growth".as_ref(), "--orders".as_ref(), "20000".as_ref()]));
    }
}
