//! Opening a folder: who may, what it must hold, and what is built in memory from it.
//!
//! In this order: the folder is locked; a compaction that a crash cut off is finished; a ledger that was not closed is
//! copied aside; sled opens it; an older format is brought up to date; the head is compared with the high-water mark; after
//! an unclean stop everything is verified; the note of a clean stop is taken away.

use std::{
    fs::File,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{
    aside,
    checkpoint::Checkpoint,
    counters::Counters,
    disk::Disk,
    engine::{fenced, open_trees},
    fault::Step,
    folder::{Folder, io_error},
    format::{FORMAT, head, read_mark, write_format},
    head::Head,
    keys::{INBOX_NEXT_KEY, Kind, OUTBOX_LOW_KEY, parse_packed_key},
    layout::DB_FILE,
    locate::Locator,
    options::How,
    place::Address,
    rebuild::Rebuild,
    relay::{Entry, Relay},
    ring,
    settle::rows_of,
    space, switch,
    trees::{Trees, damaged},
    verify::{Audit, Nobody, lost},
};
use crate::{StoreError, Timestamp, Verify, VerifyProgress, index::Index};

const LOCK_PAUSE: Duration = Duration::from_millis(50);
const COMPACTION: &str = "a compaction builds a second ledger beside the first";

/// An open folder.
pub(super) struct Opened {
    pub(super) folder: Folder,
    pub(super) trees: Trees,
    pub(super) head: Head,
    /// What is still to be verified, in the background; nothing when it was.
    pub(super) audit: Option<Audit>,
    pub(super) verified: VerifyProgress,
    pub(super) index: Index,
    pub(super) locator: Locator,
    pub(super) relay: Relay,
    pub(super) counters: Counters,
    pub(super) disk: Disk,
    pub(super) ring: ring::Ring,
}

/// Opens the folder on a thread of its own: sled can panic over a damaged file. The panic hook of the process, which is not
/// ours to change, still prints it, under the thread's name.
pub(super) fn open(path: &Path, how: &How, now: Timestamp) -> Result<Opened, StoreError> {
    let (path, how) = (path.to_owned(), how.clone());
    fenced(move || open_here(&path, &how, now))
}

fn open_here(path: &Path, how: &How, now: Timestamp) -> Result<Opened, StoreError> {
    let folder = take(path, how)?;
    let clean = clean_stop(&folder)?;
    open_in(folder, clean, how, now)
}

/// Takes the folder for this process, with the ledger in it that counts.
fn take(path: &Path, how: &How) -> Result<Folder, StoreError> {
    let folder = Folder::take(path, how.lock_patience)?;
    switch::finish(&folder, &how.faults)?;
    folder.refuse_blobs()?;
    Ok(folder)
}

/// The note of a clean stop, where it is of the ledger that is there.
fn clean_stop(folder: &Folder) -> Result<Option<Checkpoint>, StoreError> {
    match Checkpoint::read(&folder.path) {
        Some(found) if folder.has_ledger()? && folder.db_bytes()? == found.db_bytes => {
            Ok(Some(found))
        }
        _ => Ok(None),
    }
}

fn open_in(
    folder: Folder,
    clean: Option<Checkpoint>,
    how: &How,
    now: Timestamp,
) -> Result<Opened, StoreError> {
    let path = &folder.path.clone();
    if folder.has_ledger()? && clean.is_none() {
        copy_aside(&folder, how)?;
    }
    let (trees, db) = open_trees(&folder, how)?;
    folder.close_to_others()?;
    let faults = &how.faults;
    let (mut head, mut disk, format) = head(&folder, &trees, db, faults)?;
    let mark = read_mark(path)?.unwrap_or_default();
    Audit::compare(&head, &mark).map_err(|error| with_last_good(error, &trees, &head, &mark))?;

    let ((index, locator), audit, verified) = match clean {
        Some(clean) if clean.head != head => {
            return Err(lost(
                head.group.min(clean.head.group).saturating_sub(1),
                &clean.head,
                "it is not the one that was closed",
            ));
        }
        Some(clean) if how.verify == Verify::AsNeeded => (
            (clean.index, clean.locator),
            Some(Audit::new(&head, &mark)),
            VerifyProgress::default(),
        ),
        _ => {
            let mut rebuild = Rebuild::default();
            let mut verified = VerifyProgress::default();
            Audit::new(&head, &mark).run(&trees, &mut rebuild, |progress| {
                verified = progress;
                how.report(progress);
            })?;
            (rebuild.finish(&trees)?, None, verified)
        }
    };
    let ring = ring::Ring::open(path).map_err(io_error("opening the refused notifies in", path))?;
    // From here on the ledger may be written, so the note of the clean stop goes first.
    faults
        .around(Step::Uncheckpoint, || Checkpoint::remove(path))
        .map_err(io_error("removing the note of a clean stop in", path))?;
    folder.sync_all()?;
    if format < FORMAT {
        // Only what was just verified gets rows that earlier programs would misread.
        head = write_format(&mut disk, &trees, &head, path)?;
    }
    disk.mark
        .write(&head, faults)
        .and_then(|()| disk.mark.sync(faults))
        .map_err(io_error("writing the high-water mark in", path))?;
    if audit.is_none() {
        aside::done_with(path)?;
    }

    let low = trees.number(OUTBOX_LOW_KEY)?.unwrap_or(0);
    let counters = Counters {
        next_group: next_group(&trees, &head)?,
        next_notify: trees.number(INBOX_NEXT_KEY)?.unwrap_or(1),
        low,
        chain: head.chain,
        rows: head.rows,
        accounts: index.accounts.keys().cloned().collect(),
    };
    Ok(Opened {
        relay: relay(&trees, low, now)?,
        folder,
        trees,
        head,
        audit,
        verified,
        index,
        locator,
        counters,
        disk,
        ring,
    })
}

/// A probe of sled's own lock goes first: an older program than this one takes no other.
fn copy_aside(folder: &Folder, how: &How) -> Result<(), StoreError> {
    let db = folder.path.join(DB_FILE);
    let file = File::open(&db).map_err(io_error("opening", &db))?;
    let deadline = Instant::now() + how.lock_patience;
    while file.try_lock_shared().is_err() {
        if Instant::now() >= deadline {
            return Err(StoreError::Locked {
                path: folder.path.clone(),
            });
        }
        thread::sleep(LOCK_PAUSE);
    }
    drop(file);
    let mut copied = Ok(());
    how.faults
        .around(Step::CopyAside, || {
            copied = aside::copy(folder);
            Ok(())
        })
        .map_err(io_error("copying", &db))?;
    copied
}

/// A ledger that is too old: how far is its log good at all?
fn with_last_good(error: StoreError, trees: &Trees, head: &Head, mark: &Head) -> StoreError {
    let StoreError::Lost {
        last_good_group,
        what,
        ..
    } = error
    else {
        return error;
    };
    let checked = Audit::new(head, head).run(trees, &mut Nobody, drop);
    let good = match checked {
        Err(StoreError::Lost {
            last_good_group: lower,
            ..
        }) => lower,
        _ => last_good_group,
    };
    lost(good, mark, what)
}

/// One above the last group. The head knows one that had rows of the outbox alone, as an import writes them, when these are
/// gone: a number that is given twice would have the log change behind its mark.
fn next_group(trees: &Trees, head: &Head) -> Result<u64, StoreError> {
    let mut next = head.group + 1;
    for kind in [Kind::Log, Kind::Outbox] {
        let last = trees.tree(kind).last().map_err(|error| damaged(&error))?;
        if let Some((key, _)) = last {
            next = next.max(parse_packed_key(&key)?.0 + 1);
        }
    }
    Ok(next)
}

fn relay(trees: &Trees, low: u64, now: Timestamp) -> Result<Relay, StoreError> {
    // Fences of an earlier process are below, however fast it gave them.
    let first_fence = u64::try_from(now.millis()).unwrap_or(0) << 20;
    let mut relay = Relay::new(first_fence);
    // The number alone stands in front of the keys of its group.
    let before = low.to_be_bytes().as_slice().into();
    for item in trees.records(Kind::Outbox, Some(before)) {
        let (key, value) = item.map_err(|error| damaged(&error))?;
        let (group, chunk) = parse_packed_key(&key)?;
        for stored in rows_of(&value)? {
            let address = Address {
                group,
                chunk,
                slot: stored.slot,
            };
            let entry = Entry::new(&stored.row.key, stored.row.created_at, stored.hold.into());
            relay.add(address, entry);
        }
    }
    Ok(relay)
}

/// What the folder of a closed store holds, opened to be read: for a compaction.
pub(super) struct Closed {
    pub(super) folder: Folder,
    pub(super) trees: Trees,
    pub(super) head: Head,
    pub(super) index: Index,
    pub(super) locator: Locator,
}

/// Opens a folder, verifies it, and gives it back with nobody serving from it. Before anything is changed there must be room
/// for a second ledger, and for what opening copies.
pub(super) fn open_closed(path: &Path, how: &How) -> Result<Closed, StoreError> {
    let how = How {
        verify: Verify::First,
        ..how.clone()
    };
    let folder = take(path, &how)?;
    let clean = clean_stop(&folder)?;
    if folder.has_ledger()? {
        let copy = match &clean {
            Some(_) => 0,
            None => aside::bytes(&folder)?,
        };
        space::refuse_without(path, folder.db_bytes()?.saturating_add(copy), COMPACTION)?;
    }
    let opened = open_in(folder, clean, &how, Timestamp::from_millis(0))?;
    Ok(Closed {
        folder: opened.folder,
        trees: opened.trees,
        head: opened.head,
        index: opened.index,
        locator: opened.locator,
    })
}
