//! Import, and the check of a text before it.

use serde::Deserialize;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

use super::{
    Dump, DumpSize, RECORDS_MAX, Record,
    text::{DumpError, DumpSummary, Frame, LINE_MAX_BYTES, Progress, Running, VERSION},
};

/// Reads an export into a store of any backend, batch by batch.
///
/// Records that the store has already, as they are, are left alone: an import that was cut off can be run again from the start.
/// The hash is only known to hold when the last line was read; what was loaded until then stays. [`verify`] a file first
/// where that matters.
///
/// # Errors
/// [`DumpError`]; [`StoreError::Conflict`](crate::StoreError::Conflict) when the store has something else, and
/// [`StoreError::Unsound`](crate::StoreError::Unsound) when an order does not follow from its log: each log is replayed.
pub async fn import<R: AsyncBufRead + Unpin + Send>(
    store: &dyn Dump,
    input: &mut R,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<DumpSummary, DumpError> {
    let mut reader = Reader::begin(input).await?;
    let mut batch = Vec::new();
    loop {
        let next = reader.next().await?;
        let is_end = next.is_none();
        batch.extend(next);
        if batch.len() == RECORDS_MAX || (is_end && !batch.is_empty()) {
            store.load(std::mem::take(&mut batch)).await?;
            progress(Progress {
                done: reader.records.total(),
                total: None,
            });
        }
        if is_end {
            return Ok(reader.summary());
        }
    }
}

/// Reads an export to its end and says whether it is whole and unchanged. Nothing is written.
///
/// # Errors
/// [`DumpError`], but for [`DumpError::Store`].
pub async fn verify<R: AsyncBufRead + Unpin + Send>(
    input: &mut R,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<DumpSummary, DumpError> {
    let mut reader = Reader::begin(input).await?;
    while reader.next().await?.is_some() {
        if reader.records.total().is_multiple_of(RECORDS_MAX as u64) {
            progress(Progress {
                done: reader.records.total(),
                total: None,
            });
        }
    }
    Ok(reader.summary())
}

/// Any line behind the first.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Frame(Frame),
    Record(Record),
}

struct Reader<'a, R> {
    input: &'a mut R,
    hash: Running,
    line: u64,
    bytes: Vec<u8>,
    records: DumpSize,
    sha256: String,
}

impl<'a, R: AsyncBufRead + Unpin> Reader<'a, R> {
    /// Reads the first line.
    async fn begin(input: &'a mut R) -> Result<Self, DumpError> {
        let mut reader = Self {
            input,
            hash: Running::new(),
            line: 0,
            bytes: Vec::new(),
            records: DumpSize::default(),
            sha256: String::new(),
        };
        reader.read_line().await?;
        match serde_json::from_slice(&reader.bytes) {
            Ok(Frame::Ledger { version }) if version <= VERSION => {}
            Ok(Frame::Ledger { version: found }) => {
                return Err(DumpError::NewerFormat {
                    found,
                    known: VERSION,
                });
            }
            _ => return Err(reader.wrong("it does not begin a dump")),
        }
        reader.hash.take(&reader.bytes);
        Ok(reader)
    }

    fn wrong(&self, why: impl Into<String>) -> DumpError {
        DumpError::Line {
            line: self.line,
            why: why.into(),
        }
    }

    /// Reads a line with its end. A line that is cut off is none.
    async fn read_line(&mut self) -> Result<(), DumpError> {
        self.bytes.clear();
        let mut limited = (&mut *self.input).take(LINE_MAX_BYTES);
        let read = limited.read_until(b'\n', &mut self.bytes).await?;
        if self.bytes.last() != Some(&b'\n') {
            return if read as u64 == LINE_MAX_BYTES {
                self.line += 1;
                Err(self.wrong(format!("it is longer than {LINE_MAX_BYTES} bytes")))
            } else {
                Err(DumpError::CutOff { lines: self.line })
            };
        }
        self.line += 1;
        Ok(())
    }

    /// The next record; nothing behind the last, which was held against the last line then.
    async fn next(&mut self) -> Result<Option<Record>, DumpError> {
        self.read_line().await?;
        let line = serde_json::from_slice(&self.bytes);
        match line {
            Ok(Line::Record(record)) => {
                self.hash.take(&self.bytes);
                let count = match &record {
                    Record::Order(_) => &mut self.records.orders,
                    Record::Outbox(_) => &mut self.records.outbox,
                    Record::Inbox(_) => &mut self.records.inbox,
                };
                *count += 1;
                Ok(Some(record))
            }
            Ok(Line::Frame(Frame::End { records, sha256 })) => {
                let found = std::mem::replace(&mut self.hash, Running::new()).end();
                if records != self.records.total() || sha256 != found {
                    return Err(DumpError::Changed);
                }
                self.sha256 = found;
                if !self.input.fill_buf().await?.is_empty() {
                    self.line += 1;
                    return Err(self.wrong("it stands behind the end"));
                }
                Ok(None)
            }
            Ok(Line::Frame(Frame::Ledger { .. })) => Err(self.wrong("a second beginning")),
            Err(_) => {
                // An untagged enum does not say why: the record itself does.
                let why = serde_json::from_slice::<Record>(&self.bytes)
                    .err()
                    .map_or_else(|| "no record".to_owned(), |error| error.to_string());
                Err(self.wrong(why))
            }
        }
    }

    fn summary(self) -> DumpSummary {
        DumpSummary {
            records: self.records,
            sha256: self.sha256,
        }
    }
}
