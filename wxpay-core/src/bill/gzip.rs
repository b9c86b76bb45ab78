//! Bills that come as gzip: `tar_type=GZIP`.

use alloc::vec::Vec;

use super::unpack::Unpack;
use super::{BillError, BillKind, BillReader, GzipError, MAX_PENDING_BYTES, Row, Summary};

/// A [`BillReader`] for bytes that are gzip, which is undone piece by piece as rows are taken out, so that a bomb costs
/// neither memory nor time.
///
/// It takes plain bytes too: a refusal comes as plain XML whatever was asked for, and some HTTP clients undo the gzip on
/// their own.
#[derive(Debug)]
pub struct GzipBill {
    reader: BillReader,
    unpack: Unpack,
    pending: Vec<u8>,
    taken: usize,
    failed: Option<GzipError>,
}

impl GzipBill {
    /// A reader for a bill of any kind.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            reader: BillReader::new(),
            unpack: Unpack::new(),
            pending: Vec::new(),
            taken: 0,
            failed: None,
        }
    }

    /// Takes the next piece, as [`BillReader::push`] does.
    ///
    /// # Errors
    /// [`BillError::NotDrained`] when more than [`MAX_PENDING_BYTES`] would have to be kept; nothing of the piece is taken.
    /// Any error that there was before.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), BillError> {
        self.health()?;
        if self.unpack.is_plain(piece) {
            return self.reader.push(piece);
        }
        self.pending.drain(..self.taken);
        self.taken = 0;
        if self.pending.len() + piece.len() > MAX_PENDING_BYTES {
            return Err(BillError::NotDrained {
                max_bytes: MAX_PENDING_BYTES,
            });
        }
        self.pending.extend_from_slice(piece);
        Ok(())
    }

    /// The next row, or nothing when more must be pushed first.
    ///
    /// # Errors
    /// [`BillError`], with the line; [`BillError::Gzip`] when the gzip is at fault.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, BillError> {
        self.health()?;
        while !self.reader.advance()? {
            if !self.inflate()? {
                return Ok(None);
            }
        }
        self.reader.current().map(Some)
    }

    /// The kind of bill, once its header was read.
    #[must_use]
    pub const fn kind(&self) -> Option<BillKind> {
        self.reader.kind()
    }

    /// Says that the last piece was pushed: the gzip's checksum and the bill's sums are looked at.
    ///
    /// # Errors
    /// [`BillError::Gzip`], and all that [`BillReader::finish`] has.
    pub fn finish(mut self) -> Result<Summary, BillError> {
        if self.next_row()?.is_some() {
            return Err(BillError::NotDrained {
                max_bytes: MAX_PENDING_BYTES,
            });
        }
        self.unpack.end()?;
        self.reader.finish()
    }

    fn health(&self) -> Result<(), BillError> {
        self.failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Undoes some of the gzip. Whether there was anything to do.
    fn inflate(&mut self) -> Result<bool, BillError> {
        let input = &self.pending[self.taken..];
        if input.is_empty() && !self.unpack.has_more() {
            return Ok(false);
        }
        match self.unpack.step(input, self.reader.pending()) {
            Ok(taken) => {
                self.taken += taken;
                Ok(true)
            }
            Err(error) => {
                self.failed = Some(error);
                Err(error.into())
            }
        }
    }
}

impl Default for GzipBill {
    fn default() -> Self {
        Self::new()
    }
}
