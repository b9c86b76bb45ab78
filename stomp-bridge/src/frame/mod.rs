//! STOMP 1.0, 1.1 and 1.2 frames: bytes in, [`Frame`]s out, and back. No I/O.
//!
//! Rules are those of the [STOMP 1.2 specification](https://stomp.github.io/stomp-specification-1.2.html).
//! Two differences, both on the strict side: a header may not hold a raw NUL or a lone carriage
//! return, and a `content-length` that is not a plain number is an error.
//!
//! ```
//! use stomp_bridge::frame::{Command, Frame, Limits, Parser, Version};
//!
//! let mut parser = Parser::new(Limits::default());
//! parser.push(b"SEND\ndestination:/queue/a\n\nhel");
//! assert!(parser.next_frame().unwrap().is_none());
//! parser.push(b"lo\0\n");
//! let frame = parser.next_frame().unwrap().unwrap();
//! assert_eq!(frame.command, Command::Send);
//! assert_eq!(frame.header("destination"), Some("/queue/a"));
//! assert_eq!(&frame.body[..], b"hello");
//!
//! let receipt = Frame::new(Command::Receipt).with("receipt-id", "a:1");
//! assert_eq!(&receipt.encode(Version::V1_2).unwrap()[..], b"RECEIPT\nreceipt-id:a\\c1\n\n\0");
//! ```

mod encode;
mod error;
pub(crate) mod escape;
#[cfg(any(test, fuzzing))]
#[allow(clippy::unwrap_used, clippy::missing_panics_doc)]
pub(crate) mod fuzz;
mod parse;
mod scan;

use bytes::Bytes;
use std::fmt;

pub use error::FrameError;
pub use parse::Parser;
pub use scan::{Scan, Scanner};

#[cfg(feature = "client")]
pub(crate) use escape::{Part, escape};
#[cfg(feature = "client")]
pub(crate) use scan::leading_line_ends;

/// A protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// STOMP 1.0: headers know no escapes, no heart-beats.
    V1_0,
    /// STOMP 1.1: `\n`, `\c` and `\\` are escaped in headers.
    V1_1,
    /// STOMP 1.2: `\r` too, and lines may end in CR LF.
    V1_2,
}

impl Version {
    /// The text of the `version` header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }

    /// The version of that name, as it stands in CONNECTED.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        [Self::V1_0, Self::V1_1, Self::V1_2]
            .into_iter()
            .find(|version| version.as_str() == text)
    }

    /// The highest version named in an `accept-version` list, if any of them is known.
    #[must_use]
    pub fn best_of(accept_version: &str) -> Option<Self> {
        accept_version
            .split(',')
            .filter_map(|one| match one.trim() {
                "1.0" => Some(Self::V1_0),
                "1.1" => Some(Self::V1_1),
                "1.2" => Some(Self::V1_2),
                _ => None,
            })
            .max()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The command of a frame.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Command { $($(#[$doc])* $name,)* }

        impl Command {
            /// The command as it stands on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
                $(if bytes == $text.as_bytes() { return Some(Self::$name); })*
                None
            }
        }
    };
}

commands! {
    /// Client: opens the session.
    Connect = "CONNECT",
    /// Client: the same as CONNECT, since 1.1.
    Stomp = "STOMP",
    /// Client: a message for a destination.
    Send = "SEND",
    /// Client: asks for a destination's messages.
    Subscribe = "SUBSCRIBE",
    /// Client: ends a subscription.
    Unsubscribe = "UNSUBSCRIBE",
    /// Client: a message was consumed.
    Ack = "ACK",
    /// Client: a message was not consumed.
    Nack = "NACK",
    /// Client: begins a transaction.
    Begin = "BEGIN",
    /// Client: commits a transaction.
    Commit = "COMMIT",
    /// Client: rolls a transaction back.
    Abort = "ABORT",
    /// Client: ends the session.
    Disconnect = "DISCONNECT",
    /// Server: the session is open.
    Connected = "CONNECTED",
    /// Server: a message of a subscription.
    Message = "MESSAGE",
    /// Server: the frame that asked for a receipt was processed.
    Receipt = "RECEIPT",
    /// Server: the session is over, and why.
    Error = "ERROR",
}

impl Command {
    /// CONNECT and CONNECTED carry no escapes, for the sake of 1.0 (STOMP 1.2, "Value Encoding").
    pub(crate) fn is_escaped(self) -> bool {
        !matches!(self, Self::Connect | Self::Stomp | Self::Connected)
    }

    /// Only these may have a body (STOMP 1.2, "Body").
    pub(crate) fn may_have_body(self) -> bool {
        matches!(self, Self::Send | Self::Message | Self::Error)
    }
}

/// A frame: command, headers in their order, body.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// What the frame asks or tells.
    pub command: Command,
    /// Names and values, unescaped. The first of a repeated name counts.
    pub headers: Vec<(String, String)>,
    /// The body; empty when there is none.
    pub body: Bytes,
}

impl Frame {
    /// A frame without headers or body.
    #[must_use]
    pub fn new(command: Command) -> Self {
        Self {
            command,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body. `content-length` is written by [`encode`](Self::encode).
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The value of the first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

impl fmt::Debug for Frame {
    /// Prints no passcode and no body, since both may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.command.as_str())?;
        for (name, value) in &self.headers {
            let shown = if name == "passcode" { "***" } else { value };
            write!(f, " {name}:{shown:?}")?;
        }
        write!(f, " ({} bytes)", self.body.len())
    }
}

/// What a parser accepts before it gives up on a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A whole frame on the wire, from the command to the NUL, in bytes.
    pub max_frame_bytes: usize,
    /// Header lines in a frame.
    pub max_headers: usize,
    /// One header line, name and value as they stand on the wire, in bytes.
    pub max_header_bytes: usize,
}

impl Default for Limits {
    /// 16 KiB a frame, 64 headers, 4 KiB a header: enough for notices, small enough for strangers.
    fn default() -> Self {
        Self {
            max_frame_bytes: 16 * 1024,
            max_headers: 64,
            max_header_bytes: 4 * 1024,
        }
    }
}
