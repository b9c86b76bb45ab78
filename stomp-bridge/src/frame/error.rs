use thiserror::Error;

/// Why bytes are not a frame, or a frame has no bytes. After an error from a [`Parser`](super::Parser)
/// or a [`Scanner`](super::Scanner) the position in the stream is lost: close the connection.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The first line is no STOMP command.
    #[error("not a STOMP command: {}", shown(.line))]
    UnknownCommand {
        /// The start of the line, at most 24 bytes.
        line: Vec<u8>,
    },
    /// A header line has no colon or an empty name.
    #[error("header line {number} has no name and colon")]
    MalformedHeader {
        /// Its number, from 1.
        number: usize,
    },
    /// A header holds a raw NUL or a lone carriage return.
    #[error("header line {number} holds a raw control character")]
    ControlInHeader {
        /// Its number, from 1.
        number: usize,
    },
    /// A header has an escape that the version does not define, which is fatal by the protocol.
    #[error("undefined escape in header {number}")]
    UndefinedEscape {
        /// Its number, from 1.
        number: usize,
    },
    /// A header is not UTF-8.
    #[error("header line {number} is not UTF-8")]
    NotUtf8 {
        /// Its number, from 1.
        number: usize,
    },
    /// `content-length` is not a plain number.
    #[error("content-length is not a number")]
    ContentLength,
    /// The byte after `content-length` bytes of body is not NUL.
    #[error("the body does not end where content-length says")]
    BodyNotTerminated,
    /// A frame that may not have a body has one.
    #[error("{command} may not have a body")]
    UnexpectedBody {
        /// The command.
        command: &'static str,
    },
    /// The frame is larger than the limit.
    #[error("frame is larger than {max_frame_bytes} bytes")]
    FrameTooLarge {
        /// The limit.
        max_frame_bytes: usize,
    },
    /// There are more headers than the limit.
    #[error("more than {max_headers} headers")]
    TooManyHeaders {
        /// The limit.
        max_headers: usize,
    },
    /// A header is longer than the limit.
    #[error("a header is longer than {max_header_bytes} bytes")]
    HeaderTooLong {
        /// The limit.
        max_header_bytes: usize,
    },
    /// Encoding: the header cannot be written in this version (a line break where there are no
    /// escapes, a NUL, or an empty name).
    #[error("header {name:?} cannot be written in this version")]
    Unencodable {
        /// The name of the header.
        name: String,
    },
}

fn shown(line: &[u8]) -> String {
    line.escape_ascii().to_string()
}
