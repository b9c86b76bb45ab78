//! gzip or not: bytes in, the bytes of a bill out, within limits.

use alloc::boxed::Box;

use super::gunzip::Gunzip;
use super::pending::Pending;

/// How many times larger than its gzip a bill may be, in bytes. A bill shrinks to a tenth or a twentieth; a bomb, to a
/// thousandth.
pub const MAX_GZIP_RATIO: u64 = 200;
/// How many bytes of a bill may come out of a gzip. A row has some 400 bytes, so this is about twenty million rows.
pub const MAX_GZIP_BYTES: u64 = 8 << 30;
/// Up to here the ratio is not looked at, in bytes: short texts may shrink by any factor.
const RATIO_FREE_BYTES: u64 = 1 << 20;
/// The first byte of a gzip. No bill and no XML begins with it.
const GZIP_FIRST_BYTE: u8 = 0x1F;

/// Undoes the gzip of a bill, if there is one, step by step.
#[derive(Debug)]
pub(super) struct Unpack {
    mode: Mode,
    bytes_in: u64,
    bytes_out: u64,
}

#[derive(Debug)]
enum Mode {
    Unknown,
    Plain,
    Gzip(Box<Gunzip>),
}

impl Unpack {
    pub(super) const fn new() -> Self {
        Self {
            mode: Mode::Unknown,
            bytes_in: 0,
            bytes_out: 0,
        }
    }

    /// Whether the bytes of which `piece` is the next part are no gzip. Of no bytes nothing is known, and there is nothing to
    /// undo.
    pub(super) fn is_plain(&mut self, piece: &[u8]) -> bool {
        if let (Mode::Unknown, Some(first)) = (&self.mode, piece.first()) {
            self.mode = if *first == GZIP_FIRST_BYTE {
                Mode::Gzip(Box::new(Gunzip::new()))
            } else {
                Mode::Plain
            };
        }
        !matches!(self.mode, Mode::Gzip(_))
    }

    /// Whether [`Unpack::step`] without input could bring more.
    pub(super) fn has_more(&self) -> bool {
        matches!(&self.mode, Mode::Gzip(gunzip) if gunzip.has_more())
    }

    /// Reads some of `input`, which is gzip; what comes out of one step has bounded size. How many bytes were read.
    pub(super) fn step(&mut self, input: &[u8], output: &mut Pending) -> Result<usize, GzipError> {
        let Mode::Gzip(gunzip) = &mut self.mode else {
            return Ok(0);
        };
        let (taken, made) = gunzip.step(input, output)?;
        self.bytes_in += taken as u64;
        self.bytes_out += made as u64;
        within_limits(self.bytes_in, self.bytes_out)?;
        Ok(taken)
    }

    /// Whether all ended where it may end.
    pub(super) fn end(&self) -> Result<(), GzipError> {
        match &self.mode {
            Mode::Gzip(gunzip) if !gunzip.is_whole() => Err(GzipError::Cut),
            _ => Ok(()),
        }
    }
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
