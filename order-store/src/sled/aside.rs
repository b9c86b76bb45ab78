//! The copy that is made before sled first opens a ledger that was not closed.
//!
//! Opening is also repairing: sled cuts off what it cannot use. Whoever wants to look at what a crash left, or try again
//! with better luck, needs the files as they were. There is one copy at most, and it stays until the ledger has been opened
//! well and another crash has come: a second try never overwrites the only good copy with what the first try left.

use std::{
    fs::{self, DirBuilder, File},
    io,
    path::Path,
};

use super::folder::{Folder, exists, io_error, ledger_files, sync_path};
use crate::StoreError;

/// The copy's folder in the folder.
pub(super) const FOLDER: &str = "unclean";
/// While it is made.
pub(super) const NEW_FOLDER: &str = "unclean.new";
/// In the copy: the ledger that it was made of has been opened well since.
const DONE_FILE: &str = "opened";
/// What is left free on the disk after the copy, so that the ledger itself can go on.
const RESERVE_BYTES: u64 = 16 << 20;

/// Copies the ledger's files aside, durably, unless the copy that is there is still needed.
pub(super) fn copy(folder: &Folder) -> Result<(), StoreError> {
    let to = folder.path.join(FOLDER);
    if exists(&to)? && !exists(&to.join(DONE_FILE))? {
        tracing::warn!(copy = %to.display(), "the ledger was not opened well since its last copy was made; that copy stays");
        return Ok(());
    }
    let files = ledger_files(&folder.path)?;
    let new = folder.path.join(NEW_FOLDER);
    for old in [&to, &new] {
        if exists(old)? {
            fs::remove_dir_all(old).map_err(io_error("removing", old))?;
        }
    }
    refuse_without_space(&folder.path, &files)?;
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&new).map_err(io_error("making", &new))?;
    for file in files {
        let name = file.file_name().unwrap_or_default();
        let copied = new.join(name);
        fs::copy(&file, &copied).map_err(io_error("copying", &file))?;
        sync_path(&copied)?;
    }
    sync_path(&new)?;
    fs::rename(&new, &to).map_err(io_error("renaming", &new))?;
    folder.sync_names()?;
    tracing::warn!(copy = %to.display(), "the ledger was not closed; its files were copied before it is opened");
    Ok(())
}

/// The ledger was opened and found whole: the next crash may take the copy's place.
pub(super) fn done_with(folder: &Path) -> Result<(), StoreError> {
    let copy = folder.join(FOLDER);
    if exists(&copy)? {
        let done = copy.join(DONE_FILE);
        File::create(&done).map_err(io_error("making", &done))?;
    }
    Ok(())
}

fn refuse_without_space(path: &Path, files: &[std::path::PathBuf]) -> Result<(), StoreError> {
    let mut needed = RESERVE_BYTES;
    for file in files {
        needed += fs::metadata(file)
            .map_err(io_error("looking at", file))?
            .len();
    }
    match free_bytes(path).map_err(io_error("looking for space in", path))? {
        Some(free) if free < needed => Err(StoreError::Io {
            what: format!(
                "the ledger was not closed and its files must be copied before it is opened, which needs {needed} bytes where {free} are free"
            ),
            error: io::ErrorKind::StorageFull.into(),
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
