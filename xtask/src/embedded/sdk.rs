//! A compiler for small processors and an emulator of them, from Debian's packages, unpacked and never installed.
//!
//! rustup's compiler stays as it is: cargo is told to take the unpacked one. That one comes with the sources of its own
//! `core` and `alloc`, from which each target's are built once and laid where the compiler looks for them.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::{apt, paths, process};

const COMPILER: [&str; 3] = ["rustc-web", "libstd-rust-web-dev", "rust-web-src"];
const EMULATOR: [&str; 3] = ["qemu-system-arm", "qemu-system-common", "qemu-system-data"];
const DOWNLOAD_LIMIT: Duration = Duration::from_mins(10);
const UNPACK_LIMIT: Duration = Duration::from_mins(5);
const STAGE_LIMIT: Duration = Duration::from_mins(10);
const HOST: &str = "x86_64-unknown-linux-gnu";
/// Written last, so that a folder without it was cut short and is made anew.
const COMPLETE: &str = "complete";
const STAGE_MANIFEST: &str = "[package]\nname = \"stage\"\nedition = \"2024\"\n\n[workspace]\n\n[profile.release]\npanic = \"abort\"\n";
const STAGE_LIB: &str = "#![no_std]\nextern crate alloc;\n";

/// The unpacked compiler and emulator.
pub(super) struct Sdk {
    root: PathBuf,
}

impl Sdk {
    /// Downloads and unpacks what is not there yet, for all `targets`.
    pub(super) fn prepare(targets: &[&str]) -> Result<Self> {
        let sdk = Self {
            root: paths::target().join("embedded/sdk"),
        };
        if !sdk.root.join(COMPLETE).exists() {
            sdk.unpack()?;
        }
        for target in targets {
            if !sdk.libraries(target).join(COMPLETE).exists() {
                sdk.stage(target)
                    .with_context(|| format!("cannot build core for {target}"))?;
            }
        }
        Ok(sdk)
    }

