//! Programs from Debian's packages: what is missing is installed, nothing is ever removed or started.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, io};

use anyhow::{Context, Result, bail};

use crate::{paths, process};

/// Time limit of one `apt-get`, its wait for another one's lock included.
const LIMIT: Duration = Duration::from_mins(15);
/// Asked by Debian's install scripts whether a service may be started; exit code 101 is "no".
const POLICY: &str = "/usr/sbin/policy-rc.d";
const POLICY_TEXT: &str = "#!/bin/sh\nexit 101\n";

/// Something that the tests need.
pub(crate) struct Need {
    /// Debian's name of it.
    pub(crate) package: &'static str,
    /// Whether it is here already, from Debian or not.
    pub(crate) present: fn() -> bool,
}

/// Installs what is missing.
///
/// # Errors
/// Says what to install by hand where we cannot: no apt-get, not root, or apt-get failed.
pub(crate) fn ensure<'a>(needs: impl IntoIterator<Item = &'a Need> + Clone) -> Result<()> {
    let missing: Vec<_> = needs
        .clone()
        .into_iter()
        .filter(|need| !(need.present)())
        .map(|need| need.package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing).with_context(|| {
        format!(
            "install these Debian packages and try again: {}",
            missing.join(" ")
        )
    })?;
    let absent: Vec<_> = needs
        .into_iter()
        .filter(|need| !(need.present)())
        .map(|need| need.package)
        .collect();
    if !absent.is_empty() {
        bail!(
            "installed, but what it is for was not found: {}",
            absent.join(" ")
        );
    }
    Ok(())
}

/// The full path of a program on `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

fn install(packages: &[&str]) -> Result<()> {
    if find("apt-get").is_none() {
        bail!("there is no apt-get here");
    }
    if !am_root()? {
        bail!("only root can install packages");
    }
    println!("installing {}", packages.join(" "));
    let log = paths::scratch().join("apt.log");
    fs::create_dir_all(paths::scratch())?;
    let _policy = Policy::deny_starts()?;
    update()?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends", "--no-remove"];
    arguments.extend(packages);
    apt_get(&arguments, &log)?;
    keep_from_booting(packages)
}

/// Brings Debian's lists up to date. Stale ones may still do, so a failure is printed and what follows decides.
pub(crate) fn update() -> Result<()> {
    fs::create_dir_all(paths::scratch())?;
    if let Err(error) = apt_get(&["update"], &paths::scratch().join("apt.log")) {
        println!("{error:#}");
    }
    Ok(())
}

fn apt_get(arguments: &[&str], log: &Path) -> Result<()> {
    let output = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = Command::new("apt-get");
    command
        .args([
            "-q",
            "-o",
            "DPkg::Lock::Timeout=300",
            "-o",
            "Dpkg::Use-Pty=0",
        ])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(output.try_clone()?)
        .stderr(output);
    process::run(&mut command, LIMIT).with_context(|| {
        let text = fs::read_to_string(log).unwrap_or_default();
        let errors: Vec<_> = text.lines().filter(|line| line.starts_with("E:")).collect();
        format!(
            "apt-get {} ({}; all of it is in {})",
            arguments[0],
            errors.join("; "),
            log.display()
        )
    })
}

/// On a machine with systemd the package's own server would come up with the next boot.
fn keep_from_booting(packages: &[&str]) -> Result<()> {
    if !Path::new("/run/systemd/system").exists() {
        return Ok(());
    }
    for (package, service) in [
        ("rabbitmq-server", "rabbitmq-server.service"),
        ("postgresql", "postgresql.service"),
    ] {
        if packages.contains(&package) {
            let mut command = Command::new("systemctl");
            process::run(
                command.args(["disable", "--quiet", service]),
                Duration::from_mins(1),
            )?;
        }
    }
    Ok(())
}

/// Whether we run as root.
pub(crate) fn am_root() -> Result<bool> {
    let output = Command::new("id")
        .arg("-u")
        .output()
        .context("cannot run id")?;
    Ok(output.stdout.trim_ascii() == b"0")
}

/// Keeps packages from starting services while it lives; then puts back what was there.
struct Policy {
    replaced: bool,
    saved: Option<PathBuf>,
}

impl Policy {
    fn deny_starts() -> Result<Self> {
        if denies_already() {
            return Ok(Self {
                replaced: false,
                saved: None,
            });
        }
        let aside = PathBuf::from(format!("{POLICY}.before-xtask"));
        let saved = match fs::rename(POLICY, &aside) {
            Ok(()) => Some(aside),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).context(POLICY),
        };
        let policy = Self {
            replaced: true,
            saved,
        };
        fs::write(POLICY, POLICY_TEXT).context(POLICY)?;
        fs::set_permissions(POLICY, Permissions::from_mode(0o755)).context(POLICY)?;
        Ok(policy)
    }
}

fn denies_already() -> bool {
    let answer = Command::new(POLICY)
        .args(["rabbitmq-server", "start"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    answer.is_ok_and(|status| status.code() == Some(101))
}

impl Drop for Policy {
    fn drop(&mut self) {
        if !self.replaced {
            return;
        }
        let restored = match &self.saved {
            Some(aside) => fs::rename(aside, POLICY),
            None => fs::remove_file(POLICY),
        };
        if let Err(error) = restored {
            eprintln!("{POLICY} is not as it was: {error}");
        }
    }
}
