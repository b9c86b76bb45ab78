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
    compact,
    disk::Disk,
    fault::{Faults, Step},
    folder::{DB_FILE, Folder, io_error},
    group::Counters,
    head::Head,
    locate::Locator,
    mark::{self, Mark},
    rebuild::Rebuild,
    record::{Address, decode, encode},
    relay::{Entry, Relay},
    ring,
    settle::rows_of,
    trees::{
        FORMAT_KEY, INBOX_NEXT_KEY, Kind, OUTBOX_LOW_KEY, Trees, Writes, damaged, packed_key,
        parse_packed_key,
    },
    verify::{Audit, Nobody, lost},
};
use crate::{StoreError, Timestamp, Verify, VerifyHook, VerifyProgress, index::Index};
use ::sled::Db;

/// The format that this program writes, and the newest that it reads.
pub(super) const FORMAT: u32 = 3;
/// The oldest that has a head and a mark.
const FORMAT_WITH_HEAD: u32 = 2;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// How a folder is opened.
#[derive(Clone)]
pub(super) struct How {
    pub(super) cache_bytes: u64,
    pub(super) lock_patience: Duration,
    pub(super) verify: Verify,
    pub(super) progress: Option<VerifyHook>,
    pub(super) faults: Faults,
}

impl How {
    pub(super) fn report(&self, progress: VerifyProgress) {
        tracing::info!(
            records = progress.records,
            of = progress.of_records,
            took = ?progress.took,
            "verifying the ledger"
        );
        if let Some(hook) = &self.progress {
            hook(progress);
        }
    }
}

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

/// Does this on a thread of its own, and makes an error of a panic.
pub(super) fn fenced<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let worker = thread::Builder::new()
        .name("order-store-open".to_owned())
        .spawn(work)
        .map_err(|error| StoreError::Io {
            what: "starting a thread".to_owned(),
            error,
        })?;
    worker.join().unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("nothing");
        Err(StoreError::Corrupt {
            what: format!("sled gave up opening it and said: {said}"),
        })
    })
}

fn open_here(path: &Path, how: &How, now: Timestamp) -> Result<Opened, StoreError> {
    let folder = Folder::take(path, how.lock_patience)?;
    compact::finish(&folder, &how.faults)?;
    folder.refuse_blobs()?;
    let had_ledger = folder.has_ledger()?;
    let clean = match Checkpoint::read(path) {
        Some(found) if had_ledger && folder.db_bytes()? == found.db_bytes => Some(found),
        _ => None,
    };
    if had_ledger && clean.is_none() {
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

fn open_trees(folder: &Folder, how: &How) -> Result<(Trees, File), StoreError> {
    let db = open_sled(&folder.path, how.cache_bytes, how.lock_patience)?;
    let trees = Trees::open(db).map_err(|error| damaged(&error))?;
    let file = folder.path.join(DB_FILE);
    let file = File::open(&file).map_err(io_error("opening", &file))?;
    Ok((trees, file))
}

pub(super) fn open_sled(
    path: &Path,
    cache_bytes: u64,
    lock_patience: Duration,
) -> Result<Db, StoreError> {
    let config = ::sled::Config::new()
        .path(path)
        .cache_capacity(cache_bytes)
        .flush_every_ms(None);
    let deadline = Instant::now() + lock_patience;
    loop {
        let error = match config.open() {
            Ok(db) => return Ok(db),
            Err(error) => error,
        };
        // sled gives a held lock no kind of its own.
        let held = error.to_string().contains("could not acquire lock");
        if !held {
            return Err(match error {
                ::sled::Error::Io(error) => io_error("opening the ledger in", path)(error),
                error => damaged(&error),
            });
        }
        if Instant::now() >= deadline {
            return Err(StoreError::Locked {
                path: path.to_owned(),
            });
        }
        thread::sleep(LOCK_PAUSE);
    }
}

fn read_mark(path: &Path) -> Result<Option<Head>, StoreError> {
    Mark::read(path).map_err(|error| StoreError::Corrupt {
        what: format!("the high-water mark cannot be read: {error}"),
    })
}

/// The head of the ledger, what it is written with from now on, and the format it has.
///
/// A new folder gets its format's record and an empty head; one of format 1 gets the head that a scan finds, since it has
/// none: what such a folder lost before cannot be told.
fn head(
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
fn write_format(
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
        for item in trees.tree(kind) {
            let (key, value) = item.map_err(|error| damaged(&error))?;
            head.count(kind, &key, &value)?;
        }
    }
    Ok(head)
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
    for item in trees.tree(Kind::Outbox).range(packed_key(low, 0)..) {
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

/// What the folder of a closed store holds, opened to be read: for [`compact`].
pub(super) struct Closed {
    pub(super) folder: Folder,
    pub(super) trees: Trees,
    pub(super) head: Head,
    pub(super) index: Index,
    pub(super) locator: Locator,
}

/// Opens a folder, verifies it, and gives it back with nobody serving from it.
pub(super) fn open_closed(path: &Path, how: &How) -> Result<Closed, StoreError> {
    let how = How {
        verify: Verify::First,
        ..how.clone()
    };
    let opened = open_here(path, &how, Timestamp::from_millis(0))?;
    Ok(Closed {
        folder: opened.folder,
        trees: opened.trees,
        head: opened.head,
        index: opened.index,
        locator: opened.locator,
    })
}
