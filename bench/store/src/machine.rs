//! What the machine does and gives: the disk's floor, the process's memory and time, a folder's size.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};

/// Appends 4 KiB and syncs, `count` times, and says how long each took: what no durable answer can beat.
pub(crate) fn floor(folder: &Path, count: usize) -> Result<Vec<Duration>> {
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(folder.join("floor"))?;
    (0..count)
        .map(|_| {
            let started = Instant::now();
            file.write_all(&[7; 4096])?;
            file.sync_data()?;
            Ok(started.elapsed())
        })
        .collect()
}

/// The processor time that this process has used, of all its threads.
pub(crate) fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// The memory that this process has in use, in bytes.
pub(crate) fn resident_bytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let kib: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
        .context("no VmRSS")?
        .trim()
        .parse()?;
    Ok(kib * 1024)
}

/// The bytes of all files under a folder.
pub(crate) fn folder_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() {
            folder_bytes(&entry.path())?
        } else {
            about.len()
        };
    }
    Ok(bytes)
}

/// The bytes that are free on a folder's disk.
pub(crate) fn free_bytes(folder: &Path) -> Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
