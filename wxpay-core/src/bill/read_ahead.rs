//! A bill read on two threads: one undoes the gzip while the other reads the rows.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::vec::Vec;

use super::pending::Pending;
use super::unpack::Unpack;
use super::{BillError, BillKind, BillReader, Row, Summary};

/// How many buffers go to and fro between the threads. The thread fills one while the rows of the other are read.
const BUFFERS: usize = 2;
/// What is read from the source at once, in bytes.
const READ_BYTES: usize = 64 * 1024;

/// Reads a bill, as gzip or plain, from a file or another blocking source. A thread of its own undoes the gzip, two buffers
/// ahead at most, so the memory stays as bounded as that of [`GzipBill`](super::GzipBill).
///
/// It costs a thread, and more CPU time than `GzipBill`, which it beats by the clock where a second core is free. Dropping it
/// ends the thread, and waits for a read of the source that is under way. Not for an async runtime: every call may block.
///
/// ```
/// use wxpay_core::bill::{BillKind, ReadAhead, ReadAheadError, Trade};
///
/// let bill: &[u8] = "交易时间,公众账号ID,商户号\r\n`2026-01-02 03:04:05,`wx8888888888888888,`1900000109\r\n总交易单数\r\n`1\r\n".as_bytes();
/// let mut bill = ReadAhead::new(bill)?;
/// while let Some(row) = bill.next_row()? {
///     assert_eq!(row.get("商户号"), Some("1900000109"));
/// }
/// assert_eq!(bill.finish()?.kind(), BillKind::Success);
/// # Ok::<(), ReadAheadError>(())
/// ```
#[derive(Debug)]
pub struct ReadAhead {
    reader: BillReader,
    worker: Worker,
    /// What the source said when it failed.
    failed: Option<io::ErrorKind>,
}

/// Why a bill could not be read from its source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadAheadError {
    /// The source could not be read, or there was no thread to be had.
    #[error("the bill's source failed: {0}")]
    Source(#[from] io::Error),
    /// What the source holds is no bill.
    #[error(transparent)]
    Bill(#[from] BillError),
}

impl ReadAhead {
    /// Begins to read.
    ///
    /// # Errors
    /// [`ReadAheadError::Source`] when the system has no thread to give.
    pub fn new(source: impl Read + Send + 'static) -> Result<Self, ReadAheadError> {
        Ok(Self {
            reader: BillReader::new(),
            worker: Worker::start(source)?,
            failed: None,
        })
    }

    /// The next row, or nothing at the bill's end.
    ///
    /// # Errors
    /// [`ReadAheadError::Bill`], as [`GzipBill::next_row`](super::GzipBill::next_row) has it; [`ReadAheadError::Source`] when the
    /// source failed.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, ReadAheadError> {
        if let Some(kind) = self.failed {
            return Err(io::Error::from(kind).into());
        }
        while !self.reader.advance()? {
            match self.worker.next_piece() {
                None => return Ok(None),
                Some(Ok(piece)) => {
                    self.reader.push(&piece)?;
                    self.worker.give_back(piece);
                }
                Some(Err(ReadAheadError::Bill(error))) => {
                    self.reader.fail(error.clone());
                    return Err(error.into());
                }
                Some(Err(ReadAheadError::Source(error))) => {
                    self.failed = Some(error.kind());
                    return Err(error.into());
                }
            }
        }
        Ok(Some(self.reader.current()?))
    }

    /// The kind of bill, once its header was read.
    #[must_use]
    pub const fn kind(&self) -> Option<BillKind> {
        self.reader.kind()
    }

    /// Holds the summary against the rows.
    ///
    /// # Errors
    /// All that [`BillReader::finish`] and [`ReadAhead::next_row`] have; [`BillError::NotDrained`] when rows are left.
    pub fn finish(mut self) -> Result<Summary, ReadAheadError> {
        if self.next_row()?.is_some() {
            return Err(BillError::NotDrained {
                max_bytes: super::MAX_PENDING_BYTES,
            }
            .into());
        }
        Ok(self.reader.finish()?)
    }
}

/// The thread, and the way to it and back.
#[derive(Debug)]
struct Worker {
    /// Closed to end the thread.
    channels: Option<Channels>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Channels {
    full: Receiver<Result<Vec<u8>, ReadAheadError>>,
    empty: SyncSender<Vec<u8>>,
}

impl Worker {
    fn start(source: impl Read + Send + 'static) -> io::Result<Self> {
        let (to_reader, full) = sync_channel(BUFFERS);
        let (empty, from_reader) = sync_channel(BUFFERS);
        for _ in 0..BUFFERS {
            // There is room for as many, and the other end is here.
            let _ = empty.send(Vec::new());
        }
        let thread = Builder::new().name("bill-unpack".into()).spawn(move || {
            if let Err(error) = unpack(source, &from_reader, &to_reader) {
                // Nobody waits for it when the reader is gone.
                let _ = to_reader.send(Err(error));
            }
        })?;
        Ok(Self {
            channels: Some(Channels { full, empty }),
            thread: Some(thread),
        })
    }

    /// What was unpacked next; nothing at the source's end.
    fn next_piece(&mut self) -> Option<Result<Vec<u8>, ReadAheadError>> {
        let piece = self.channels.as_ref()?.full.recv();
        if piece.is_err() {
            self.end();
        }
        piece.ok()
    }

    fn give_back(&self, piece: Vec<u8>) {
        if let Some(channels) = &self.channels {
            // At the source's end nobody needs it.
            let _ = channels.empty.send(piece);
        }
    }

    fn end(&mut self) {
        self.channels = None;
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            // The source's own panic: an end that came this way must not pass for one.
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

/// Unpacks the whole source, a buffer at a time. It ends early, and well, when the reader is gone.
fn unpack(
    mut source: impl Read,
    empty: &Receiver<Vec<u8>>,
    full: &SyncSender<Result<Vec<u8>, ReadAheadError>>,
) -> Result<(), ReadAheadError> {
    let mut unpack = Unpack::new();
    let mut input = std::vec![0; READ_BYTES];
    let mut output = Pending::new();
    loop {
        let got = match source.read(&mut input) {
            Ok(0) => return Ok(unpack.end().map_err(BillError::from)?),
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        let mut input = &input[..got];
        while !input.is_empty() || unpack.has_more() {
            if unpack.is_plain(input) {
                output.push(input)?;
                input = &[];
            } else {
                let taken = unpack.step(input, &mut output).map_err(BillError::from)?;
                input = &input[taken..];
            }
            let Ok(mut buffer) = empty.recv() else {
                return Ok(());
            };
            buffer.clear();
            buffer.extend_from_slice(output.unread());
            output.skip(buffer.len());
            if full.send(Ok(buffer)).is_err() {
                return Ok(());
            }
        }
    }
}
