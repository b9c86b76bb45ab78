//! Compaction: the ledger rebuilt in fresh files, which then take the place of the old ones.
//!
//! sled gives no space back. So every record that counts is copied into a new sled in `compact.new`: of an order that has
//! changed, its last state alone, while each row of the log and its place stay. The new ledger has a head and a mark of its
//! own; it is synced and verified; then the folder is renamed to `compact.ready`, and from that moment on it is the ledger:
//! whoever opens the folder next goes on with the [`switch`], if that was cut off. A crash before the rename leaves the old
//! ledger, one after it the new one. Last of all the note of a clean stop is left again: what was verified here need not be
//! copied and verified before the next start.

use std::{fs, path::Path};

use super::{
    checkpoint::Checkpoint,
    engine::{fenced, open_sled},
    fault::Step,
    folder::{io_error, sync_path},
    head::Head,
    keys::{HEAD_KEY, Kind},
    layout::{BLOBS, COMPACT_NEW, COMPACT_READY},
    locate::Locator,
    mark::Mark,
    open::{Closed, open_closed},
    options::How,
    switch,
    thin::Thin,
    trees::{Trees, damaged},
    verify::{Audit, Nobody},
};
use crate::StoreError;

/// Records copied at once.
const SLICE: usize = 4096;
/// After so many records the new sled is closed and opened again: while one process fills a sled, its memory grows with
/// what it has written.
const REOPEN_EVERY: u64 = 200_000;

/// What a compaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Records in the ledger.
    pub records: u64,
    /// The length of the ledger's file before, in bytes.
    pub bytes_before: u64,
    /// And after.
    pub bytes_after: u64,
}

pub(super) fn compact(path: &Path, how: &How) -> Result<Compacted, StoreError> {
    let (path, how) = (path.to_owned(), how.clone());
    fenced(move || compact_here(&path, &how))
}

fn compact_here(path: &Path, how: &How) -> Result<Compacted, StoreError> {
    let Closed {
        folder,
        trees,
        head,
        index,
        locator,
    } = open_closed(path, how)?;
    let bytes_before = folder.db_bytes()?;
    let new = folder.path.join(COMPACT_NEW);
    let head = copy(&trees, &locator, &new, &head, how).inspect_err(|_| {
        // The space is of more use to the old ledger; what cannot be removed now goes at the next start.
        drop(fs::remove_dir_all(&new));
    })?;
    // The old ledger must not be open while its files are replaced.
    drop(trees);
    how.faults
        .around(Step::CompactReady, || {
            fs::rename(&new, folder.path.join(COMPACT_READY))
        })
        .map_err(io_error("renaming", &new))?;
    folder.sync_names()?;
    switch::finish(&folder, &how.faults)?;
    folder.close_to_others()?;
    let bytes_after = folder.db_bytes()?;
    Checkpoint::leave(&folder, &head, bytes_after, &index, &locator, &how.faults)?;
    Ok(Compacted {
        records: head.records,
        bytes_before,
        bytes_after,
    })
}

/// Fills a new sled in `new` with all records that count, synced and verified, and gives its head.
fn copy(
    from: &Trees,
    locator: &Locator,
    new: &Path,
    head: &Head,
    how: &How,
) -> Result<Head, StoreError> {
    let mut to = Some(open_new(new, how)?);
    let mut thin = Thin::new(from, locator);
    let mut made = Head::default();
    let mut copied = 0;
    for kind in Kind::ALL {
        let mut records = from.records(kind, None);
        loop {
            let mut batch = ::sled::Batch::default();
            let mut taken = 0;
            for item in records.by_ref().take(SLICE) {
                let (key, value) = item.map_err(|error| damaged(&error))?;
                taken += 1;
                if let Some(value) = thin.record(kind, &key, &value)? {
                    made.count(kind, &key, &value)?;
                    batch.insert(key, value);
                }
            }
            if taken == 0 {
                break;
            }
            let target = match &to {
                Some(trees) => trees,
                None => to.insert(open_new(new, how)?),
            };
            how.faults
                .around(Step::CompactSlice, || {
                    Ok(target.tree(kind).apply_batch(batch)?)
                })
                .map_err(io_error("filling", new))?;
            copied += taken;
            if copied >= REOPEN_EVERY {
                target.flush().map_err(|error| damaged(&error))?;
                to = None;
                copied = 0;
            }
        }
    }
    if made.rows != head.rows {
        return Err(StoreError::Corrupt {
            what: format!("{} rows of the log became {}", head.rows, made.rows),
        });
    }
    let made = Head {
        commits: head.commits + 1,
        // The last group may have had rows of the outbox alone, which are gone.
        group: head.group,
        ..made
    };
    let to = match to {
        Some(trees) => trees,
        None => open_new(new, how)?,
    };
    to.tree(Kind::Meta)
        .insert(HEAD_KEY, made.encode().as_slice())
        .map_err(|error| damaged(&error))?;
    to.flush().map_err(|error| damaged(&error))?;
    Audit::new(&made, &made).run(&to, &mut Nobody, |progress| how.report(progress))?;
    drop(to);
    let blobs = new.join(BLOBS);
    if fs::read_dir(&blobs)
        .map_err(io_error("reading", &blobs))?
        .next()
        .is_some()
    {
        return Err(StoreError::Corrupt {
            what: format!("{} is not empty", blobs.display()),
        });
    }
    let mut synced = Ok(());
    how.faults
        .around(Step::CompactSync, || {
            Mark::create(new)?;
            Mark::open(new)?.write(&made, &how.faults)?;
            synced = sync_files(new);
            Ok(())
        })
        .map_err(io_error("making the high-water mark in", new))?;
    synced?;
    Ok(made)
}

/// All that is in it, and its names.
fn sync_files(new: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(new).map_err(io_error("reading", new))? {
        sync_path(&entry.map_err(io_error("reading", new))?.path())?;
    }
    sync_path(new)
}

fn open_new(new: &Path, how: &How) -> Result<Trees, StoreError> {
    let db = open_sled(new, how.cache_bytes, how.lock_patience)?;
    Trees::open(db).map_err(|error| damaged(&error))
}
