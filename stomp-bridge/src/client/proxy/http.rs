//! CONNECT of HTTP/1.1 (RFC 9110, section 9.3.6): the request, and the head of the answer.

use super::super::credentials::Credentials;
use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// Longest head of an answer.
pub(super) const MAX_HEAD_BYTES: usize = 16 * 1024;

/// What an answer begins with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    NeedMore,
    /// The bytes of the head, and the status.
    Whole {
        len: usize,
        status: u16,
    },
    /// It is no HTTP/1 answer.
    Garbled,
}

/// `authority` is host and port, an IPv6 address in brackets.
pub(super) fn request(authority: &str, credentials: Option<&Credentials>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(format!(
        "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n"
    ));
    if let Some(credentials) = credentials {
        let pair = Zeroizing::new(format!(
            "{}:{}",
            credentials.login(),
            credentials.passcode()
        ));
        let encoded = Zeroizing::new(Base64::encode_string(pair.as_bytes()));
        text.push_str("Proxy-Authorization: Basic ");
        text.push_str(&encoded);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text
}

/// Reads the head of an answer from its first bytes. Only the status counts.
pub(super) fn head(bytes: &[u8]) -> Head {
    let begin = b"HTTP/1.";
    let known = bytes.len().min(begin.len());
    if bytes[..known] != begin[..known] {
        return Head::Garbled;
    }
    let Some(len) = head_len(bytes) else {
        return if bytes.len() < MAX_HEAD_BYTES {
            Head::NeedMore
        } else {
            Head::Garbled
        };
    };
    match status(bytes) {
        Some(status) => Head::Whole { len, status },
        None => Head::Garbled,
    }
}

/// Up to the empty line and with it. Line ends are CR LF; a bare LF is taken too (RFC 9112, 2.2).
fn head_len(bytes: &[u8]) -> Option<usize> {
    let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n');
    ends.map(|(at, _)| at + 1)
        .find_map(|next| match &bytes[next..] {
            [b'\n', ..] => Some(next + 1),
            [b'\r', b'\n', ..] => Some(next + 2),
            _ => None,
        })
}

fn status(bytes: &[u8]) -> Option<u16> {
    let line = bytes.split(|&b| b == b'\n').next()?;
    let line = std::str::from_utf8(line.get(..12)?).ok()?;
    let (_, code) = line.split_once(' ')?;
    let digits = code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| code.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_carries_the_credentials() {
        let credentials = Credentials::new("me", "pässword").unwrap();
        assert_eq!(
            request("[::1]:15674", Some(&credentials)).as_str(),
            "CONNECT [::1]:15674 HTTP/1.1\r\nHost: [::1]:15674\r\n\
             Proxy-Authorization: Basic bWU6cMOkc3N3b3Jk\r\n\r\n"
        );
        assert_eq!(
            request("h:1", None).as_str(),
            "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n"
        );
    }

    #[test]
    fn the_head_ends_at_the_empty_line_and_not_before() {
        let wire = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\ntunnel";
        let whole = wire.len() - b"tunnel".len();
        for n in 0..whole {
            assert_eq!(head(&wire[..n]), Head::NeedMore, "{n}");
        }
        let expected = Head::Whole {
            len: whole,
            status: 200,
        };
        assert_eq!(head(wire), expected);
        let bare = Head::Whole {
            len: 14,
            status: 407,
        };
        assert_eq!(head(b"HTTP/1.0 407\n\n"), bare);
    }

    #[test]
    fn what_is_no_http_is_garbled_at_once() {
        let endless = [b"HTTP/1.1 200 ".as_slice(), &[b'x'; MAX_HEAD_BYTES]].concat();
        for wire in [
            b"SSH-2.0-x".as_slice(),
            b"\x05\xff",
            b"HTTP/1.1 20\r\n\r\n",
            b"HTTP/1.1 2x0 ok\r\n\r\n",
            b"HTTP/1.1\r\n\r\n",
            &endless,
        ] {
            assert_eq!(
                head(wire),
                Head::Garbled,
                "{}",
                wire[..9.min(wire.len())].escape_ascii()
            );
        }
    }
}
