//! Whether the disk has room for what is about to be written beside the ledger.

use std::{io, path::Path};

use super::folder::io_error;
use crate::StoreError;

/// What is left free on the disk, so that the ledger itself can go on.
const RESERVE_BYTES: u64 = 16 << 20;

/// An error when the disk has not so many bytes free, and some more for the ledger.
pub(super) fn refuse_without(
    path: &Path,
    bytes: u64,
    purpose: &'static str,
) -> Result<(), StoreError> {
    let needed_bytes = bytes.saturating_add(RESERVE_BYTES);
    match free_bytes(path).map_err(io_error("looking for space in", path))? {
        Some(available_bytes) if available_bytes < needed_bytes => Err(StoreError::NoSpace {
            purpose,
            needed_bytes,
            available_bytes,
        }),
        _ => Ok(()),
    }
}

/// The space that this process may fill; nothing where it is not known.
#[cfg(unix)]
fn free_bytes(path: &Path) -> io::Result<Option<u64>> {
    let found = rustix::fs::statvfs(path)?;
    Ok(Some(found.f_bavail.saturating_mul(found.f_frsize)))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}
