//! What processes use, and what they may.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Processor time that this process has used, of all its threads.
pub(crate) fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// The load averages of the last 1, 5 and 15 minutes.
pub(crate) fn load() -> Result<String> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').take(3).collect::<Vec<_>>().join(" "))
}

/// Lets this process have `files` open.
pub(crate) fn allow_open_files(files: u64) -> Result<()> {
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|soft| soft >= files) {
        return Ok(());
    }
    let maximum = now.maximum.map(|hard| hard.max(files));
    let current = Some(files);
    setrlimit(Resource::Nofile, Rlimit { current, maximum })
        .with_context(|| format!("{files} files cannot be open at once here"))
}

/// A server, ours or not.
#[derive(Clone, Copy)]
pub(crate) struct Process {
    id: u32,
}

impl Process {
    pub(crate) fn new(id: u32) -> Self {
        Self { id }
    }

    /// The process that listens on a local TCP port.
    pub(crate) fn listening_on(port: u16) -> Result<Self> {
        let socket = socket_of(port)?;
        for entry in fs::read_dir("/proc")?.flatten() {
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // Processes end, and some are not ours to look into.
            let Ok(files) = fs::read_dir(entry.path().join("fd")) else {
                continue;
            };
            let links = files
                .flatten()
                .filter_map(|fd| fs::read_link(fd.path()).ok());
            if links.into_iter().any(|link| link.to_str() == Some(&socket)) {
                return Ok(Self { id });
            }
        }
        bail!("no process that we may look into listens on port {port}")
    }

    /// Processor time that it has used, in steps of 10 ms.
    pub(crate) fn processor_time(self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id))?;
        // The second field is a name in brackets, which may hold anything.
        let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(str::parse::<u64>)
            .sum::<Result<_, _>>()?;
        let per_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_micros(ticks * 1_000_000 / per_second))
    }

    /// Memory that it has in use, in bytes.
    pub(crate) fn resident_bytes(self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id))?;
        let kib: u64 = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
            .context("no VmRSS")?
            .trim()
            .parse()?;
        Ok(kib * 1024)
    }
}

/// How `/proc/PID/fd` names the socket that listens on a port.
fn socket_of(port: u16) -> Result<String> {
    const LISTEN: &str = "0A";
    let local = format!(":{port:04X}");
    let mut table = fs::read_to_string("/proc/net/tcp")?;
    table += &fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    for line in table.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (Some(address), Some(state), Some(inode)) =
            (fields.get(1), fields.get(3), fields.get(9))
        else {
            continue;
        };
        if address.ends_with(&local) && *state == LISTEN {
            return Ok(format!("socket:[{inode}]"));
        }
    }
    bail!("nothing listens on port {port}")
}
