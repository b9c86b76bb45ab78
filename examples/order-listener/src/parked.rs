//! Messages that can never be taken, in a file of their own until somebody has looked.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, ErrorKind, Write},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::ledger::Bad;

/// The file's limit: beyond, messages stay with the broker.
const FILE_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// What is kept of a body.
const BODY_MAX_BYTES: usize = 64 * 1024;

/// One message, and why it was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parked {
    /// RFC 3339.
    pub(crate) at: String,
    pub(crate) code: String,
    pub(crate) reason: String,
    /// The header `x-outbox-id`.
    pub(crate) id: Option<String>,
    /// The body; what is not UTF-8 is replaced.
    pub(crate) body: String,
}

impl Parked {
    pub(crate) fn new(bad: &Bad, id: Option<&str>, body: &[u8]) -> Self {
        use order_store::Clock as _;
        Self {
            at: order_store::SystemClock.now().to_string(),
            code: bad.code().to_owned(),
            reason: bad.to_string(),
            id: id.map(str::to_owned),
            body: String::from_utf8_lossy(&body[..body.len().min(BODY_MAX_BYTES)]).into_owned(),
        }
    }
}

/// The file `parked.jsonl` of a data folder.
#[derive(Clone)]
pub(crate) struct ParkedFile {
    path: PathBuf,
    /// One line at a time.
    turn: Arc<Mutex<()>>,
}

impl ParkedFile {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            path: folder.join("parked.jsonl"),
            turn: Arc::default(),
        }
    }

    /// Adds one; it is synced when this answers.
    pub(crate) async fn add(&self, parked: Parked) -> io::Result<()> {
        let file = self.clone();
        spawn_blocking(move || file.append(&parked)).await?
    }

    fn append(&self, parked: &Parked) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .mode(0o600)
            .open(&self.path)?;
        if file.metadata()?.len() > FILE_MAX_BYTES {
            return Err(io::Error::new(
                ErrorKind::StorageFull,
                format!("{} is full: see to what is in it", self.path.display()),
            ));
        }
        let mut line = Vec::new();
        if has_open_end(&file)? {
            line.push(b'\n');
        }
        serde_json::to_writer(&mut line, parked)?;
        line.push(b'\n');
        file.write_all(&line)?;
        file.sync_all()?;
        // A new file is there after a crash only if its folder says so.
        File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }

    /// All of them, oldest first.
    pub(crate) fn read(&self) -> io::Result<Vec<Parked>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut all = Vec::new();
        for line in BufReader::new(file).split(b'\n') {
            // A crash can leave half a line, and half a letter, of a message that was not acknowledged and comes again.
            match serde_json::from_slice(&line?) {
                Ok(parked) => all.push(parked),
                Err(error) => {
                    tracing::warn!(%error, "a line of the parked messages is passed over");
                }
            }
        }
        Ok(all)
    }

    /// Puts these in place of what is there.
    pub(crate) fn replace(&self, rest: &[Parked]) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = self.path.with_extension("jsonl.new");
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        for parked in rest {
            serde_json::to_writer(&mut file, parked)?;
            file.write_all(b"\n")?;
        }
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }
}

/// Whether a crash, or a disk that was full, left half a line at the end: what is written behind it would be lost with it.
fn has_open_end(file: &File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    Ok(last != [b'\n'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Unreadable;

    #[tokio::test]
    async fn what_was_set_aside_is_read_back_but_for_half_a_line() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = ParkedFile::new(folder.path());
        assert_eq!(file.read().unwrap(), []);
        let bad = Bad::Unreadable(Unreadable::Json("no".to_owned()));
        let one = Parked::new(&bad, Some("id-1"), b"{\xff");
        file.add(one.clone()).await.unwrap();
        file.add(one.clone()).await.unwrap();
        let path = folder.path().join("parked.jsonl");
        let mut half = OpenOptions::new().append(true).open(path).unwrap();
        half.write_all("{\"at\":\"茶".as_bytes().split_last().unwrap().1)
            .unwrap();
        assert_eq!(file.read().unwrap(), [one.clone(), one.clone()]);
        // The message that comes again after the crash stands on a line of its own.
        let two = Parked::new(&bad, Some("id-2"), b"{");
        file.add(two.clone()).await.unwrap();
        assert_eq!(file.read().unwrap(), [one.clone(), one.clone(), two]);
        file.replace(std::slice::from_ref(&one)).unwrap();
        assert_eq!(file.read().unwrap(), [one]);
    }
}
