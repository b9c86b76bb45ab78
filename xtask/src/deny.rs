//! `cargo deny` with `deny.toml`.

use std::env;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::paths;
use crate::step::Steps;
use crate::tool::Tool;

const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    features: &["--no-default-features"],
};
const CHECK_LIMIT: Duration = Duration::from_mins(5);
/// Names a folder with a clone of the RustSec database, as cargo-deny lays it out.
const ADVISORY_DB: &str = "ADVISORY_DB";

/// Installs the tool if it is missing, then checks.
pub(crate) fn run(steps: &mut Steps) -> Result<()> {
    let Some(()) = steps.obtain("install cargo-deny", || DENY.install())? else {
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
    let mut command = Command::new(DENY.program());
    command
        .current_dir(paths::root())
        .args(["--workspace", "--locked", "--log-level", "error"]);
    command
}
