//! A compacted ledger takes the place of the old one. A crash can cut this off anywhere: whoever opens the folder goes on with
//! it.

use std::{fs, io, path::Path};

use super::{
    fault::{Faults, Step},
    folder::{Folder, exists, io_error},
    layout::{COMPACT_NEW, COMPACT_READY, CONF_FILE, DB_FILE, SNAPSHOT_PREFIX},
    mark,
};
use crate::StoreError;

/// Puts a complete new ledger in the place of the old one, or goes on with that; throws away one that is not complete.
pub(super) fn finish(folder: &Folder, faults: &Faults) -> Result<(), StoreError> {
    let new = folder.path.join(COMPACT_NEW);
    if exists(&new)? {
        fs::remove_dir_all(&new).map_err(io_error("removing", &new))?;
    }
    let ready = folder.path.join(COMPACT_READY);
    if !exists(&ready)? {
        return Ok(());
    }
    tracing::info!(folder = %folder.path.display(), "the compacted ledger takes the place of the old one");
    // A snapshot is only a short cut, and the old one's is of the old file.
    remove_snapshots(&folder.path)?;
    for name in [DB_FILE, CONF_FILE, mark::FILE] {
        let from = ready.join(name);
        if !exists(&from)? {
            continue;
        }
        faults
            .around(Step::CompactSwitch, || {
                fs::rename(&from, folder.path.join(name))
            })
            .map_err(io_error("renaming", &from))?;
    }
    folder.sync_names()?;
    faults
        .around(Step::CompactSwitch, || fs::remove_dir_all(&ready))
        .map_err(io_error("removing", &ready))?;
    folder.sync_names()
}

fn remove_snapshots(path: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(path).map_err(io_error("reading", path))? {
        let entry = entry.map_err(io_error("reading", path))?;
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(SNAPSHOT_PREFIX)
        {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io_error("removing", &entry.path())(error));
                }
                _ => {}
            }
        }
    }
    Ok(())
}
