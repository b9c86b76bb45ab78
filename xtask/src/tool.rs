//! Cargo's own tools, each in a version of ours under the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result};

use crate::{paths, process};

const INSTALL_LIMIT: Duration = Duration::from_mins(15);

/// A program that cargo installs.
pub(crate) struct Tool {
    /// Of the package and of the program.
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// What the package need not be built with or must be.
    pub(crate) features: &'static [&'static str],
}

impl Tool {
    /// Installs it, unless this version is there already.
    pub(crate) fn install(&self) -> Result<()> {
        if self.is_installed() {
            return Ok(());
        }
        let build = root().join(format!("build-{}", self.name));
        process::run(&mut self.installing(&build), INSTALL_LIMIT).with_context(|| {
            let Self { name, version, .. } = self;
            format!("cannot install {name} {version}; `cargo install {name}` says more")
        })?;
        fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))
    }

    pub(crate) fn program(&self) -> PathBuf {
        bin().join(self.name)
    }

    fn installing(&self, build: &Path) -> Command {
        let mut command = paths::cargo("install");
        command
            .args(["--quiet", "--locked", "--force", "--version", self.version])
            .arg(self.name)
            .arg("--root")
            .arg(root())
            .args(self.features)
            // They run for seconds or start other programs: an optimized build would cost more than it saves.
            .args(["--profile", "dev"])
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TARGET_DIR", build);
        command
    }

    fn is_installed(&self) -> bool {
        let output = Command::new(self.program()).arg("--version").output();
        output.is_ok_and(|output| self.is_named_by(&output.stdout))
    }

    /// Whether this is what the program of this version calls itself.
    fn is_named_by(&self, said: &[u8]) -> bool {
        said.trim_ascii() == format!("{} {}", self.name, self.version).as_bytes()
    }
}

/// Where cargo looks for sub-commands: our tools first.
pub(crate) fn path() -> Result<std::ffi::OsString> {
    let mut path = vec![bin()];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    Ok(env::join_paths(path)?)
}

fn root() -> PathBuf {
    paths::scratch().join("tools")
}

fn bin() -> PathBuf {
    root().join("bin")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOL: Tool = Tool {
        name: "cargo-tidy",
        version: "1.2.3",
        features: &["--no-default-features"],
    };

    #[test]
    fn another_version_is_not_taken_for_this_one() {
        assert!(TOOL.is_named_by(b"cargo-tidy 1.2.3\n"));
        for other in ["cargo-tidy 1.2.30", "cargo-tidy 1.2.2", "tidy 1.2.3", ""] {
            assert!(!TOOL.is_named_by(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn the_version_and_the_features_are_asked_for() {
        let command = TOOL.installing(Path::new("build"));
        let arguments: Vec<_> = command.get_args().collect();
        assert_eq!(
            arguments[4..7],
            ["--version", "1.2.3", "cargo-tidy"],
            "{arguments:?}"
        );
        assert!(arguments.contains(&"--no-default-features".as_ref()));
    }

    #[test]
    fn our_tools_come_first() {
        let path = path().unwrap();
        assert_eq!(env::split_paths(&path).next(), Some(bin()));
    }
}
