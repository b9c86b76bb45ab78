//! All tests of the workspace in one build, with the servers and the browser they need.
//!
//! A test that needs one of them stands behind a feature that only this chore turns on. What cannot be had is a
//! failure that says what to install, never a pass.
//!
//! Two that are no tests of cargo's run with them: that wxpay-core needs no std, and that it works on a Cortex-M3.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::apt::{self, Need};
use crate::servers::{Data, Env, Servers};
use crate::step::Steps;
use crate::{embedded, no_std, npm, paths, process, python};

const LIMIT: Duration = Duration::from_mins(30);

const NEEDS: [Need; 5] = [
    Need {
        package: "chromium",
        present: || program("CHROMIUM", "chromium").is_some(),
    },
    Need {
        package: "chromium-driver",
        present: || program("CHROMEDRIVER", "chromedriver").is_some(),
    },
    Need {
        package: "fontconfig",
        present: || apt::find("fc-list").is_some(),
    },
    // The pages are in Chinese.
    Need {
        package: "fonts-wqy-microhei",
        present: has_chinese_font,
    },
    Need {
        package: "strace",
        present: || apt::find("strace").is_some(),
    },
];

/// For the power cuts: a file system of their own, and what leaves a sync out.
pub(crate) const POWER_CUTS: [Need; 2] = [
    Need {
        package: "e2fsprogs",
        present: || apt::find("mkfs.ext4").is_some(),
    },
    Need {
        package: "strace",
        present: || apt::find("strace").is_some(),
    },
];

#[derive(Args, Default)]
#[group(skip)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) without: Without,
    /// For `cargo test`, after `--`: for example `-- -p paydesk --test browser`
    #[arg(last = true)]
    pub(crate) cargo: Vec<String>,
}

/// What is left out, on a machine that cannot have it.
#[derive(Args, Default)]
#[group(skip)]
pub(crate) struct Without {
    /// Leaves out a test, and the summary says so
    #[arg(long, value_enum)]
    without: Vec<LeftOut>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LeftOut {
    /// The ledger on a file system that loses its power: needs root and loop devices
    PowerCut,
}

impl Without {
    /// The number of power cuts when `wanted` are.
    pub(crate) fn cuts(&self, wanted: u32) -> u32 {
        if self.without.contains(&LeftOut::PowerCut) {
            0
        } else {
            wanted
        }
    }
}

/// The power cuts of the short form.
const CUTS: u32 = 6;

/// Runs the tests; what they need is installed and started first, and stopped in the end.
pub(crate) fn run(steps: &mut Steps, options: &Options) -> Result<()> {
    run_with(steps, options, &Env::new(), LIMIT)
}

/// As [`run`], with more variables and another time limit.
pub(crate) fn run_with(
    steps: &mut Steps,
    options: &Options,
    more: &Env,
    limit: Duration,
) -> Result<()> {
    // Who asks for some tests does not ask for these two.
    let all = options.cargo.is_empty();
    if all {
        steps.check("no_std", no_std::check)?;
    }
    let cuts = options.without.cuts(CUTS);
    let needs = NEEDS.iter().chain(POWER_CUTS.iter().filter(|_| cuts > 0));
    let Some(()) = steps.obtain("packages: browser, strace", || apt::ensure(needs))? else {
        return Ok(());
    };
    let Some(python) = steps.obtain("client: stomp.py", python::stomp_py)? else {
        return Ok(());
    };
    let Some(stomp_js) = steps.obtain("client: STOMP.js", npm::stomp_js)? else {
        return Ok(());
    };
    let failed_before = steps.failures();
    let Some(mut servers) = Servers::start(steps)? else {
        return Ok(());
    };
    let mut test = command(options);
    test.env("ORDER_STORE_POWER_CUTS", cuts.to_string())
        .env(python::VARIABLE, python)
        .env(npm::VARIABLE, stomp_js)
        .envs(servers.env().map(|(name, value)| (name, value)))
        .envs(more.iter().map(|(name, value)| (name, value)));
    for (variable, name) in [("CHROMIUM", "chromium"), ("CHROMEDRIVER", "chromedriver")] {
        test.env(
            variable,
            program(variable, name).with_context(|| format!("{name} is gone"))?,
        );
    }
    steps.check("cargo test", || process::run(&mut test, limit))?;
    if cuts == 0 {
        steps.left_out("power cuts of the ledger");
    }
    let data = if steps.failures() == failed_before {
        Data::Remove
    } else {
        Data::Keep
    };
    steps.check("stop the servers", || servers.stop(data))?;
    if all {
        embedded::run_m3(steps)?;
    }
    Ok(())
}

/// All packages and all features, as clippy and the docs build them, so that they share what they can.
fn command(options: &Options) -> Command {
    let mut command = paths::cargo("test");
    if !options
        .cargo
        .iter()
        .any(|argument| argument == "-p" || argument.starts_with("--package"))
    {
        command.arg("--workspace");
    }
    command
        .args(["--locked", "--all-features", "--no-fail-fast"])
        .args(&options.cargo);
    command
}

/// The program that a variable names, else the one on `PATH`.
fn program(variable: &str, name: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(Into::into)
        .or_else(|| apt::find(name))
}

fn has_chinese_font() -> bool {
    let list = Command::new("fc-list")
        .args([":lang=zh", "family"])
        .output();
    list.is_ok_and(|list| !list.stdout.trim_ascii().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(cargo: &[&str]) -> Vec<String> {
        let options = Options {
            cargo: cargo.iter().map(ToString::to_string).collect(),
            ..Options::default()
        };
        command(&options)
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn all_packages_are_tested_unless_one_is_named() {
        assert_eq!(
            arguments(&[]),
            [
                "test",
                "--workspace",
                "--locked",
                "--all-features",
                "--no-fail-fast"
            ]
        );
        assert!(!arguments(&["-p", "paydesk"]).contains(&"--workspace".to_owned()));
        assert_eq!(arguments(&["--", "forger"])[5..], ["--", "forger"]);
    }
}
