//! gzip undone in bounded steps: RFC 1952, one member or several.

use alloc::vec::Vec;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::GzipError;

/// The least room for what comes out of one step, in bytes.
const STEP_BYTES: usize = 64 * 1024;
const FIXED_BYTES: usize = 10;
const TRAILER_BYTES: usize = 8;
const MAGIC_AND_METHOD: [u8; 3] = [0x1F, 0x8B, 8];
const HAS_HEADER_CRC: u8 = 1 << 1;
const HAS_EXTRA: u8 = 1 << 2;
const HAS_NAME: u8 = 1 << 3;
const HAS_COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// Where in a member the next byte belongs.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// The fixed header; so many of its bytes came.
    Fixed(usize),
    /// The length of the extra field; so many of its bytes came.
    ExtraLength(u8, u16),
    /// So many bytes of the extra field are left.
    Extra(u16),
    /// A name or comment, up to a NUL.
    Text,
    /// So many bytes of the header's checksum are left.
    HeaderCrc(u8),
    Body,
    /// The checksum and the length; so many of their bytes came.
    Trailer(usize),
}

/// Undoes gzip, a step at a time.
#[derive(Debug)]
pub(super) struct Gunzip {
    place: Place,
    /// What the header says is still to come before the body.
    flags: u8,
    trailer: [u8; TRAILER_BYTES],
    inflate: Decompress,
    crc: Crc,
    /// The last step ended for want of room, so there may be more to come out.
    full: bool,
    members: u64,
}

impl Gunzip {
    pub(super) fn new() -> Self {
        Self {
            place: Place::Fixed(0),
            flags: 0,
            trailer: [0; TRAILER_BYTES],
            inflate: Decompress::new(false),
            crc: Crc::new(),
            full: false,
            members: 0,
        }
    }

    /// Whether a step without input could bring more.
    pub(super) const fn has_more(&self) -> bool {
        self.full
    }

    /// Whether the bytes so far are one whole member or several.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.place, Place::Fixed(0)) && self.members > 0
    }

    /// Reads some of `input` and puts what comes out behind `output`. How many bytes of the input were read.
    pub(super) fn step(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<usize, GzipError> {
        let mut read = 0;
        while !matches!(self.place, Place::Body) {
            let Some(byte) = input.get(read) else {
                return Ok(read);
            };
            self.frame(*byte)?;
            read += 1;
        }
        output.reserve(STEP_BYTES);
        let before = output.len();
        let total = self.inflate.total_in();
        let status = self
            .inflate
            .decompress_vec(&input[read..], output, FlushDecompress::None)
            .map_err(|_| GzipError::Broken)?;
        self.crc.update(&output[before..]);
        let taken = usize::try_from(self.inflate.total_in() - total).unwrap_or(usize::MAX);
        // With room and input there is progress, or there never will be.
        let stuck = taken == 0 && output.len() == before && read < input.len();
        if stuck && status != Status::StreamEnd {
            return Err(GzipError::Broken);
        }
        self.full = status != Status::StreamEnd && output.len() == output.capacity();
        if status == Status::StreamEnd {
            self.place = Place::Trailer(0);
        }
        Ok(read + taken)
    }

    /// Reads one byte in front of a body or behind it.
    fn frame(&mut self, byte: u8) -> Result<(), GzipError> {
        self.place = match self.place {
            Place::Fixed(at) => {
                let good = match at {
                    0..3 => byte == MAGIC_AND_METHOD[at],
                    3 => {
                        self.flags = byte;
                        byte & RESERVED == 0
                    }
                    _ => true,
                };
                if !good {
                    return Err(GzipError::Broken);
                }
                if at + 1 < FIXED_BYTES {
                    Place::Fixed(at + 1)
                } else {
                    self.after_header_part()
                }
            }
            Place::ExtraLength(0, _) => Place::ExtraLength(1, byte.into()),
            Place::ExtraLength(_, low) => match low | u16::from(byte) << 8 {
                0 => self.after_header_part(),
                length => Place::Extra(length),
            },
            Place::Extra(left @ 2..) => Place::Extra(left - 1),
            Place::Text if byte != 0 => Place::Text,
            Place::HeaderCrc(left @ 2..) => Place::HeaderCrc(left - 1),
            Place::Extra(_) | Place::Text | Place::HeaderCrc(_) => self.after_header_part(),
            Place::Body => Place::Body,
            Place::Trailer(at) => {
                self.trailer[at] = byte;
                if at + 1 < TRAILER_BYTES {
                    Place::Trailer(at + 1)
                } else {
                    self.end_member()?;
                    Place::Fixed(0)
                }
            }
        };
        Ok(())
    }

    fn after_header_part(&mut self) -> Place {
        let mut take = |flag: u8| {
            let has = self.flags & flag != 0;
            self.flags &= !flag;
            has
        };
        if take(HAS_EXTRA) {
            Place::ExtraLength(0, 0)
        } else if take(HAS_NAME) || take(HAS_COMMENT) {
            Place::Text
        } else if take(HAS_HEADER_CRC) {
            Place::HeaderCrc(2)
        } else {
            Place::Body
        }
    }

    fn end_member(&mut self) -> Result<(), GzipError> {
        let mut counted = [0; TRAILER_BYTES];
        counted[..4].copy_from_slice(&self.crc.sum().to_le_bytes());
        counted[4..].copy_from_slice(&self.crc.amount().to_le_bytes());
        if counted != self.trailer {
            return Err(GzipError::Broken);
        }
        self.inflate.reset(false);
        self.crc.reset();
        self.members += 1;
        Ok(())
    }
}
