//! Shows that wxpay-core needs no std.
//!
//! It is checked against a sysroot that holds core, alloc and `compiler_builtins` alone, so a crate that reaches for std
//! anywhere in its tree fails with E0463, on stable and without another target. Atomics that a small chip lacks do not
//! show here.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{paths, process};

const LIMIT: Duration = Duration::from_mins(5);
/// "can't find crate".
const CANNOT_FIND_CRATE: &str = "E0463";
const LEAK_MANIFEST: &str =
    "[package]\nname = \"leak\"\nedition = \"2024\"\n\n[lib]\npath = \"lib.rs\"\n\n[workspace]\n";
const LEAK: &str = "#![no_std]\nextern crate std;\n";

/// Checks the crate, and that a crate with std does not pass the same check.
pub(crate) fn check() -> Result<()> {
    let host = host()?;
    let gate = Gate {
        sysroot: make_sysroot(&host)?,
        host,
    };
    let mut command = paths::cargo("check");
    // Alone, not with the workspace: features of its other members would hide a leak, or make one.
    command.args(["--locked", "-p", "wxpay-core", "--no-default-features"]);
    process::run(gate.close(&mut command), LIMIT)
        .context("wxpay-core does not build without std")?;
    gate.prove()
}

struct Gate {
    sysroot: PathBuf,
    host: String,
}

impl Gate {
    /// Lets `command` see the bare sysroot. With a target named, build scripts and macros keep the real one.
    fn close<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let variable = format!(
            "CARGO_TARGET_{}_RUSTFLAGS",
            self.host.to_uppercase().replace('-', "_")
        );
        command
            .args(["--target", &self.host])
            .env(variable, format!("--sysroot {}", self.sysroot.display()))
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("CARGO_TARGET_DIR", folder().join("target"))
    }

    /// A gate that lets everything through would look just the same, so a crate that must fail is sent, too.
    fn prove(&self) -> Result<()> {
        let leak = folder().join("leak");
        fs::create_dir_all(&leak)?;
        fs::write(leak.join("Cargo.toml"), LEAK_MANIFEST)?;
        fs::write(leak.join("lib.rs"), LEAK)?;
        let mut command = paths::cargo("check");
        command.current_dir(&leak).stdin(Stdio::null());
        let output = self
            .close(&mut command)
            .output()
            .context("cannot run cargo")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            bail!("the check is void: a crate with std passed it");
        }
        if !errors.contains(CANNOT_FIND_CRATE) {
            bail!("a crate with std failed for another reason:\n{errors}");
        }
        Ok(())
    }
}

fn folder() -> PathBuf {
    paths::scratch().join("no-std")
}

/// Links what is left of the toolchain's sysroot. Made anew each time, as the toolchain may have changed.
fn make_sysroot(host: &str) -> Result<PathBuf> {
    let libraries = Path::new("lib/rustlib").join(host).join("lib");
    let real = Path::new(&rustc(&["--print", "sysroot"])?).join(&libraries);
    let sysroot = folder().join("sysroot");
    if sysroot.exists() {
        fs::remove_dir_all(&sysroot)?;
    }
    fs::create_dir_all(sysroot.join(&libraries))?;
    for entry in fs::read_dir(&real).with_context(|| format!("cannot list {}", real.display()))? {
        let name = entry?.file_name();
        if is_bare(&name.to_string_lossy()) {
            symlink(real.join(&name), sysroot.join(&libraries).join(&name))?;
        }
    }
    Ok(sysroot)
}

/// Whether a library belongs to a world without std.
fn is_bare(file: &str) -> bool {
    ["libcore-", "liballoc-", "libcompiler_builtins-"]
        .iter()
        .any(|library| file.starts_with(library))
}

fn host() -> Result<String> {
    let version = rustc(&["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let output = Command::new("rustc")
        .args(arguments)
        .output()
        .context("cannot run rustc")?;
    if !output.status.success() {
        bail!("rustc {}: {}", arguments.join(" "), output.status);
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bare_sysroot_has_no_std() {
        assert!(is_bare("libcore-0123.rlib") && is_bare("liballoc-0123.rmeta"));
        assert!(!is_bare("libstd-0123.rlib") && !is_bare("libtest-0123.rlib"));
    }
}
