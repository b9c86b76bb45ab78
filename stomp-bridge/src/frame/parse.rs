//! Bytes to frames, piece by piece.

use super::escape::unescape;
use super::{Command, Frame, FrameError, Limits, Scan, Scanner, Version};
use bytes::{Buf, Bytes, BytesMut};

/// Parses frames out of a stream that comes in pieces of any size.
///
/// It holds at most one unfinished frame and what was pushed since: push a piece, take frames with
/// [`next_frame`](Self::next_frame) until there is none, then push the next piece.
#[derive(Debug)]
pub struct Parser {
    pub(super) buffer: BytesMut,
    scanner: Scanner,
    version: Version,
}

impl Parser {
    /// A parser that reads escapes as 1.2 has them until [`set_version`](Self::set_version).
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            buffer: BytesMut::new(),
            scanner: Scanner::new(limits),
            version: Version::V1_2,
        }
    }

    /// Sets the version that CONNECTED agreed on.
    pub fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// Adds bytes that came in.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether nothing waits, neither a whole frame nor a part of one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The next whole frame, if there is one. Heart-beats are skipped.
    ///
    /// # Errors
    /// [`FrameError`]: the stream is lost from here on.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            match self.scanner.scan(&self.buffer)? {
                Scan::NeedMore => {
                    // An idle connection keeps no buffer.
                    if self.buffer.is_empty() {
                        self.buffer = BytesMut::new();
                    }
                    return Ok(None);
                }
                Scan::LineEnds(n) => self.buffer.advance(n),
                Scan::Frame { len, body_start } => {
                    let whole = self.buffer.split_to(len).freeze();
                    return Frame::from_wire(whole, body_start, self.version).map(Some);
                }
            }
        }
    }
}

impl Frame {
    /// Parses what a [`Scanner`] found to be one whole frame.
    pub(crate) fn from_wire(
        mut whole: Bytes,
        body_start: usize,
        version: Version,
    ) -> Result<Self, FrameError> {
        whole.truncate(whole.len() - 1);
        let body = whole.split_off(body_start);
        let (command, headers) = parse_head(&whole, version)?;
        if !body.is_empty() && !command.may_have_body() {
            return Err(FrameError::UnexpectedBody {
                command: command.as_str(),
            });
        }
        Ok(Self {
            command,
            headers,
            body,
        })
    }
}

type Head = (Command, Vec<(String, String)>);

