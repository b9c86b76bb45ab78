//! The fuzz targets of wxpay-core under libFuzzer, for a bounded number of runs.
//!
//! cargo-fuzz is installed in a version of our own under the target folder. No sanitizer is asked for, as the crate has no
//! unsafe code: so the stable compiler does, and what is looked for are panics and answers that are wrong.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::step::Steps;
use crate::{apt, paths, process};

const VERSION: &str = "0.13.2";
const INSTALL_LIMIT: Duration = Duration::from_mins(15);
/// Time limit of one target.
const LIMIT: Duration = Duration::from_hours(6);

/// Each target and the committed corpus that it starts from.
const TARGETS: [(&str, &str); 5] = [
    ("read", "xml"),
    ("verify", "xml"),
    ("differential", "xml"),
    ("bill", "bill"),
    ("refund", "refund"),
];

#[derive(Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Runs of each target
    #[arg(long, default_value_t = 200_000)]
    runs: u64,
    /// One target alone: read, verify, differential, bill or refund
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
    let mut path = vec![tools().join("bin")];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let mut command = paths::cargo("fuzz");
    command
        .current_dir(paths::root().join("fuzz"))
        .args(["run", "--sanitizer", "none", "--fuzz-dir", ".", target])
        .arg(found)
        .arg(paths::root().join("wxpay-core/tests/corpora").join(corpus))
        .arg("--")
        .arg(format!("-runs={runs}"))
        .args([
            "-max_len=4096",
            "-timeout=10",
            "-rss_limit_mb=1024",
            "-verbosity=0",
        ])
        .env("PATH", env::join_paths(path)?)
        .env("CARGO_TARGET_DIR", paths::target().join("fuzz"));
    Ok(command)
}

fn tools() -> PathBuf {
    paths::scratch().join("tools")
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
    if is_installed() {
        return Ok(());
    }
    let build = tools().join("build-fuzz");
    let mut command = paths::cargo("install");
    command
        .args([
            "--quiet",
            "--locked",
            "--force",
            "--version",
            VERSION,
            "cargo-fuzz",
            "--root",
        ])
        .arg(tools())
        // It only starts other programs, so an optimized build would cost more than it saves.
        .args(["--profile", "dev"])
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_TARGET_DIR", &build);
    process::run(&mut command, INSTALL_LIMIT).with_context(|| {
        format!("cannot install cargo-fuzz {VERSION}; `cargo install cargo-fuzz` says more")
    })?;
    fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))
}

fn is_installed() -> bool {
    let output = Command::new(tools().join("bin/cargo-fuzz"))
        .arg("--version")
        .output();
    output.is_ok_and(|output| {
        output.stdout.trim_ascii() == format!("cargo-fuzz {VERSION}").as_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_its_file_and_its_corpus() {
        for (target, corpus) in TARGETS {
            let file = paths::root().join(format!("fuzz/fuzz_targets/{target}.rs"));
            assert!(file.is_file(), "{}", file.display());
            let folder = paths::root().join("wxpay-core/tests/corpora").join(corpus);
            assert!(fs::read_dir(folder).unwrap().count() >= 5, "{corpus}");
        }
    }

    #[test]
    fn the_runs_are_bounded() {
        let command = fuzz("read", "xml", 7).unwrap();
        assert!(command.get_args().any(|argument| argument == "-runs=7"));
    }
}
