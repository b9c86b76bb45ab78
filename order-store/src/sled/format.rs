//! The format of a folder: what a new one gets, and how one of an older format is brought up to date.

use std::{fs::File, path::Path};

use super::{
    disk::Disk,
    fault::{Faults, Step},
    folder::{Folder, io_error},
    head::Head,
    keys::{FORMAT_KEY, Kind},
    mark::{self, Mark},
    record::{decode, encode},
    trees::{Trees, Writes, damaged},
    verify::lost,
};
use crate::StoreError;

/// The format that this program writes, and the newest that it reads.
pub(super) const FORMAT: u32 = 3;
/// The oldest that has a head and a mark.
const FORMAT_WITH_HEAD: u32 = 2;

pub(super) fn read_mark(path: &Path) -> Result<Option<Head>, StoreError> {
    Mark::read(path).map_err(|error| StoreError::Corrupt {
        what: format!("the high-water mark cannot be read: {error}"),
    })
}

/// The head of the ledger, what it is written with from now on, and the format it has.
///
/// A new folder gets its format's record and an empty head; one of format 1 gets the head that a scan finds, since it has
/// none: what such a folder lost before cannot be told.
pub(super) fn head(
    folder: &Folder,
    trees: &Trees,
    db: File,
    faults: &Faults,
) -> Result<(Head, Disk, u32), StoreError> {
    let path = &folder.path;
    let format: Option<u32> = trees
        .get(Kind::Meta, FORMAT_KEY)?
        .map(|value| decode(&value, "the store's format"))
        .transpose()?;
    match format {
        Some(found) if found > FORMAT => {
            return Err(StoreError::NewerFormat {
                found,
                known: FORMAT,
            });
        }
        Some(found) if found >= FORMAT_WITH_HEAD => {
            if read_mark(path)?.is_none() {
                return Err(StoreError::Corrupt {
                    what: format!(
                        "the high-water mark, {}, is gone: what the ledger lost cannot be told",
                        path.join(mark::FILE).display()
                    ),
                });
            }
            let head = trees.head()?.ok_or_else(|| StoreError::Corrupt {
                what: "the head's record is gone".to_owned(),
            })?;
            return Ok((head, disk(path, db, faults)?, found));
        }
        None if !trees.is_empty() => {
            return Err(StoreError::NotAStore {
                path: path.clone(),
                why: "its ledger has no format record".to_owned(),
            });
        }
        // A mark that says more than "nothing yet" stays, and tells on a ledger that is empty or old again.
        None | Some(_) if read_mark(path)?.is_none() => {
            Mark::create(path).map_err(io_error("making the high-water mark in", path))?;
            folder.sync_all()?;
        }
        None | Some(_) => {}
    }
    let found = count(trees)?;
    let mark = read_mark(path)?.unwrap_or_default();
    if mark.commits > 0 {
        return Err(lost(found.group, &mark, "it has no head"));
    }
    let mut disk = disk(path, db, faults)?;
    let head = write_format(&mut disk, trees, &found, path)?;
    Ok((head, disk, FORMAT))
}

/// The first commit of a new folder, or the first of this format.
pub(super) fn write_format(
    disk: &mut Disk,
    trees: &Trees,
    head: &Head,
    path: &Path,
) -> Result<Head, StoreError> {
    let format: Writes = vec![(Kind::Meta, FORMAT_KEY.to_vec(), Some(encode(&FORMAT)))];
    let head = Head {
        commits: head.commits + 1,
        ..*head
    };
    let faults = disk.faults.clone();
    let mut written = head;
    faults
        .around(Step::Format, || {
            written = disk.write(trees, &format, &head)?.head;
            Ok(())
        })
        .map_err(io_error("writing the format of", path))?;
    Ok(written)
}

fn disk(path: &Path, db: File, faults: &Faults) -> Result<Disk, StoreError> {
    Ok(Disk {
        db,
        mark: Mark::open(path).map_err(io_error("opening the high-water mark in", path))?,
        faults: faults.clone(),
    })
}

/// The head of a ledger that has none.
fn count(trees: &Trees) -> Result<Head, StoreError> {
    let mut head = Head::default();
    for kind in Kind::ALL {
        for item in trees.records(kind, None) {
            let (key, value) = item.map_err(|error| damaged(&error))?;
            head.count(kind, &key, &value)?;
        }
    }
    Ok(head)
}
