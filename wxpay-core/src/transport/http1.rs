//! An HTTP/1.1 answer, read piece by piece in constant memory. Without I/O.

use super::BodySink;

/// Why bytes are not a whole HTTP answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// It does not begin with `HTTP/1.` and a status.
    #[error("the answer is not HTTP/1.1")]
    NotHttp,
    /// The lines before the body, or around its chunks, have more than [`HttpError::HEAD_MAX_BYTES`] bytes.
    #[error("the answer's head is longer than 8192 bytes")]
    LongHead,
    /// `content-length`, `transfer-encoding` or a chunk's length cannot be read, or they contradict one another.
    #[error("the answer does not say how long it is")]
    Length,
    /// The connection ended in the middle.
    #[error("the answer is cut off")]
    Cut,
}

impl HttpError {
    /// The most bytes of all lines that are not the body's, chunks' lengths and trailers among them. Of the lines around
    /// chunks as many more are free as the body has had: a long body has many.
    pub const HEAD_MAX_BYTES: usize = 8192;
}

/// How far an answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    StatusLine,
    Headers,
    /// So many bytes of body are left.
    Sized(u64),
    /// The body ends with the connection.
    UntilClose,
    ChunkLength,
    /// So many bytes of this chunk are left.
    Chunk(u64),
    /// The empty line behind a chunk.
    ChunkEnd,
    Trailers,
    Done,
}

/// What the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    /// The answer is whole, or the sink is full.
    Done(u16),
}

/// Reads one answer. What is longer than a line's memory is passed over: no line that counts is.
pub(super) struct Answer {
    state: State,
    status: u16,
    /// Of the headers so far.
    length: Option<u64>,
    is_chunked: bool,
    /// The last header was one of these.
    is_about_length: bool,
    head_bytes: usize,
    line: [u8; 64],
    line_len: usize,
    /// The line is longer than its memory.
    is_cut: bool,
}

impl Answer {
    pub(super) const fn new() -> Self {
        Self {
            state: State::StatusLine,
            status: 0,
            length: None,
            is_chunked: false,
            is_about_length: false,
            head_bytes: 0,
            line: [0; 64],
            line_len: 0,
            is_cut: false,
        }
    }

    /// Takes what came from the connection.
    pub(super) fn take(
        &mut self,
        mut bytes: &[u8],
        sink: &mut impl BodySink,
    ) -> Result<Progress, HttpError> {
        while self.state != State::Done && !bytes.is_empty() {
            let left = match self.state {
                State::Sized(left) | State::Chunk(left) => left,
                State::UntilClose => u64::MAX,
                _ => {
                    let (byte, rest) = (bytes[0], &bytes[1..]);
                    bytes = rest;
                    self.byte(byte)?;
                    continue;
                }
            };
            let len = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
            let (piece, rest) = bytes.split_at(len);
            bytes = rest;
            if sink.push(piece).is_err() {
                return Ok(Progress::Done(self.status));
            }
            if let State::Chunk(_) = self.state {
                self.head_bytes = self.head_bytes.saturating_sub(len);
            }
            let left = left - len as u64;
            self.state = match self.state {
                State::Sized(_) if left == 0 => State::Done,
                State::Sized(_) => State::Sized(left),
                State::Chunk(_) if left == 0 => State::ChunkEnd,
                State::Chunk(_) => State::Chunk(left),
                state => state,
            };
        }
        Ok(match self.state {
            State::Done => Progress::Done(self.status),
            _ => Progress::More,
        })
    }

    /// The connection has ended: the status, if the answer is whole.
    pub(super) const fn end(&self) -> Result<u16, HttpError> {
        match self.state {
            State::Done | State::UntilClose => Ok(self.status),
            _ => Err(HttpError::Cut),
        }
    }

    /// Takes a byte of a line.
    fn byte(&mut self, byte: u8) -> Result<(), HttpError> {
        self.head_bytes += 1;
        if self.head_bytes > HttpError::HEAD_MAX_BYTES {
            return Err(HttpError::LongHead);
        }
        if byte != b'\n' {
            if let Some(place) = self.line.get_mut(self.line_len) {
                *place = byte;
                self.line_len += 1;
            } else {
                self.is_cut = true;
            }
            return Ok(());
        }
        let line = self.line;
        let line = &line[..self.line_len];
        self.line_len = 0;
        self.state = self.line(line.strip_suffix(b"\r").unwrap_or(line))?;
        self.is_cut = false;
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<State, HttpError> {
        Ok(match self.state {
            State::StatusLine => {
                self.status = status(line).ok_or(HttpError::NotHttp)?;
                State::Headers
            }
            State::Headers if line.is_empty() => self.body()?,
            State::Headers => {
                self.header(line)?;
                State::Headers
            }
            State::ChunkLength => match self.chunk_length(line).ok_or(HttpError::Length)? {
                0 => State::Trailers,
                length => State::Chunk(length),
            },
            State::ChunkEnd if line.is_empty() => State::ChunkLength,
            State::ChunkEnd => return Err(HttpError::Length),
            State::Trailers if line.is_empty() => State::Done,
            state => state,
        })
    }

    fn header(&mut self, line: &[u8]) -> Result<(), HttpError> {
        if line.first().is_some_and(u8::is_ascii_whitespace) {
            // It goes on with the line before, where it must not change how long the body is.
            return if self.is_about_length {
                Err(HttpError::Length)
            } else {
                Ok(())
            };
        }
        self.is_about_length = false;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Ok(());
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        // With a blank before the colon it is a header to some and none to others; who sends it may count on that.
        if name.last().is_some_and(u8::is_ascii_whitespace) {
            return Err(HttpError::Length);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            self.is_about_length = true;
            let length = digits(value, 10).ok_or(HttpError::Length)?;
            if self.is_cut || self.length.is_some_and(|other| other != length) {
                return Err(HttpError::Length);
            }
            self.length = Some(length);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.is_about_length = true;
            if self.is_cut || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(HttpError::Length);
            }
            self.is_chunked = true;
        }
        Ok(())
    }

    /// A chunk's length, in front of an extension if there is one.
    fn chunk_length(&self, line: &[u8]) -> Option<u64> {
        let end = line.iter().position(|byte| *byte == b';');
        if self.is_cut && end.is_none() {
            return None;
        }
        digits(line[..end.unwrap_or(line.len())].trim_ascii(), 16)
    }

    /// What follows the head.
    fn body(&mut self) -> Result<State, HttpError> {
        Ok(match (self.status, self.is_chunked, self.length) {
            // Nothing yet: the real head comes behind it.
            (100..200, ..) => {
                self.length = None;
                self.is_chunked = false;
                State::StatusLine
            }
            // Somebody on the way would have read it otherwise.
            (_, true, Some(_)) => return Err(HttpError::Length),
            (204 | 304, ..) | (_, false, Some(0)) => State::Done,
            (_, true, None) => State::ChunkLength,
            (_, false, Some(length)) => State::Sized(length),
            (_, false, None) => State::UntilClose,
        })
    }
}

fn status(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let (b'0' | b'1', [b' ', code @ ..]) = rest.split_first()? else {
        return None;
    };
    let (code, rest) = code.split_at_checked(3)?;
    if !rest.is_empty() && rest[0] != b' ' {
        return None;
    }
    let status = u16::try_from(digits(code, 10)?).ok()?;
    (status >= 100).then_some(status)
}

fn digits(text: &[u8], radix: u32) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(core::str::from_utf8(text).ok()?, radix).ok()
}
