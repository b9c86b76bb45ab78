//! What a name is, and what a value may hold.

use super::Params;
use crate::words;
pub(crate) use crate::words::is_name_byte;

pub(crate) const fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

pub(super) fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= Params::NAME_MAX_BYTES
        && bytes.first().is_some_and(|&byte| is_name_start(byte))
        && words::name_end(bytes, 0) == bytes.len()
}

/// Whether XML 1.0 can carry a character (its production `Char`).
pub(crate) const fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// The first character that XML 1.0 cannot carry, with its position in bytes.
pub(crate) fn first_forbidden(text: &str) -> Option<(usize, char)> {
    if words::WIDE && words::is_plain(text.as_bytes(), 0) || !is_suspicious(text.as_bytes()) {
        return None;
    }
    text.char_indices().find(|&(_, c)| !is_xml_char(c))
}

/// Rules out nearly every text: only controls and what begins with the byte EF can be at fault.
#[allow(
    clippy::needless_bitwise_bool,
    reason = "without branches, for a processor with vectors"
)]
fn is_suspicious(text: &[u8]) -> bool {
    const fn is_blank(byte: u8) -> bool {
        matches!(byte, b'\t' | b'\n' | b'\r')
    }
    if cfg!(target_pointer_width = "64") {
        text.iter().fold(false, |found, &byte| {
            found | (byte == 0xEF) | ((byte < b' ') & !is_blank(byte))
        })
    } else {
        // A small one is twice as fast with one comparison for nearly every byte.
        text.iter()
            .any(|&byte| byte.wrapping_sub(b' ') >= 0xEF - b' ' && byte <= 0xEF && !is_blank(byte))
    }
}

/// Whether there is anything but printable ASCII and line feeds.
#[allow(
    clippy::needless_bitwise_bool,
    reason = "without branches, for a processor with vectors"
)]
pub(crate) fn is_unusual(text: &[u8]) -> bool {
    // As signed numbers, controls and all that is not ASCII are below the blank.
    let is_odd = |byte: u8| (byte.cast_signed() < b' '.cast_signed()) & (byte != b'\n');
    text.iter().fold(false, |found, &byte| found | is_odd(byte))
}
