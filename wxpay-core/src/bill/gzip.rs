//! Bills that come as gzip: `tar_type=GZIP`.

use alloc::{boxed::Box, vec::Vec};

use super::gunzip::Gunzip;
use super::{BillError, BillKind, BillReader, MAX_PENDING_BYTES, Row, Summary};

/// How many times larger than its gzip a bill may be, in bytes. A bill shrinks to a tenth or a twentieth; a bomb, to a
/// thousandth.
pub const MAX_GZIP_RATIO: u64 = 200;
/// How many bytes of a bill may come out of a gzip. A row has some 400 bytes, so this is about twenty million rows.
pub const MAX_GZIP_BYTES: u64 = 8 << 30;
/// Up to here the ratio is not looked at, in bytes: short texts may shrink by any factor.
const RATIO_FREE_BYTES: u64 = 1 << 20;
/// The first byte of a gzip. No bill and no XML begins with it.
const GZIP_FIRST_BYTE: u8 = 0x1F;

/// A [`BillReader`] for bytes that are gzip, which is undone piece by piece as rows are taken out, so that a bomb costs
/// neither memory nor time.
///
/// It takes plain bytes too: a refusal comes as plain XML whatever was asked for, and some HTTP clients undo the gzip on
/// their own.
#[derive(Debug)]
pub struct GzipBill {
    reader: BillReader,
    mode: Mode,
    pending: Vec<u8>,
    taken: usize,
    bytes_in: u64,
    bytes_out: u64,
    failed: Option<GzipError>,
}

#[derive(Debug)]
enum Mode {
    Unknown,
    Plain,
    Gzip(Box<Gunzip>),
}

/// Why bytes are not the gzip of a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GzipError {
    /// The bytes are no gzip, or the checksum at their end does not hold.
    #[error("the gzip is broken")]
    Broken,
    /// The bytes end in the middle.
    #[error("the gzip is cut off")]
    Cut,
    /// More than [`MAX_GZIP_RATIO`] bytes came out for each that went in.
    #[error("the gzip grows more than {max_ratio} times")]
    GrowsTooFar {
        /// The most bytes for each.
        max_ratio: u64,
    },
    /// More than [`MAX_GZIP_BYTES`] came out.
    #[error("the gzip holds more than {max_bytes} bytes")]
    TooLarge {
        /// The most bytes.
        max_bytes: u64,
    },
}

impl GzipBill {
    /// A reader for a bill of any kind.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            reader: BillReader::new(),
            mode: Mode::Unknown,
            pending: Vec::new(),
            taken: 0,
            bytes_in: 0,
            bytes_out: 0,
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
        if matches!(self.mode, Mode::Unknown) {
            match piece.first() {
                None => return Ok(()),
                Some(&GZIP_FIRST_BYTE) => {
                    self.mode = Mode::Gzip(Box::new(Gunzip::new()));
                }
                Some(_) => self.mode = Mode::Plain,
            }
        }
        if matches!(self.mode, Mode::Plain) {
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
        if matches!(&self.mode, Mode::Gzip(gunzip) if !gunzip.is_whole()) {
            return Err(GzipError::Cut.into());
        }
        self.reader.finish()
    }

    fn health(&self) -> Result<(), BillError> {
        self.failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Undoes some of the gzip: what comes out of one step has bounded size. Whether there was anything to do.
    fn inflate(&mut self) -> Result<bool, BillError> {
        let Mode::Gzip(gunzip) = &mut self.mode else {
            return Ok(false);
        };
        let input = &self.pending[self.taken..];
        if input.is_empty() && !gunzip.has_more() {
            return Ok(false);
        }
        let output = self.reader.pending();
        let stepped = gunzip.step(input, output).and_then(|(taken, made)| {
            self.taken += taken;
            self.bytes_in += taken as u64;
            self.bytes_out += made as u64;
            within_limits(self.bytes_in, self.bytes_out)
        });
        if let Err(error) = stepped {
            self.failed = Some(error);
            return Err(error.into());
        }
        Ok(true)
    }
}

impl Default for GzipBill {
    fn default() -> Self {
        Self::new()
    }
}

const fn within_limits(bytes_in: u64, bytes_out: u64) -> Result<(), GzipError> {
    if bytes_out > MAX_GZIP_BYTES {
        return Err(GzipError::TooLarge {
            max_bytes: MAX_GZIP_BYTES,
        });
    }
    if bytes_out > RATIO_FREE_BYTES && bytes_out / MAX_GZIP_RATIO > bytes_in {
        return Err(GzipError::GrowsTooFar {
            max_ratio: MAX_GZIP_RATIO,
        });
    }
    Ok(())
}
