//! gzip undone in bounded steps: RFC 1952, one member or several.

use core::fmt;

use crc32fast::Hasher;
use miniz_oxide::inflate::TINFLStatus as Status;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use super::GzipError;
use super::pending::Pending;

/// The least room for what comes out of one step, in bytes.
const STEP_BYTES: usize = 64 * 1024;
/// How far back what comes out may point into what came out before, in bytes.
const WINDOW_BYTES: usize = 32 * 1024;
/// What comes out goes right to where it is read: the buffer is the window.
const FLAGS: u32 = inflate_flags::TINFL_FLAG_HAS_MORE_INPUT
    | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
    | inflate_flags::TINFL_FLAG_IGNORE_ADLER32;
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
pub(super) struct Gunzip {
    place: Place,
    /// What the header says is still to come before the body.
    flags: u8,
    trailer: [u8; TRAILER_BYTES],
    inflate: DecompressorOxide,
    /// So many bytes of the member may be pointed at.
    window: usize,
    crc: Hasher,
    /// The length of what came out of the member, modulo 2^32.
    length: u32,
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
            inflate: DecompressorOxide::new(),
            window: 0,
            crc: Hasher::new(),
            length: 0,
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

    /// Reads some of `input` and puts what comes out behind `output`. How many bytes were read, and how many came out.
    pub(super) fn step(
        &mut self,
        input: &[u8],
        output: &mut Pending,
    ) -> Result<(usize, usize), GzipError> {
        let mut read = 0;
        while !matches!(self.place, Place::Body) {
            let Some(byte) = input.get(read) else {
                return Ok((read, 0));
            };
            self.frame(*byte)?;
            read += 1;
        }
        let input = &input[read..];
        let room = output.room(self.window, STEP_BYTES);
        let (status, taken, made) = decompress(&mut self.inflate, input, room, self.window, FLAGS);
        let made_bytes = &room[self.window..self.window + made];
        self.crc.update(made_bytes);
        // Modulo 2^32, as the trailer has it.
        #[allow(clippy::cast_possible_truncation)]
        {
            self.length = self.length.wrapping_add(made as u32);
        }
        output.came(made);
        self.window = WINDOW_BYTES.min(self.window + made);
        self.full = false;
        match status {
            Status::Done => self.place = Place::Trailer(0),
            Status::HasMoreOutput => self.full = true,
            // With input there is progress, or there never will be.
            Status::NeedsMoreInput if taken + made > 0 || input.is_empty() => {}
            _ => return Err(GzipError::Broken),
        }
        Ok((read + taken, made))
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
        let crc = core::mem::take(&mut self.crc).finalize();
        counted[..4].copy_from_slice(&crc.to_le_bytes());
        counted[4..].copy_from_slice(&self.length.to_le_bytes());
        if counted != self.trailer {
            return Err(GzipError::Broken);
        }
        self.inflate.init();
        self.window = 0;
        self.length = 0;
        self.members += 1;
        Ok(())
    }
}

impl fmt::Debug for Gunzip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gunzip")
            .field("place", &self.place)
            .field("members", &self.members)
            .finish_non_exhaustive()
    }
}
