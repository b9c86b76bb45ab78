//! sled's own opening: it can panic over a damaged file, and has no kind of error for a lock that is held.

use std::{
    fs::File,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use ::sled::Db;

use super::{
    folder::{Folder, io_error},
    layout::DB_FILE,
    options::How,
    trees::{Trees, damaged},
};
use crate::StoreError;

const LOCK_PAUSE: Duration = Duration::from_millis(50);

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

pub(super) fn open_trees(folder: &Folder, how: &How) -> Result<(Trees, File), StoreError> {
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
