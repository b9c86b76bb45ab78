//! The value of a field: plain text, CDATA sections and references, in any order.

use memchr::{memchr, memchr2};

use super::{
    XmlError,
    reader::{CDATA_START, Reader, Refusal, Sink},
};
use crate::params::is_xml_char;

const CDATA_END: &str = "]]>";
/// The longest text between `&` and `;`: `#x0010FFFF` and some zeros more.
const REFERENCE_MAX_BYTES: usize = 12;

impl<'a> Reader<'a, '_> {
    /// A field's value, up to and with its end tag. One piece is borrowed; several are joined.
    pub(super) fn value<S: Sink<'a>>(
        &mut self,
        sink: &mut S,
        field: &'a str,
    ) -> Result<S::Value, S::Error> {
        let mut value = S::Value::from("");
        let mut len = 0;
        loop {
            let piece = match self.peek(0) {
                None => return Err(self.cut().into()),
                Some(b'<') if self.peek(1) == Some(b'/') => {
                    self.end_tag(field)?;
                    return Ok(value);
                }
                Some(b'<') if self.begins_with(CDATA_START) => self.cdata()?,
                Some(b'<') => return Err(self.refuse_markup(field).into()),
                Some(b'&') => {
                    let mut utf8 = [0; 4];
                    let piece = self.reference()?.encode_utf8(&mut utf8);
                    len += piece.len();
                    self.fits(field, len)?;
                    sink.join(field, &mut value, piece)?;
                    continue;
                }
                Some(_) => self.plain()?,
            };
            let is_first = len == 0;
            len += piece.len();
            self.fits(field, len)?;
            if is_first {
                value = S::Value::from(piece);
            } else {
                sink.join(field, &mut value, piece)?;
            }
        }
    }

    fn fits(&self, field: &'a str, len: usize) -> Result<(), Refusal<'a>> {
        let max_bytes = self.limits.max_value_bytes;
        if len > max_bytes {
            return Err(XmlError::LongValue { field, max_bytes });
        }
        Ok(())
    }

    /// The inside of a CDATA section.
    fn cdata(&mut self) -> Result<&'a str, Refusal<'a>> {
        let start = self.at + CDATA_START.len();
        let end = self.find(CDATA_END, start).ok_or_else(|| self.cut())?;
        self.at = end + CDATA_END.len();
        Ok(self.slice(start, end))
    }

    /// Text up to the next `<` or `&`.
    fn plain(&mut self) -> Result<&'a str, Refusal<'a>> {
        let start = self.at;
        let len = memchr2(b'<', b'&', &self.bytes()[start..]).ok_or_else(|| self.cut())?;
        self.at = start + len;
        let piece = self.slice(start, self.at);
        match find(piece.as_bytes(), CDATA_END) {
            Some(offset) => Err(XmlError::CdataEnd { at: start + offset }),
            None => Ok(piece),
        }
    }

    /// A reference to a character or to a predefined entity.
    fn reference(&mut self) -> Result<char, Refusal<'a>> {
        let at = self.at;
        let after = &self.bytes()[at + 1..];
        let near = &after[..after.len().min(REFERENCE_MAX_BYTES + 1)];
        let len = memchr(b';', near).ok_or(XmlError::Entity { at })?;
        self.at += 1 + len + 1;
        let number = match self.slice(at + 1, at + 1 + len) {
            "amp" => return Ok('&'),
            "lt" => return Ok('<'),
            "gt" => return Ok('>'),
            "quot" => return Ok('"'),
            "apos" => return Ok('\''),
            name => name.strip_prefix('#').ok_or(XmlError::Entity { at })?,
        };
        let (digits, radix) = match number.strip_prefix('x') {
            Some(hex) => (hex, 16),
            None => (number, 10),
        };
        // A sign in front would be taken by the parser of numbers.
        if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
            return Err(XmlError::Entity { at });
        }
        u32::from_str_radix(digits, radix)
            .ok()
            .and_then(char::from_u32)
            .filter(|&c| is_xml_char(c))
            .ok_or(XmlError::Character { at })
    }
}

/// Where `what` stands first; it is not empty, and so short that this takes time in proportion to `bytes` alone.
pub(super) fn find(bytes: &[u8], what: &str) -> Option<usize> {
    let what = what.as_bytes();
    let mut from = 0;
    while let Some(offset) = memchr(what[0], &bytes[from..]) {
        let at = from + offset;
        if bytes[at..].starts_with(what) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}