fn parse_head(head: &[u8], version: Version) -> Result<Head, FrameError> {
    let mut lines = head
        .split(|&b| b == b'\n')
        .map(|l| l.strip_suffix(b"\r").unwrap_or(l));
    let line = lines.next().unwrap_or_default();
    let command = Command::from_bytes(line).ok_or_else(|| FrameError::UnknownCommand {
        line: line.to_vec(),
    })?;
    let version = if command.is_escaped() {
        version
    } else {
        Version::V1_0
    };
    let mut headers = Vec::with_capacity(8);
    for (number, line) in (1..).zip(lines).take_while(|(_, line)| !line.is_empty()) {
        if line.iter().any(|b| matches!(b, 0 | b'\r')) {
            return Err(FrameError::ControlInHeader { number });
        }
        let line = std::str::from_utf8(line).map_err(|_| FrameError::NotUtf8 { number })?;
        let (name, value) = line
            .split_once(':')
            .filter(|(name, _)| !name.is_empty())
            .ok_or(FrameError::MalformedHeader { number })?;
        let plain = |text| unescape(text, version).ok_or(FrameError::UndefinedEscape { number });
        headers.push((plain(name)?, plain(value)?));
    }
    Ok((command, headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Option<Frame>, FrameError> {
        let mut parser = Parser::new(Limits::default());
        parser.push(bytes);
        parser.next_frame()
    }

    #[test]
    fn several_frames_in_one_piece_and_one_frame_byte_by_byte() {
        let wire = b"\n\r\nSEND\r\ndestination:/queue/a\r\ncontent-length:3\r\n\r\na\0b\0\n\
                     DISCONNECT\nreceipt:x\n\n\0";
        let mut whole = Parser::new(Limits::default());
        whole.push(wire);
        let mut apart = Parser::new(Limits::default());
        let mut frames = Vec::new();
        for byte in wire {
            apart.push(&[*byte]);
            frames.extend(apart.next_frame().unwrap());
        }
        assert_eq!(frames.len(), 2);
        assert_eq!(&frames[0].body[..], b"a\0b");
        assert_eq!(frames[1].header("receipt"), Some("x"));
        for frame in frames {
            assert_eq!(whole.next_frame().unwrap(), Some(frame));
        }
        assert_eq!(whole.next_frame().unwrap(), None);
    }

    #[test]
    fn what_is_no_frame_has_its_own_error() {
        use FrameError as E;
        let long = [b"SEND\na:".as_slice(), &[b'x'; 5000]].concat();
        let many = [b"SEND\n".as_slice(), &b"a:b\n".repeat(65), b"\n\0"].concat();
        let big = [b"SEND\n\n".as_slice(), &vec![b'x'; 17_000]].concat();
        let cases: [(&[u8], E); 13] = [
            (
                b"send\n\n\0",
                E::UnknownCommand {
                    line: b"send".to_vec(),
                },
            ),
            (
                b"HTTP/1.1 400 ",
                E::UnknownCommand {
                    line: b"HTTP/1.1 400 ".to_vec(),
                },
            ),
            (
                b"NOPE\n\n\0",
                E::UnknownCommand {
                    line: b"NOPE".to_vec(),
                },
            ),
            (b"SEND\nabc\n\n\0", E::MalformedHeader { number: 1 }),
            (b"SEND\na:b\n:v\n\n\0", E::MalformedHeader { number: 2 }),
            (b"SEND\na:b\\t\n\n\0", E::UndefinedEscape { number: 1 }),
            (b"SEND\na:b\rc\n\n\0", E::ControlInHeader { number: 1 }),
            (b"SEND\ncontent-length:-1\n\n\0", E::ContentLength),
            (b"SEND\ncontent-length:1\n\nabc\0", E::BodyNotTerminated),
            (b"ACK\nid:1\n\nabc\0", E::UnexpectedBody { command: "ACK" }),
            (
                &long,
                E::HeaderTooLong {
                    max_header_bytes: 4096,
                },
            ),
            (&many, E::TooManyHeaders { max_headers: 64 }),
            (
                &big,
                E::FrameTooLarge {
                    max_frame_bytes: 16 * 1024,
                },
            ),
        ];
        for (wire, error) in cases {
            assert_eq!(
                parse(wire),
                Err(error),
                "{}",
                wire[..wire.len().min(40)].escape_ascii()
            );
        }
        // Refused from its announcement, before a byte of the body came.
        let announced = parse(b"SEND\ncontent-length:99999999999\n\n");
        assert_eq!(
            announced,
            Err(E::FrameTooLarge {
                max_frame_bytes: 16 * 1024
            })
        );
    }

    #[test]
    fn what_breaks_two_limits_has_the_same_error_in_one_piece_and_in_many() {
        let limits = Limits {
            max_frame_bytes: 300,
            max_headers: 8,
            max_header_bytes: 80,
        };
        let long = [b'x'; 90];
        let head = |lines| [b"SEND\n".as_slice(), &b"a:b\n".repeat(lines)].concat();
        let too_large = FrameError::FrameTooLarge {
            max_frame_bytes: 300,
        };
        let too_many = FrameError::TooManyHeaders { max_headers: 8 };
        for (wire, wanted) in [
            // The ninth header, and too long.
            ([&head(8)[..], &long, b"\n\n\0"].concat(), too_many),
            // Long lines, and the frame's end before the one that is too long.
            (
                [
                    &b"SEND\n"[..],
                    &[&long[..70], b"\n"].concat().repeat(4),
                    &long,
                    b"\n\n\0",
                ]
                .concat(),
                too_large,
            ),
        ] {
            for size in [1, wire.len()] {
                let mut parser = Parser::new(limits);
                let mut read = |piece| {
                    parser.push(piece);
                    parser.next_frame().err()
                };
                let error = wire.chunks(size).find_map(&mut read);
                assert_eq!(error.as_ref(), Some(&wanted), "in pieces of {size}");
            }
        }
    }

    #[test]
    fn connect_headers_are_taken_as_they_stand() {
        let frame = parse(b"CONNECT\npasscode:a\\nb:c\n\n\0").unwrap().unwrap();
        assert_eq!(frame.header("passcode"), Some("a\\nb:c"));
    }
}
