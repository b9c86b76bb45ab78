//! The copy that is made before sled first opens a ledger that was not closed.
//!
//! Opening is also repairing: sled cuts off what it cannot use. Whoever wants to look at what a crash left, or try again
//! with better luck, needs the files as they were. There is one copy at most, and it stays until the ledger has been opened
//! well and another crash has come: a second try never overwrites the only good copy with what the first try left.

use std::{
    fs::{self, DirBuilder, File},
    path::Path,
};

use super::{
    folder::{Folder, exists, io_error, ledger_files, sync_path},
    layout::{ASIDE, ASIDE_NEW},
    space,
};
use crate::StoreError;

/// In the copy: the ledger that it was made of has been opened well since.
const DONE_FILE: &str = "opened";
const PURPOSE: &str = "the ledger was not closed and its files must be copied before it is opened";

/// Copies the ledger's files aside, durably, unless the copy that is there is still needed.
pub(super) fn copy(folder: &Folder) -> Result<(), StoreError> {
    let to = folder.path.join(ASIDE);
    if is_needed(&to)? {
        tracing::warn!(copy = %to.display(), "the ledger was not opened well since its last copy was made; that copy stays");
        return Ok(());
    }
    space::refuse_without(&folder.path, bytes(folder)?, PURPOSE)?;
    let files = ledger_files(&folder.path)?;
    let new = folder.path.join(ASIDE_NEW);
    for old in [&to, &new] {
        if exists(old)? {
            fs::remove_dir_all(old).map_err(io_error("removing", old))?;
        }
    }
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

/// The bytes that a copy will take; none where the copy that is there stays.
pub(super) fn bytes(folder: &Folder) -> Result<u64, StoreError> {
    if is_needed(&folder.path.join(ASIDE))? {
        return Ok(0);
    }
    let mut bytes = 0;
    for file in ledger_files(&folder.path)? {
        bytes += fs::metadata(&file)
            .map_err(io_error("looking at", &file))?
            .len();
    }
    Ok(bytes)
}

/// Whether the copy is there and the ledger was not opened well since.
fn is_needed(copy: &Path) -> Result<bool, StoreError> {
    Ok(exists(copy)? && !exists(&copy.join(DONE_FILE))?)
}

/// The ledger was opened and found whole: the next crash may take the copy's place.
pub(super) fn done_with(folder: &Path) -> Result<(), StoreError> {
    let copy = folder.join(ASIDE);
    if exists(&copy)? {
        let done = copy.join(DONE_FILE);
        File::create(&done).map_err(io_error("making", &done))?;
    }
    Ok(())
}
