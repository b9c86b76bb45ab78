//! The high-water mark: what was acknowledged at least, in a file of its own beside sled.
//!
//! After each sync of the ledger its head is written here, and synced at most every 100 ms and at close. So the mark is
//! never above what the ledger made durable, and hardly below it: a ledger that opens with less has lost something, which
//! sled itself would not say. Two slots are overwritten in turn, so a torn write leaves the one before. The file never
//! grows, so a full disk does not stop it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use super::{
    fault::{Faults, Step},
    head::{Head, SEALED_BYTES},
};

/// The file's name in the folder.
pub(super) const FILE: &str = "mark";
/// Slots are a page apart, so that no sector has two.
const SLOT_BYTES: usize = 4096;
const SLOTS: u64 = 2;
const _: () = assert!(SEALED_BYTES <= SLOT_BYTES);
/// The longest that a mark waits for its sync while groups go on.
const SYNC_EVERY: Duration = Duration::from_millis(100);

/// The open file.
pub(super) struct Mark {
    file: File,
    synced_at: Instant,
}

impl Mark {
    /// The highest mark in the folder's file; nothing without a file.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] when neither slot is whole.
    pub(super) fn read(folder: &Path) -> io::Result<Option<Head>> {
        let mut bytes = Vec::new();
        match File::open(folder.join(FILE)) {
            Ok(mut file) => file.read_to_end(&mut bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        bytes
            .chunks(SLOT_BYTES)
            .filter_map(|slot| Head::unseal(slot.get(..SEALED_BYTES)?))
            .max_by_key(|head| head.commits)
            .map(Some)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no slot is whole"))
    }

    /// Makes the file with a mark that says "nothing yet", durably but for its name.
    pub(super) fn create(folder: &Path) -> io::Result<()> {
        let mut bytes = vec![0; SLOT_BYTES * 2];
        bytes[..SEALED_BYTES].copy_from_slice(&Head::default().seal());
        let mut file = options()
            .create(true)
            .truncate(true)
            .open(folder.join(FILE))?;
        file.write_all(&bytes)?;
        file.sync_all()
    }

    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            file: options().open(folder.join(FILE))?,
            synced_at: Instant::now(),
        })
    }

    /// Overwrites the older slot.
    pub(super) fn write(&mut self, head: &Head, faults: &Faults) -> io::Result<()> {
        faults.around(Step::MarkWrite, || {
            let slot = SeekFrom::Start(head.commits % SLOTS * SLOT_BYTES as u64);
            self.file.seek(slot)?;
            self.file.write_all(&head.seal())
        })?;
        if self.synced_at.elapsed() >= SYNC_EVERY {
            self.sync(faults)?;
        }
        Ok(())
    }

    pub(super) fn sync(&mut self, faults: &Faults) -> io::Result<()> {
        faults.around(Step::MarkSync, || self.file.sync_data())?;
        self.synced_at = Instant::now();
        Ok(())
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_slot_leaves_the_mark_before_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Mark::read(folder.path()).unwrap(), None);
        Mark::create(folder.path()).unwrap();
        assert_eq!(Mark::read(folder.path()).unwrap(), Some(Head::default()));
        let mut mark = Mark::open(folder.path()).unwrap();
        let head = |commits| Head {
            commits,
            ..Head::default()
        };
        for commits in 1..=5 {
            mark.write(&head(commits), &Faults::default()).unwrap();
            assert_eq!(Mark::read(folder.path()).unwrap(), Some(head(commits)));
        }
        let path = folder.path().join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 2 * SLOT_BYTES);
        bytes[SLOT_BYTES + 3] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(Mark::read(folder.path()).unwrap(), Some(head(4)));
        bytes[3] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let error = Mark::read(folder.path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
