//! The ledger's bench: `bench/store`, built apart since the engines beside the ledger are none of the project's dependencies.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use crate::paths;
use crate::step::Steps;

const BUILD_LIMIT: Duration = Duration::from_mins(30);
const LIMIT: Duration = Duration::from_mins(10);
/// Millions of orders take their time.
const GROWTH_LIMIT: Duration = Duration::from_hours(2);

#[derive(Args)]
#[group(skip)]
pub(crate) struct Options {
    #[arg(value_enum, default_value_t = What::Engines)]
    what: What,
    /// Fewer rounds: under a minute
    #[arg(long)]
    quick: bool,
    /// How many orders it grows to; 2 million
    #[arg(long)]
    orders: Option<u32>,
    /// The folder to work in; the disk that is measured is the one it is on
    #[arg(long)]
    dir: Option<PathBuf>,
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

impl Options {
    /// What would change nothing is refused.
    fn check(&self) -> Result<()> {
        let has_rounds = matches!(self.what, What::Engines | What::Alone);
        ensure!(
            has_rounds || !self.quick,
            "--quick: {} has one length",
            self.what.word()
        );
        let grows = matches!(self.what, What::Growth);
        ensure!(
            grows || self.orders.is_none(),
            "--orders is for growth alone"
        );
        Ok(())
    }
}

impl What {
    /// As the bench is told.
    fn word(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    const fn limit(self) -> Duration {
        match self {
            Self::Growth => GROWTH_LIMIT,
            Self::Engines | Self::Alone | Self::Index => LIMIT,
        }
    }
}

pub(crate) fn run(steps: &mut Steps, options: &Options) -> Result<()> {
    options.check()?;
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
    let mut command = bench(options)?;
    let what = options.what;
    let name = format!("bench store: {}", what.word());
    steps.run(&name, what.limit(), &mut command)
}

fn bench(options: &Options) -> Result<Command> {
    let dir = match &options.dir {
        Some(dir) => env::current_dir()?.join(dir),
        None => target().join("data"),
    };
    fs::create_dir_all(&dir)?;
    let mut command = Command::new(target().join("release/order-store-bench"));
    command.arg(options.what.word()).arg("--dir").arg(dir);
    if options.quick {
        command.arg("--quick");
    }
    if let Some(orders) = options.orders {
        command.args(["--orders", &orders.to_string()]);
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
            what: What::Growth,
            quick: false,
            orders: Some(20_000),
            dir: Some(env::temp_dir()),
        };
        let command = bench(&options).unwrap();
        let arguments: Vec<_> = command.get_args().collect();
        assert_eq!(arguments.first(), Some(&"growth".as_ref()));
        assert!(arguments.ends_with(&["--orders".as_ref(), "20000".as_ref()]));
    }

    #[test]
    fn what_would_change_nothing_is_refused() {
        let options = |what, quick, orders| Options {
            what,
            quick,
            orders,
            dir: None,
        };
        for (options, is_taken) in [
            (options(What::Engines, true, None), true),
            (options(What::Alone, true, None), true),
            (options(What::Growth, false, Some(20_000)), true),
            (options(What::Growth, true, None), false),
            (options(What::Index, true, None), false),
            (options(What::Engines, false, Some(20_000)), false),
        ] {
            assert_eq!(options.check().is_ok(), is_taken);
        }
    }
}
