//! The value of a field: plain text, CDATA sections and references, in any order.

use memchr::memchr;

use super::{
    XmlError,
    reader::{CDATA_START, Place, Reader, Refusal, Sink, Value},
};
use crate::{params::is_xml_char, words};

const CDATA_END: &str = "]]>";
/// The longest text between `&` and `;`: `#x0010FFFF` and some zeros more.
const REFERENCE_MAX_BYTES: usize = 12;

impl<'a> Reader<'a, '_> {
    /// A field's value, up to and with its end tag. One piece stays where it is; several are joined.
    pub(super) fn value<S: Sink<'a>>(
        &mut self,
        sink: &mut S,
        field: Place,
    ) -> Result<Value, S::Error> {
        let mut value = Value::There(Place { at: 0, len: 0 });
        let mut len = 0;
        loop {
            let piece = match self.peek(0) {
                None => return Err(self.cut().into()),
                Some(b'<') if self.peek(1) == Some(b'/') => {
                    self.end_tag(self.piece(field))?;
                    return Ok(value);
                }
                Some(b'<') if self.begins_with(CDATA_START) => self.cdata()?,
                Some(b'<') => return Err(self.refuse_markup(self.piece(field)).into()),
                Some(b'&') => {
                    let mut utf8 = [0; 4];
                    let piece = self.reference()?.encode_utf8(&mut utf8);
                    len += piece.len();
                    self.fits(field, len)?;
                    self.aside(sink, field, &mut value)?;
                    sink.append(field, piece)?;
                    continue;
                }
                Some(_) => self.plain()?,
            };
            let is_first = len == 0;
            len += piece.len;
            self.fits(field, len)?;
            if is_first && matches!(value, Value::There(_)) {
                value = Value::There(piece);
            } else {
                self.aside(sink, field, &mut value)?;
                sink.append(field, self.piece(piece))?;
            }
        }
    }

    /// Puts the value's first piece aside, where the others join it.
    fn aside<S: Sink<'a>>(
        &self,
        sink: &mut S,
        field: Place,
        value: &mut Value,
    ) -> Result<(), S::Error> {
        if let Value::There(first) = *value {
            *value = Value::Aside;
            sink.append(field, self.piece(first))?;
        }
        Ok(())
    }

    fn fits(&self, field: Place, len: usize) -> Result<(), Refusal<'a>> {
        let max_bytes = self.limits.max_value_bytes;
        if len > max_bytes {
            let field = self.piece(field);
            return Err(XmlError::LongValue { field, max_bytes });
        }
        Ok(())
    }

    /// The inside of a CDATA section.
    fn cdata(&mut self) -> Result<Place, Refusal<'a>> {
        let start = self.at + CDATA_START.len();
        let end = self.find(CDATA_END, start).ok_or_else(|| self.cut())?;
        self.at = end + CDATA_END.len();
        let len = end - start;
        Ok(Place { at: start, len })
    }

    /// Text up to the next `<` or `&`.
    fn plain(&mut self) -> Result<Place, Refusal<'a>> {
        let start = self.at;
        let end = words::find_either(self.bytes(), start, b'<', b'&').ok_or_else(|| self.cut())?;
        self.at = end;
        let len = end - start;
        let piece = self.bytes().get(start..end).unwrap_or_default();
        match words::find_text(piece, 0, CDATA_END) {
            Some(offset) => Err(XmlError::CdataEnd { at: start + offset }),
            None => Ok(Place { at: start, len }),
        }
    }

    /// A reference to a character or to a predefined entity.
    fn reference(&mut self) -> Result<char, Refusal<'a>> {
        let at = self.at;
        let after = &self.bytes()[at + 1..];
        let near = &after[..after.len().min(REFERENCE_MAX_BYTES + 1)];
        let len = memchr(b';', near).ok_or(XmlError::Entity { at })?;
        self.at += 1 + len + 1;
        let name = self.piece(Place { at: at + 1, len });
        let number = match name {
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
