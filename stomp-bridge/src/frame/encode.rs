//! Frames to bytes.

use super::escape::{Part, escape};
use super::{Frame, FrameError, Version};
use bytes::Bytes;

impl Frame {
    /// The frame on the wire, closed by NUL, with a true `content-length` where a body may stand
    /// (one among the headers is left out).
    ///
    /// # Errors
    /// [`FrameError::Unencodable`] for a header that the version cannot carry.
    pub fn encode(&self, version: Version) -> Result<Bytes, FrameError> {
        let escapes = self.command.is_escaped().then_some(version);
        let head: usize = self
            .headers
            .iter()
            .map(|(n, v)| n.len() + v.len() + 4)
            .sum();
        let mut out = Vec::with_capacity(head + self.body.len() + 48);
        out.extend_from_slice(self.command.as_str().as_bytes());
        out.push(b'\n');
        for (name, value) in &self.headers {
            if name == "content-length" {
                continue;
            }
            let written = !name.is_empty() && escape(name, escapes, Part::Name, &mut out) && {
                out.push(b':');
                escape(value, escapes, Part::Value, &mut out)
            };
            if !written {
                return Err(FrameError::Unencodable { name: name.clone() });
            }
            out.push(b'\n');
        }
        if self.command.may_have_body() {
            out.extend_from_slice(b"content-length:");
            out.extend_from_slice(self.body.len().to_string().as_bytes());
            out.push(b'\n');
        }
        out.push(b'\n');
        out.extend_from_slice(&self.body);
        out.push(0);
        Ok(Bytes::from(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Command;

    #[test]
    fn the_length_is_always_the_true_one() {
        let frame = Frame::new(Command::Send)
            .with("content-length", "1")
            .with_body("a\0b");
        let wire = frame.encode(Version::V1_2).unwrap();
        assert_eq!(&wire[..], b"SEND\ncontent-length:3\n\na\0b\0");
    }

    #[test]
    fn a_line_break_cannot_forge_a_header() {
        let connect = Frame::new(Command::Connect).with("login", "u\nevil:1");
        let error = connect.encode(Version::V1_2).unwrap_err();
        assert_eq!(
            error,
            FrameError::Unencodable {
                name: "login".into()
            }
        );
        let send = Frame::new(Command::Send).with("a", "u\nevil:1");
        let wire = send.encode(Version::V1_2).unwrap();
        assert_eq!(&wire[..], b"SEND\na:u\\nevil\\c1\ncontent-length:0\n\n\0");
    }
}
