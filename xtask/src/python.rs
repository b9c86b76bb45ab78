//! stomp.py in a virtual environment of its own, which touches no Python of the machine.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::apt::{self, Need};
use crate::{paths, process};

const LIMIT: Duration = Duration::from_mins(5);
/// Names the Python that has stomp.py, for the tests.
pub(crate) const VARIABLE: &str = "STOMP_PY_PYTHON";

const NEEDS: [Need; 1] = [Need {
    package: "python3-venv",
    present: makes_environments,
}];

fn makes_environments() -> bool {
    let status = Command::new("python3")
        .args(["-c", "import ensurepip, venv"])
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// Installs stomp.py unless it is there; gives the Python to run it with.
///
/// # Errors
/// Says what cannot be had.
pub(crate) fn stomp_py() -> Result<PathBuf> {
    let wanted = paths::root().join("stomp-bridge/tests/interop/requirements.txt");
    let folder = paths::scratch().join("stomp-py");
    let python = folder.join("bin/python");
    // What it was made from, written last: another version makes it anew.
    let made = folder.join("requirements.txt");
    let text = fs::read(&wanted).with_context(|| wanted.display().to_string())?;
    if fs::read(&made).is_ok_and(|old| old == text) && python.exists() {
        return Ok(python);
    }
    apt::ensure(&NEEDS)?;
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    process::run(&mut venv, LIMIT).context("python3 cannot make a virtual environment")?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--require-hashes"])
        .args(["--no-deps", "--only-binary", ":all:", "--requirement"])
        .arg(&wanted);
    process::run(&mut pip, LIMIT)
        .context("pip cannot install stomp.py, which must come from a Python package index")?;
    fs::write(&made, text).with_context(|| made.display().to_string())?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_is_pinned_and_has_its_hash() {
        let file = paths::root().join("stomp-bridge/tests/interop/requirements.txt");
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains("stomp-py=="));
        for line in text.lines() {
            let (name, hash) = line.split_once(" --hash=sha256:").unwrap();
            assert!(name.contains("=="), "{name}");
            assert_eq!(hash.len(), 64, "{name}");
        }
    }
}
