//! Refused notifies: a file of slots that are overwritten in turn, outside the ledger and never synced, so that a flood of
//! forged notifies costs no sync and no space. A slot that a crash tore is left out.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use crate::{NotifyHead, REFUSED_MAX_BYTES, REFUSED_MAX_COUNT, hash::fnv1a};

/// The file's name in the folder.
pub(super) const FILE: &str = "refused.ring";
/// How many are kept.
pub(super) const SLOTS: u64 = REFUSED_MAX_COUNT;
/// Room for a head and a body.
pub(super) const SLOT_BYTES: usize = 1024 + REFUSED_MAX_BYTES + FRONT_BYTES;
/// Number, length of the head, length of the body, hash of all these and of head and body.
const FRONT_BYTES: usize = 8 + 4 + 4 + 8;

/// The ring.
pub(super) struct Ring {
    file: File,
    next: u64,
}

impl Ring {
    /// Opens the ring in this folder, or makes one, readable by its owner alone.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut ring = Self {
            file: options.open(folder.join(FILE))?,
            next: 1,
        };
        for slot in 0..SLOTS {
            if let Some((n, ..)) = ring.read(slot)? {
                ring.next = ring.next.max(n + 1);
            }
        }
        Ok(ring)
    }

    /// Overwrites the oldest slot; gives the notify's number.
    pub(super) fn push(&mut self, head: &NotifyHead, body: &[u8]) -> io::Result<u64> {
        let n = self.next;
        let head = serde_json::to_vec(head)?;
        let mut slot = vec![0; SLOT_BYTES];
        let used = FRONT_BYTES + head.len() + body.len();
        if used > SLOT_BYTES {
            return Err(io::Error::other("a refused notify fits no slot"));
        }
        let lengths = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
        slot[..8].copy_from_slice(&n.to_be_bytes());
        slot[8..12].copy_from_slice(&lengths(&head));
        slot[12..16].copy_from_slice(&lengths(body));
        let hash = fnv1a([&slot[..16], &head, body]);
        slot[16..24].copy_from_slice(&hash.to_be_bytes());
        slot[FRONT_BYTES..FRONT_BYTES + head.len()].copy_from_slice(&head);
        slot[FRONT_BYTES + head.len()..used].copy_from_slice(body);
        self.file
            .seek(SeekFrom::Start((n % SLOTS) * SLOT_BYTES as u64))?;
        self.file.write_all(&slot)?;
        self.next += 1;
        Ok(n)
    }

    /// The number of the next one.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The `n`-th refused notify; nothing when there is none, or no more.
    pub(super) fn get(&mut self, n: u64) -> io::Result<Option<(NotifyHead, Vec<u8>)>> {
        Ok(self
            .read(n % SLOTS)?
            .filter(|(found, ..)| *found == n)
            .map(|(_, head, body)| (head, body)))
    }

    fn read(&mut self, slot: u64) -> io::Result<Option<(u64, NotifyHead, Vec<u8>)>> {
        self.file.seek(SeekFrom::Start(slot * SLOT_BYTES as u64))?;
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        (&self.file)
            .take(SLOT_BYTES as u64)
            .read_to_end(&mut bytes)?;
        Ok(parse(&bytes))
    }
}

fn parse(slot: &[u8]) -> Option<(u64, NotifyHead, Vec<u8>)> {
    let number = |at: usize| {
        let bytes = slot.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    };
    let n = u64::from_be_bytes(slot.get(..8)?.try_into().ok()?);
    let (head_bytes, body_bytes) = (number(8)?, number(12)?);
    let hash = u64::from_be_bytes(slot.get(16..24)?.try_into().ok()?);
    let (head, rest) = slot.get(FRONT_BYTES..)?.split_at_checked(head_bytes)?;
    let body = rest.get(..body_bytes)?;
    if n == 0 || fnv1a([&slot[..16], head, body]) != hash {
        return None;
    }
    Some((n, serde_json::from_slice(head).ok()?, body.to_vec()))
}
