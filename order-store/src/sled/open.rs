//! Opening a folder: who may, what it must hold, and what is built in memory from it.

use std::{
    fs::{self, DirBuilder, File},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use ::sled::Db;
use wxpay_core::{AppId, MchId};

use super::{
    group::Counters,
    index::{Index, Mark},
    record::{Address, decode, encode, join_order},
    relay::{Entry, Relay},
    ring,
    settle::rows_of,
    trees::{
        ACCOUNT_PREFIX, FORMAT_KEY, INBOX_NEXT_KEY, Kind, OUTBOX_LOW_KEY, Trees, damaged,
        packed_key, parse_packed_key,
    },
};
use crate::{StoreError, Timestamp};

/// The format that this program writes, and the newest that it reads.
const FORMAT: u32 = 1;
/// A process that was killed may hold its lock a moment longer.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// The file that sled keeps everything in.
pub(super) const DB_FILE: &str = "db";
/// Where sled puts what is too large for it, and never syncs it.
const BLOBS: &str = "blobs";

/// An open folder.
pub(super) struct Opened {
    pub(super) trees: Trees,
    pub(super) index: Index,
    pub(super) relay: Relay,
    pub(super) counters: Counters,
    pub(super) db_file: File,
    pub(super) ring: ring::Ring,
}

/// Opens the folder on a thread of its own: sled can panic over a damaged file.
pub(super) fn open(path: &Path, cache_bytes: u64, now: Timestamp) -> Result<Opened, StoreError> {
    let path = path.to_owned();
    let worker = thread::Builder::new()
        .name("order-store-open".to_owned())
        .spawn(move || open_here(&path, cache_bytes, now))
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

fn io_error(what: &str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let what = format!("{what} {}", path.display());
    move |error| StoreError::Io { what, error }
}

fn open_here(path: &Path, cache_bytes: u64, now: Timestamp) -> Result<Opened, StoreError> {
    prepare(path)?;
    let db = lock(path, cache_bytes)?;
    let trees = Trees::open(db).map_err(|error| damaged(&error))?;
    check_format(path, &trees)?;
    let ring = ring::Ring::open(path).map_err(io_error("opening the refused notifies in", path))?;
    sync_folder(path)?;

    let mut index = index(&trees)?;
    remember_accounts(&trees, &mut index)?;
    let low = trees.number(OUTBOX_LOW_KEY)?.unwrap_or(0);
    let counters = Counters {
        next_group: next_group(&trees)?,
        next_notify: trees.number(INBOX_NEXT_KEY)?.unwrap_or(1),
        low,
    };
    let file = path.join(DB_FILE);
    Ok(Opened {
        relay: relay(&trees, low, now)?,
        db_file: File::open(&file).map_err(io_error("opening", &file))?,
        trees,
        index,
        counters,
        ring,
    })
}

/// Makes the folder, or makes sure that it is one of ours.
fn prepare(path: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(io_error("making", path))?;
    let mut files = fs::read_dir(path).map_err(io_error("reading", path))?;
    let known = path.join(DB_FILE).exists() || path.join("conf").exists();
    if !known && let Some(Ok(file)) = files.next() {
        return Err(StoreError::NotAStore {
            path: path.to_owned(),
            why: format!("it holds {} and no ledger", file.file_name().display()),
        });
    }
    let blobs = path.join(BLOBS);
    match fs::read_dir(&blobs) {
        Ok(mut files) => match files.next() {
            None => Ok(()),
            Some(_) => Err(StoreError::Corrupt {
                what: format!(
                    "{} is not empty: values that large are never written here, and never synced",
                    blobs.display()
                ),
            }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error("reading", &blobs)(error)),
    }
}

fn lock(path: &Path, cache_bytes: u64) -> Result<Db, StoreError> {
    let config = ::sled::Config::new()
        .path(path)
        .cache_capacity(cache_bytes)
        .flush_every_ms(None);
    let deadline = Instant::now() + LOCK_PATIENCE;
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

fn check_format(path: &Path, trees: &Trees) -> Result<(), StoreError> {
    match trees.get(Kind::Meta, FORMAT_KEY)? {
        Some(value) => {
            let found: u32 = decode(&value, "the store's format")?;
            if found > FORMAT {
                return Err(StoreError::NewerFormat {
                    found,
                    known: FORMAT,
                });
            }
            Ok(())
        }
        None if trees.is_empty() => {
            let format = vec![(Kind::Meta, FORMAT_KEY.to_vec(), Some(encode(&FORMAT)))];
            trees
                .apply(&format)
                .and_then(|()| trees.flush())
                .map_err(|error| damaged(&error))
        }
        None => Err(StoreError::NotAStore {
            path: path.to_owned(),
            why: "its ledger has no format record".to_owned(),
        }),
    }
}

/// Makes the files and their names durable; sled itself syncs neither the folder nor its parent.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let parent = fs::canonicalize(path)
        .map_err(io_error("finding", path))?
        .parent()
        .map(Path::to_owned);
    let inside = ["conf", DB_FILE, BLOBS].map(|name| path.join(name));
    let all: Vec<PathBuf> = inside
        .into_iter()
        .chain([path.to_owned()])
        .chain(parent)
        .collect();
    for path in &all {
        match File::open(path).and_then(|file| file.sync_all()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error("syncing", path)(error)),
        }
    }
    Ok(())
}

fn index(trees: &Trees) -> Result<Index, StoreError> {
    let mut index = Index::default();
    for item in trees.tree(Kind::Orders) {
        let (key, value) = item.map_err(|error| damaged(&error))?;
        if key.last() == Some(&0) {
            let stored = join_order(trees, &key, &value)?;
            index.change(&stored.order.key, None, &Mark::of(&stored.order));
        }
    }
    Ok(index)
}

fn remember_accounts(trees: &Trees, index: &mut Index) -> Result<(), StoreError> {
    for item in trees.tree(Kind::Meta).scan_prefix(ACCOUNT_PREFIX) {
        let (_, value) = item.map_err(|error| damaged(&error))?;
        let (mch_id, appid): (MchId, AppId) = decode(&value, "account")?;
        index.remember(mch_id, appid);
    }
    Ok(())
}

/// One above the last group; the log has a row of each.
fn next_group(trees: &Trees) -> Result<u64, StoreError> {
    let mut next = 1;
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
