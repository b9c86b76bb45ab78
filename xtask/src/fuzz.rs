//! The fuzz targets of wxpay-core and stomp-bridge under libFuzzer, for a bounded number of runs.
//!
//! No sanitizer is asked for, as the crates have no unsafe code: so the stable compiler does, and what is looked for are
//! panics and answers that are wrong. Every run of the tests replays the corpora of the same bodies and a bounded number
//! of mutations of each, without libFuzzer: `wxpay-core/tests/corpus.rs`, `stomp-bridge/src/fuzz`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use crate::step::Steps;
use crate::tool::{self, Tool};
use crate::{apt, paths};

const FUZZ: Tool = Tool {
    name: "cargo-fuzz",
    version: "0.13.2",
    features: &[],
};
/// Time limit of one target.
const LIMIT: Duration = Duration::from_hours(6);

/// Each target and the committed corpus that it starts from.
const TARGETS: [(&str, &str); 10] = [
    ("read", XML),
    ("verify", XML),
    ("differential", XML),
    ("bill", "wxpay-core/tests/corpora/bill"),
    ("refund", "wxpay-core/tests/corpora/refund"),
    ("stomp_frames", OF_CLIENTS),
    ("stomp_client_codec", OF_SERVERS),
    ("stomp_differential", OF_SERVERS),
    ("stomp_broker_session", OF_CLIENTS),
    ("stomp_client_session", OF_SERVERS),
];
const XML: &str = "wxpay-core/tests/corpora/xml";
const OF_CLIENTS: &str = "stomp-bridge/tests/corpora/client";
const OF_SERVERS: &str = "stomp-bridge/tests/corpora/server";

#[derive(Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Runs of each target
    #[arg(long, default_value_t = 200_000)]
    runs: u64,
    /// One target alone
    #[arg(long, value_parser = TARGETS.map(|(name, _)| name))]
    target: Option<String>,
}

pub(crate) fn run(steps: &mut Steps, options: &Options) -> Result<()> {
    let Some(()) = steps.obtain("install cargo-fuzz", install)? else {
        return Ok(());
    };
    for (target, corpus) in TARGETS {
        if options.target.as_ref().is_some_and(|only| only != target) {
            continue;
        }
        let mut command = fuzz(target, corpus, options.runs)?;
        steps.run(&format!("fuzz {target}"), LIMIT, &mut command)?;
    }
    Ok(())
}

/// `cargo fuzz run`; what it finds on its way is kept under the target folder, what makes it fail is in `fuzz/artifacts`.
fn fuzz(target: &str, corpus: &str, runs: u64) -> Result<Command> {
    let found = paths::scratch().join("fuzz").join(target);
    fs::create_dir_all(&found)?;
    let mut command = paths::cargo("fuzz");
    command
        .current_dir(paths::root().join("fuzz"))
        .args(["run", "--sanitizer", "none", "--fuzz-dir", ".", target])
        .arg(found)
        .arg(paths::root().join(corpus))
        .arg("--")
        .arg(format!("-runs={runs}"))
        .args([
            "-max_len=4096",
            "-timeout=10",
            "-rss_limit_mb=1024",
            "-verbosity=0",
        ])
        .env("PATH", tool::path()?)
        .env("CARGO_TARGET_DIR", paths::target().join("fuzz"));
    Ok(command)
}

fn install() -> Result<()> {
    // libFuzzer itself is C++, built with whatever compiler there is.
    if ["c++", "g++", "clang++"]
        .iter()
        .all(|name| apt::find(name).is_none())
    {
        bail!(
            "there is no C++ compiler, which libFuzzer is built with: install Debian's package g++"
        );
    }
    FUZZ.install()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_its_file_and_its_corpus() {
        for (target, corpus) in TARGETS {
            let file = paths::root().join(format!("fuzz/fuzz_targets/{target}.rs"));
            assert!(file.is_file(), "{}", file.display());
            let folder = paths::root().join(corpus);
            assert!(fs::read_dir(folder).unwrap().count() >= 5, "{corpus}");
        }
    }

    #[test]
    fn the_runs_are_bounded() {
        let command = fuzz("read", XML, 7).unwrap();
        assert!(command.get_args().any(|argument| argument == "-runs=7"));
    }
}
