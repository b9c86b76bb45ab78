//! Where a frame ends. Both codecs stand on this: it enforces the limits before anything is
//! parsed or copied, and looks at each byte once however small the pieces are that it comes in.

use super::{FrameError, Limits};

/// Longest command line: "UNSUBSCRIBE" and CR LF, with room.
const MAX_COMMAND_BYTES: usize = 24;

/// What lies at the start of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// Not yet a whole frame: call again with the same bytes and more.
    NeedMore,
    /// Line ends between frames, the protocol's heart-beat: drop so many bytes.
    LineEnds(usize),
    /// A whole frame.
    Frame {
        /// Its length with the closing NUL.
        len: usize,
        /// Where its body begins.
        body_start: usize,
    },
}

/// Finds the end of the frame at the start of a growing buffer.
#[derive(Debug)]
pub struct Scanner {
    limits: Limits,
    /// Bytes of the current frame that were looked at.
    seen: usize,
    /// Lines of the head that ended.
    lines: usize,
    content_length: Option<usize>,
    body_start: Option<usize>,
}

impl Scanner {
    /// A scanner with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            seen: 0,
            lines: 0,
            content_length: None,
            body_start: None,
        }
    }

    /// Looks at `buffer`, which begins with the bytes of the last call if that gave
    /// [`Scan::NeedMore`], and anew otherwise.
    ///
    /// # Errors
    /// [`FrameError`] when the bytes cannot become a frame within the limits.
    pub fn scan(&mut self, buffer: &[u8]) -> Result<Scan, FrameError> {
        if self.seen == 0 {
            let ends = leading_line_ends(buffer);
            if ends > 0 {
                return Ok(Scan::LineEnds(ends));
            }
        }
        // What lies beyond the limit is not looked at, so that a frame has the same error whether it
        // comes in one piece or in many.
        let within = &buffer[..buffer.len().min(self.limits.max_frame_bytes)];
        let body_start = match self.body_start {
            Some(at) => at,
            None => match self.scan_head(within)? {
                Some(at) => at,
                None => return self.need_more(buffer),
            },
        };
        let Some(nul) = self.find_nul(within, body_start)? else {
            return self.need_more(buffer);
        };
        let len = nul + 1;
        self.check_size(len)?;
        self.restart();
        Ok(Scan::Frame { len, body_start })
    }

    /// The frame that it looks at was taken without it.
    pub(crate) fn restart(&mut self) {
        *self = Self::new(self.limits);
    }

    fn need_more(&self, buffer: &[u8]) -> Result<Scan, FrameError> {
        self.check_size(buffer.len())?;
        Ok(Scan::NeedMore)
    }

    fn check_size(&self, bytes: usize) -> Result<(), FrameError> {
        let max_frame_bytes = self.limits.max_frame_bytes;
        if bytes > max_frame_bytes {
            return Err(FrameError::FrameTooLarge { max_frame_bytes });
        }
        Ok(())
    }

    fn scan_head(&mut self, buffer: &[u8]) -> Result<Option<usize>, FrameError> {
        loop {
            let rest = &buffer[self.seen..];
            let end = rest.iter().position(|&b| b == b'\n');
            let line = &rest[..end.unwrap_or(rest.len())];
            self.check_line(line)?;
            let Some(end) = end else { return Ok(None) };
            self.seen += end + 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() && self.lines > 0 {
                self.body_start = Some(self.seen);
                return Ok(self.body_start);
            }
            if let Some(value) = line.strip_prefix(b"content-length:")
                && self.content_length.is_none()
            {
                self.content_length = Some(decimal(value).ok_or(FrameError::ContentLength)?);
            }
            self.lines += 1;
        }
    }

    /// `self.lines` is 0 for the command line and the header's number after it.
    fn check_line(&self, line: &[u8]) -> Result<(), FrameError> {
        let Limits {
            max_headers,
            max_header_bytes,
            ..
        } = self.limits;
        if self.lines == 0 {
            let shape = |b: &u8| b.is_ascii_uppercase() || *b == b'\r';
            if line.len() > MAX_COMMAND_BYTES || !line.iter().all(shape) {
                let line = line[..line.len().min(MAX_COMMAND_BYTES)].to_vec();
                return Err(FrameError::UnknownCommand { line });
            }
            return Ok(());
        }
        // Known from its first byte, so looked at before its length.
        if self.lines > max_headers && !line.is_empty() && line != b"\r" {
            return Err(FrameError::TooManyHeaders { max_headers });
        }
        if line.len() > max_header_bytes {
            return Err(FrameError::HeaderTooLong { max_header_bytes });
        }
        Ok(())
    }

    fn find_nul(&mut self, buffer: &[u8], start: usize) -> Result<Option<usize>, FrameError> {
        if let Some(length) = self.content_length {
            let nul = start.saturating_add(length);
            self.check_size(nul.saturating_add(1))?;
            return match buffer.get(nul) {
                None => Ok(None),
                Some(0) => Ok(Some(nul)),
                Some(_) => Err(FrameError::BodyNotTerminated),
            };
        }
        let found = buffer[self.seen..]
            .iter()
            .position(|&b| b == 0)
            .map(|at| at + self.seen);
        self.seen = buffer.len();
        Ok(found)
    }
}

pub(crate) fn leading_line_ends(buffer: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match &buffer[at..] {
            [b'\n', ..] => at += 1,
            [b'\r', b'\n', ..] => at += 2,
            _ => return at,
        }
    }
}

fn decimal(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}
