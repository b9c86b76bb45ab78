//! The folder: whose it is, who has it, what may be in it, and what is synced when it is made.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{
    layout::{
        ASIDE, ASIDE_NEW, BLOBS, CLEAN_FILE, CLEAN_NEW_FILE, COMPACT_NEW, COMPACT_READY, CONF_FILE,
        DB_FILE, LOCK_FILE, SNAPSHOT_PREFIX,
    },
    mark, ring,
};
use crate::StoreError;

const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// A folder that this process has for itself until this is dropped.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    _lock: File,
}

pub(super) fn io_error(what: &str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let what = format!("{what} {}", path.display());
    move |error| StoreError::Io { what, error }
}

/// Whether the file or folder is there.
pub(super) fn exists(path: &Path) -> Result<bool, StoreError> {
    path.try_exists().map_err(io_error("looking for", path))
}

impl Folder {
    /// Makes the folder, or makes sure that it is one of ours, and locks it; waits so long for a lock.
    pub(super) fn take(path: &Path, patience: Duration) -> Result<Self, StoreError> {
        make(path)?;
        refuse_strangers(path)?;
        let lock = lock(path, patience)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Whether a ledger is in it.
    pub(super) fn has_ledger(&self) -> Result<bool, StoreError> {
        exists(&self.path.join(DB_FILE))
    }

    /// sled puts values that are too large into files that it never syncs. There are none of ours.
    pub(super) fn refuse_blobs(&self) -> Result<(), StoreError> {
        let blobs = self.path.join(BLOBS);
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

    /// Lets nobody but the owner at what sled makes.
    #[cfg(unix)]
    pub(super) fn close_to_others(&self) -> Result<(), StoreError> {
        use std::os::unix::fs::PermissionsExt as _;
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode))
                .map_err(io_error("setting the mode of", path))
        };
        for entry in fs::read_dir(&self.path).map_err(io_error("reading", &self.path))? {
            let path = entry.map_err(io_error("reading", &self.path))?.path();
            if path.is_file() {
                set(&path, 0o600)?;
            }
        }
        set(&self.path.join(BLOBS), 0o700)
    }

    #[cfg(not(unix))]
    pub(super) fn close_to_others(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Makes the files and their names durable; sled itself syncs neither the folder nor its parent.
    pub(super) fn sync_all(&self) -> Result<(), StoreError> {
        for name in [CONF_FILE, DB_FILE, BLOBS] {
            sync_path(&self.path.join(name))?;
        }
        sync_path(&self.path)?;
        let path = fs::canonicalize(&self.path).map_err(io_error("finding", &self.path))?;
        path.parent().map_or(Ok(()), sync_path)
    }

    /// Makes the names in the folder durable.
    pub(super) fn sync_names(&self) -> Result<(), StoreError> {
        sync_path(&self.path)
    }

    /// The length of sled's file.
    pub(super) fn db_bytes(&self) -> Result<u64, StoreError> {
        let db = self.path.join(DB_FILE);
        let found = fs::metadata(&db).map_err(io_error("looking at", &db))?;
        Ok(found.len())
    }
}

fn make(path: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(io_error("making", path))
}

/// A folder with files that are not ours, and no ledger, is somebody else's.
fn refuse_strangers(path: &Path) -> Result<(), StoreError> {
    let ours = [
        LOCK_FILE,
        mark::FILE,
        ring::FILE,
        CLEAN_FILE,
        CLEAN_NEW_FILE,
        ASIDE,
        ASIDE_NEW,
        COMPACT_NEW,
        COMPACT_READY,
    ];
    if exists(&path.join(DB_FILE))? || exists(&path.join(CONF_FILE))? {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(io_error("reading", path))? {
        let name = entry.map_err(io_error("reading", path))?.file_name();
        if !ours.iter().any(|known| name == *known) {
            return Err(StoreError::NotAStore {
                path: path.to_owned(),
                why: format!("it holds {} and no ledger", name.display()),
            });
        }
    }
    Ok(())
}

fn lock(path: &Path, patience: Duration) -> Result<File, StoreError> {
    let file = path.join(LOCK_FILE);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = options.open(&file).map_err(io_error("opening", &file))?;
    let deadline = Instant::now() + patience;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked {
                    path: path.to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(io_error("locking", &file)(error)),
        }
    }
}

/// Syncs a file or a folder, if there is one.
pub(super) fn sync_path(path: &Path) -> Result<(), StoreError> {
    match File::open(path).and_then(|file| file.sync_all()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io_error("syncing", path)(error))
        }
        _ => Ok(()),
    }
}

/// sled's own files in a folder, and the mark: what a ledger is made of.
pub(super) fn ledger_files(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(io_error("reading", path))? {
        let entry = entry.map_err(io_error("reading", path))?;
        let name = entry.file_name();
        let ours = [DB_FILE, CONF_FILE, mark::FILE]
            .iter()
            .any(|known| name == *known)
            || name.to_string_lossy().starts_with(SNAPSHOT_PREFIX);
        if ours {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
