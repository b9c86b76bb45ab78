//! `cargo deny` with `deny.toml`, in a version of our own under the target folder.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result};

use crate::step::Steps;
use crate::{paths, process};

const VERSION: &str = "0.20.2";
const INSTALL_LIMIT: Duration = Duration::from_mins(15);
const CHECK_LIMIT: Duration = Duration::from_mins(5);
/// Names a folder with a clone of the RustSec database, as cargo-deny lays it out.
const ADVISORY_DB: &str = "ADVISORY_DB";

/// Installs the tool if it is missing, then checks.
pub(crate) fn run(steps: &mut Steps) -> Result<()> {
    let Some(()) = steps.obtain("install cargo-deny", install)? else {
        return Ok(());
    };
    steps.run(
        "licences, bans, sources",
        CHECK_LIMIT,
        deny().args(["check", "licenses", "bans", "sources"]),
    )?;
    if env::var_os(ADVISORY_DB).is_none() {
        println!("advisories are not looked at: {ADVISORY_DB} names no database");
        return Ok(());
    }
    steps.run(
        "advisories",
        CHECK_LIMIT,
        deny().args(["--offline", "check", "advisories"]),
    )
}

fn deny() -> Command {
    let mut command = Command::new(tool());
    command
        .current_dir(paths::root())
        .args(["--workspace", "--locked", "--log-level", "error"]);
    command
}

fn tools() -> PathBuf {
    paths::scratch().join("tools")
}

fn tool() -> PathBuf {
    tools().join("bin/cargo-deny")
}

fn install() -> Result<()> {
    if is_installed() {
        return Ok(());
    }
    let build = tools().join("build");
    let mut command = paths::cargo("install");
    command
        .args([
            "--quiet",
            "--locked",
            "--force",
            "--version",
            VERSION,
            "cargo-deny",
            "--root",
        ])
        .arg(tools())
        // It runs for seconds, so an optimized build would cost more than it saves.
        .args(["--no-default-features", "--profile", "dev"])
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_TARGET_DIR", &build);
    process::run(&mut command, INSTALL_LIMIT)?;
    fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))
}

fn is_installed() -> bool {
    let output = Command::new(tool()).arg("--version").output();
    output.is_ok_and(|output| {
        output.stdout.trim_ascii() == format!("cargo-deny {VERSION}").as_bytes()
    })
}