    /// Lets `command` find the compiler and its libraries, and nothing of the caller's own flags.
    pub(super) fn enter<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("RUSTC", self.root.join("usr/bin/rustc"))
            .env("LD_LIBRARY_PATH", self.library_path())
            .env_remove("RUSTC_WRAPPER")
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
    }

    /// The emulator, told which machine to play and to end with the program's exit status.
    pub(super) fn emulator(&self, machine: &[&str]) -> Command {
        let mut command = Command::new(self.root.join("usr/bin/qemu-system-arm"));
        command
            .args(machine)
            .args([
                "-nographic",
                "-semihosting-config",
                "enable=on,target=native",
            ])
            .env("LD_LIBRARY_PATH", self.library_path());
        command
    }

    fn library_path(&self) -> String {
        let root = self.root.display();
        format!("{root}/usr/lib/x86_64-linux-gnu:{root}/lib/x86_64-linux-gnu")
    }

    /// Where the compiler looks for a target's `core`.
    fn libraries(&self, target: &str) -> PathBuf {
        self.root.join("usr/lib/rustlib").join(target).join("lib")
    }

    fn unpack(&self) -> Result<()> {
        for tool in ["apt-get", "apt-cache", "dpkg", "dpkg-query"] {
            apt::find(tool).with_context(|| {
                format!("there is no {tool} here: this needs Debian's packages {COMPILER:?} and {EMULATOR:?}")
            })?;
        }
        if self.root.exists() {
            fs::remove_dir_all(&self.root)?;
        }
        let debs = self.root.join("debs");
        fs::create_dir_all(&debs)?;
        apt::update()?;
        let packages = packages()?;
        println!("unpacking {}", packages.join(" "));
        let mut download = Command::new("apt-get");
        download
            .current_dir(&debs)
            .args(["-qq", "download"])
            .args(&packages);
        process::run(&mut download, DOWNLOAD_LIMIT)
            .with_context(|| format!("cannot download {}", packages.join(" ")))?;
        for deb in fs::read_dir(&debs)? {
            let mut dpkg = Command::new("dpkg");
            dpkg.arg("-x").arg(deb?.path()).arg(&self.root);
            process::run(&mut dpkg, UNPACK_LIMIT)?;
        }
        fs::remove_dir_all(&debs)?;
        self.link_linker()?;
        self.check("usr/bin/rustc")?;
        self.check("usr/bin/qemu-system-arm")?;
        fs::write(self.root.join(COMPLETE), "")?;
        Ok(())
    }

    /// Debian's compiler comes without `rust-lld`; rustup's has it.
    fn link_linker(&self) -> Result<()> {
        let bin = Path::new("lib/rustlib").join(HOST).join("bin");
        let output = Command::new("rustc")
            .args(["--print", "sysroot"])
            .env_remove("RUSTC")
            .output()
            .context("cannot run rustc")?;
        let sysroot = String::from_utf8(output.stdout)?;
        let linker = Path::new(sysroot.trim()).join(&bin).join("rust-lld");
        if !linker.is_file() {
            bail!(
                "{} is not there: a toolchain of rustup brings it",
                linker.display()
            );
        }
        let folder = self.root.join("usr").join(bin);
        fs::create_dir_all(&folder)?;
        symlink(linker, folder.join("rust-lld")).context("cannot link rust-lld")
    }

    /// A library that is missing shows here by its name.
    fn check(&self, program: &str) -> Result<()> {
        let output = Command::new(self.root.join(program))
            .arg("--version")
            .env("LD_LIBRARY_PATH", self.library_path())
            .output()
            .with_context(|| format!("cannot run {program}"))?;
        if !output.status.success() {
            bail!(
                "{program}: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    /// Builds `core` and `alloc`, with bitcode so that link-time optimisation reaches into them.
    fn stage(&self, target: &str) -> Result<()> {
        let folder = paths::target().join("embedded/stage");
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("Cargo.toml"), STAGE_MANIFEST)?;
        fs::write(folder.join("src/lib.rs"), STAGE_LIB)?;
        let mut build = Command::new(cargo());
        self.enter(&mut build)
            .current_dir(&folder)
            .args(["build", "--quiet", "--release", "--target", target])
            .arg("-Zbuild-std=core,alloc,compiler_builtins")
            // The sources and the compiler are of one version, so what is unstable cannot differ.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "-Cembed-bitcode=yes")
            .env("CARGO_TARGET_DIR", folder.join("target"));
        process::run(&mut build, STAGE_LIMIT)?;
        let made = folder.join("target").join(target).join("release/deps");
        let libraries = self.libraries(target);
        if libraries.exists() {
            fs::remove_dir_all(&libraries)?;
        }
        fs::create_dir_all(&libraries)?;
        for file in fs::read_dir(&made)? {
            let file = file?;
            if is_staged(&file.file_name().to_string_lossy()) {
                fs::copy(file.path(), libraries.join(file.file_name()))?;
            }
        }
        fs::remove_dir_all(&folder)?;
        fs::write(libraries.join(COMPLETE), "")?;
        Ok(())
    }
}

pub(super) fn cargo() -> std::ffi::OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn is_staged(file: &str) -> bool {
    let path = Path::new(file);
    let is_library = path
        .extension()
        .is_some_and(|extension| extension == "rlib" || extension == "rmeta");
    is_library
        && ["libcore-", "liballoc-", "libcompiler_builtins-"]
            .iter()
            .any(|name| file.starts_with(name))
}

/// The compiler and the emulator, and of the libraries that these need the ones that are not installed.
fn packages() -> Result<Vec<String>> {
    let mut packages: Vec<String> = COMPILER
        .iter()
        .chain(&EMULATOR)
        .map(ToString::to_string)
        .collect();
    // The compiler itself is in a library whose package is named after its version.
    let mut libraries = depends(&["libstd-rust-web-dev"], Depth::Direct)?;
    packages.append(&mut libraries);
    let compiler = packages[COMPILER.len() + EMULATOR.len()..].to_vec();
    let mut roots = depends(&["qemu-system-arm"], Depth::Direct)?;
    for package in &compiler {
        roots.extend(depends(&[package], Depth::Direct)?);
    }
    roots.retain(|name| name.starts_with("lib"));
    let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
    let installed = installed()?;
    for name in depends(&roots, Depth::All)? {
        let is_new = !installed.contains(&name) && !packages.contains(&name);
        if name.starts_with("lib") && is_new {
            packages.push(name);
        }
    }
    Ok(packages)
}

#[derive(Clone, Copy)]
enum Depth {
    Direct,
    All,
}

/// The packages that `packages` depend on; with [`Depth::All`] themselves among them.
fn depends(packages: &[&str], depth: Depth) -> Result<Vec<String>> {
    let mut command = Command::new("apt-cache");
    command.args(["depends", "--important"]);
    if matches!(depth, Depth::All) {
        command.arg("--recurse");
    }
    let output = command
        .args(packages)
        .output()
        .context("cannot run apt-cache")?;
    if !output.status.success() {
        bail!("Debian has no package {}", packages.join(" or "));
    }
    Ok(parse_depends(
        &String::from_utf8_lossy(&output.stdout),
        depth,
    ))
}

fn parse_depends(text: &str, depth: Depth) -> Vec<String> {
    let name = |line: &str| match depth {
        Depth::Direct => line.trim().strip_prefix("Depends: ").map(str::to_owned),
        Depth::All => (!line.starts_with([' ', '|'])).then(|| line.to_owned()),
    };
    // A name in angle brackets is provided by other packages.
    text.lines()
        .filter_map(name)
        .filter(|name| !name.starts_with('<') && !name.is_empty())
        .collect()
}

fn installed() -> Result<Vec<String>> {
    let output = Command::new("dpkg-query")
        .args(["-W", "-f", "${db:Status-Abbrev}${Package}\\n"])
        .output()
        .context("cannot run dpkg-query")?;
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.strip_prefix("ii "))
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read_both_ways() {
        let direct =
            "qemu-system-arm\n  Depends: libaio1\n |Depends: libfoo\n  Depends: <libc-dev>\n";
        assert_eq!(parse_depends(direct, Depth::Direct), ["libaio1"]);
        let all = "libaio1\n  Depends: libc6\nlibc6\n  Depends: libgcc-s1\n<libc-dev>\n";
        assert_eq!(parse_depends(all, Depth::All), ["libaio1", "libc6"]);
    }

    #[test]
    fn only_the_bare_libraries_are_staged() {
        assert!(is_staged("libcore-0123.rlib") && is_staged("liballoc-0123.rmeta"));
        assert!(!is_staged("libstage-0123.rlib") && !is_staged("core-0123.d"));
    }
}
