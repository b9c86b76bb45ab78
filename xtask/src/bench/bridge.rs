//! The bridge's bench: `bench/bridge`, built apart since the AMQP client beside it is none of the project's dependencies;
//! and the framing alone, which is a bench of `stomp-bridge` itself.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::paths;
use crate::servers::{Data, Servers};
use crate::step::Steps;

const BUILD_LIMIT: Duration = Duration::from_mins(30);
/// A publisher that waits for each receipt takes most of it.
const LIMIT: Duration = Duration::from_mins(30);

#[derive(Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Fewer messages and rounds: about a minute
    #[arg(long)]
    quick: bool,
    /// These groups alone
    #[arg(long, value_delimiter = ',')]
    only: Vec<Group>,
    /// Rounds of each group
    #[arg(long)]
    rounds: Option<usize>,
    /// Messages of one publishing run
    #[arg(long)]
    messages: Option<usize>,
    /// A missed goal is an error
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Publishing with one message on its way
    Publish1,
    /// Publishing with 100
    Publish100,
    /// Publishing with 1 000, and what it costs the processor
    Publish1000,
    /// Encoding and parsing alone: time and allocations
    Framing,
    /// One publisher to 1 000 pages
    Fanout,
    /// 10 000 pages that wait
    Idle,
    /// One page's notice, among 10 pages and among 10 000
    Private,
}

impl Group {
    fn needs_rabbitmq(self) -> bool {
        !matches!(self, Self::Framing | Self::Idle | Self::Private)
    }
}

pub(crate) fn run(steps: &mut Steps, options: &Options) -> Result<()> {
    let failed = steps.failures();
    let groups = options.groups();
    if groups.contains(&Group::Framing) {
        let mut framing = paths::cargo("bench");
        framing.args(["--locked", "-p", "stomp-bridge", "--bench", "framing"]);
        if options.check {
            framing.args(["--", "--check"]);
        }
        steps.run("bench bridge: framing", BUILD_LIMIT, &mut framing)?;
    }
    let others: Vec<Group> = groups
        .into_iter()
        .filter(|group| *group != Group::Framing)
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    let mut build = paths::cargo("build");
    build
        .args(["--release", "--locked", "--manifest-path"])
        .arg(manifest())
        .env("CARGO_TARGET_DIR", target());
    steps.run("build bench/bridge", BUILD_LIMIT, &mut build)?;
    if steps.failures() > failed {
        return Ok(());
    }
    let mut command = bench(options, &others);
    if !others.iter().any(|group| group.needs_rabbitmq()) {
        return steps.run("bench bridge", LIMIT, &mut command);
    }
    let Some(mut servers) = Servers::start_rabbitmq(steps)? else {
        return Ok(());
    };
    command.envs(servers.env().map(|(name, value)| (name, value)));
    steps.run("bench bridge", LIMIT, &mut command)?;
    let data = if steps.failures() > failed {
        Data::Keep
    } else {
        Data::Remove
    };
    steps.check("stop the servers", || servers.stop(data))
}

impl Options {
    fn groups(&self) -> Vec<Group> {
        if self.only.is_empty() {
            Group::value_variants().to_vec()
        } else {
            self.only.clone()
        }
    }
}

fn bench(options: &Options, groups: &[Group]) -> Command {
    let mut command = Command::new(target().join("release/stomp-bridge-bench"));
    let names: Vec<String> = groups
        .iter()
        .filter_map(ValueEnum::to_possible_value)
        .map(|group| group.get_name().to_owned())
        .collect();
    command.args(["--only", &names.join(",")]);
    for (flag, wanted) in [("--quick", options.quick), ("--check", options.check)] {
        if wanted {
            command.arg(flag);
        }
    }
    for (flag, value) in [
        ("--rounds", options.rounds),
        ("--messages", options.messages),
    ] {
        if let Some(value) = value {
            command.args([flag, &value.to_string()]);
        }
    }
    command
}

fn manifest() -> PathBuf {
    paths::root().join("bench/bridge/Cargo.toml")
}

fn target() -> PathBuf {
    paths::scratch().join("bench-bridge")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bench_is_where_it_is_looked_for_and_is_told_what_to_do() {
        assert!(manifest().is_file());
        let options = Options {
            quick: true,
            only: Vec::new(),
            rounds: Some(2),
            messages: None,
            check: true,
        };
        assert!(options.groups().contains(&Group::Framing));
        let command = bench(&options, &[Group::Publish1000, Group::Idle]);
        let arguments: Vec<_> = command.get_args().collect();
        assert_eq!(
            arguments,
            [
                "--only",
                "publish1000,idle",
                "--quick",
                "--check",
                "--rounds",
                "2"
            ]
        );
    }
}
