//! A message to its fields, in one pass and in time linear in its length.

use alloc::borrow::{Cow, ToOwned};

use memchr::{memchr, memchr2};

use super::XmlError;
use crate::{
    Params,
    params::{first_forbidden, is_name_byte, is_name_start, is_xml_char},
};

const CDATA_START: &str = "<![CDATA[";
const CDATA_END: &str = "]]>";
const COMMENT_START: &str = "<!--";
/// The longest text between `&` and `;`: `#x0010FFFF` and some zeros more.
const REFERENCE_MAX_BYTES: usize = 12;

/// How much of a message is read before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, in bytes.
    pub max_bytes: usize,
    /// The most fields.
    pub max_fields: usize,
    /// The longest name of a field, in bytes; never more than [`Params::NAME_MAX_BYTES`].
    pub max_name_bytes: usize,
    /// The longest value, in bytes of UTF-8 after CDATA and references are resolved.
    pub max_value_bytes: usize,
}

impl Limits {
    /// 64 KiB, 128 fields, names of 64 bytes, values of 8 KiB: several times the largest message of the API.
    pub const DEFAULT: Self = Self {
        max_bytes: 64 * 1024,
        max_fields: 128,
        max_name_bytes: Params::NAME_MAX_BYTES,
        max_value_bytes: 8 * 1024,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Reads a message with [`Limits::DEFAULT`].
///
/// # Errors
/// [`XmlError`].
pub fn read(bytes: &[u8]) -> Result<Params<'_>, XmlError> {
    read_with(bytes, "xml", &Limits::DEFAULT)
}

/// Reads a message whose root element is `root`.
///
/// # Errors
/// [`XmlError`].
pub fn read_with<'a>(bytes: &'a [u8], root: &str, limits: &Limits) -> Result<Params<'a>, XmlError> {
    if bytes.len() > limits.max_bytes {
        return Err(XmlError::TooLarge {
            max_bytes: limits.max_bytes,
            got: bytes.len(),
        });
    }
    let text = core::str::from_utf8(bytes).map_err(|error| XmlError::NotUtf8 {
        at: error.valid_up_to(),
    })?;
    if let Some((at, _)) = first_forbidden(text) {
        return Err(XmlError::Character { at });
    }
    if text.starts_with('\u{FEFF}') {
        return Err(XmlError::ByteOrderMark);
    }
    Reader {
        text,
        at: 0,
        limits,
    }
    .document(root)
}

/// A position in a message.
struct Reader<'a, 'l> {
    text: &'a str,
    at: usize,
    limits: &'l Limits,
}

/// How a start tag ended.
enum Tag {
    Open,
    Empty,
}

impl<'a> Reader<'a, '_> {
    fn document(mut self, root: &str) -> Result<Params<'a>, XmlError> {
        self.prolog()?;
        let start = self.at;
        let named = self.rest().starts_with('<')
            && self.text[start + 1..].starts_with(root)
            && !self
                .text
                .as_bytes()
                .get(start + 1 + root.len())
                .is_some_and(|&byte| is_name_byte(byte));
        if !named {
            return Err(self.refuse_start());
        }
        self.at += 1 + root.len();
        // A field of a real message takes about 50 bytes.
        let expected_fields = (self.text.len() / 32).min(self.limits.max_fields).min(64);
        let mut params = Params::with_capacity(expected_fields);
        match self.tag_end()? {
            Tag::Empty => {}
            Tag::Open => self.fields(&mut params, root)?,
        }
        self.skip_blanks();
        if self.at < self.text.len() {
            return Err(XmlError::Trailing { at: self.at });
        }
        if let Some(name) = params.first_duplicate() {
            return Err(XmlError::Duplicate {
                name: name.to_owned(),
                // Names are borrowed from the message, so the distance is the place.
                at: name.as_ptr().addr() - self.text.as_ptr().addr(),
            });
        }
        Ok(params)
    }

    /// An XML declaration at the very start, and white space.
    fn prolog(&mut self) -> Result<(), XmlError> {
        if let Some(rest) = self.text.strip_prefix("<?xml")
            && rest.starts_with([' ', '\t', '\r', '\n', '?'])
        {
            // It ends at the first `>`: no attribute of a declaration can hold one.
            let end = memchr(b'>', rest.as_bytes()).ok_or_else(|| self.cut())?;
            if !rest[..end].ends_with('?') {
                return Err(XmlError::ProcessingInstruction { at: 0 });
            }
            self.at = "<?xml".len() + end + 1;
        }
        self.skip_blanks();
        if self.at == self.text.len() {
            return Err(XmlError::Empty);
        }
        Ok(())
    }

    /// Why what stands here is not the root element.
    fn refuse_start(&self) -> XmlError {
        let begins_with = |word: &str| {
            self.rest()
                .as_bytes()
                .get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        };
        if begins_with("<!doctype html") || begins_with("<html") {
            XmlError::Html
        } else if self.rest().starts_with("<!") || self.rest().starts_with("<?") {
            self.refuse_markup("")
        } else {
            XmlError::NotXmlRoot { at: self.at }
        }
    }

    /// All fields, up to and with the root's end tag.
    fn fields(&mut self, params: &mut Params<'a>, root: &str) -> Result<(), XmlError> {
        loop {
            self.skip_blanks();
            match self.peek(0) {
                None => return Err(self.cut()),
                Some(b'<') => {}
                Some(_) => return Err(XmlError::Stray { at: self.at }),
            }
            match self.peek(1) {
                Some(b'/') => return self.end_tag(root),
                Some(b'!') if self.rest().starts_with(COMMENT_START) => self.comment()?,
                Some(b'!' | b'?') => return Err(self.refuse_markup("")),
                _ => {
                    if params.len() == self.limits.max_fields {
                        return Err(XmlError::TooManyFields {
                            max_fields: self.limits.max_fields,
                            at: self.at,
                        });
                    }
                    let name = self.name()?;
                    let value = match self.tag_end()? {
                        Tag::Empty => Cow::Borrowed(""),
                        Tag::Open => self.value(name)?,
                    };
                    params.push(Cow::Borrowed(name), value);
                }
            }
        }
    }

    /// The name in a start tag.
    fn name(&mut self) -> Result<&'a str, XmlError> {
        let start = self.at + 1;
        let bytes = &self.text.as_bytes()[start..];
        let len = bytes
            .iter()
            .position(|&byte| !is_name_byte(byte))
            .ok_or_else(|| self.cut())?;
        let first_is_good = bytes.first().is_some_and(|&byte| is_name_start(byte));
        if !first_is_good {
            return Err(XmlError::Name { at: start });
        }
        let max_bytes = self.limits.max_name_bytes.min(Params::NAME_MAX_BYTES);
        if len > max_bytes {
            return Err(XmlError::LongName {
                max_bytes,
                at: start,
            });
        }
        self.at = start + len;
        Ok(&self.text[start..self.at])
    }

    /// What follows the name in a start tag.
    fn tag_end(&mut self) -> Result<Tag, XmlError> {
        let blank_from = self.at;
        self.skip_blanks();
        let tag = match (self.peek(0), self.peek(1)) {
            (Some(b'>'), _) => {
                self.at += 1;
                Tag::Open
            }
            (Some(b'/'), Some(b'>')) => {
                self.at += 2;
                Tag::Empty
            }
            (None, _) | (Some(b'/'), None) => return Err(self.cut()),
            _ if self.at > blank_from => return Err(XmlError::Attribute { at: self.at }),
            _ => return Err(XmlError::Name { at: self.at }),
        };
        Ok(tag)
    }

    /// The end tag of `name`, which begins here.
    fn end_tag(&mut self, name: &str) -> Result<(), XmlError> {
        let start = self.at;
        let wrong = XmlError::EndTag { at: start };
        self.at += 2;
        if !self.rest().starts_with(name) {
            return Err(if name.starts_with(self.rest()) {
                self.cut()
            } else {
                wrong
            });
        }
        self.at += name.len();
        self.skip_blanks();
        match self.peek(0) {
            Some(b'>') => {
                self.at += 1;
                Ok(())
            }
            None => Err(self.cut()),
            Some(_) => Err(wrong),
        }
    }

    /// A field's value, up to and with its end tag. One piece is borrowed; several are joined.
    fn value(&mut self, field: &str) -> Result<Cow<'a, str>, XmlError> {
        let mut value = Cow::Borrowed("");
        loop {
            let piece = match self.peek(0) {
                None => return Err(self.cut()),
                Some(b'<') if self.peek(1) == Some(b'/') => {
                    self.end_tag(field)?;
                    return Ok(value);
                }
                Some(b'<') if self.rest().starts_with(CDATA_START) => self.cdata()?,
                Some(b'<') => return Err(self.refuse_markup(field)),
                Some(b'&') => {
                    let mut utf8 = [0; 4];
                    let piece = self.reference()?.encode_utf8(&mut utf8);
                    self.fits(field, value.len() + piece.len())?;
                    value.to_mut().push_str(piece);
                    continue;
                }
                Some(_) => self.plain()?,
            };
            self.fits(field, value.len() + piece.len())?;
            if value.is_empty() {
                value = Cow::Borrowed(piece);
            } else {
                value.to_mut().push_str(piece);
            }
        }
    }

    fn fits(&self, field: &str, len: usize) -> Result<(), XmlError> {
        let max_bytes = self.limits.max_value_bytes;
        if len > max_bytes {
            return Err(XmlError::LongValue {
                field: field.to_owned(),
                max_bytes,
            });
        }
        Ok(())
    }

    /// The inside of a CDATA section.
    fn cdata(&mut self) -> Result<&'a str, XmlError> {
        let start = self.at + CDATA_START.len();
        let bytes = self.text.as_bytes();
        let mut from = start;
        while let Some(offset) = memchr(b']', &bytes[from..]) {
            let end = from + offset;
            if bytes[end..].starts_with(CDATA_END.as_bytes()) {
                self.at = end + CDATA_END.len();
                return Ok(&self.text[start..end]);
            }
            from = end + 1;
        }
        Err(self.cut())
    }

    /// Text up to the next `<` or `&`.
    fn plain(&mut self) -> Result<&'a str, XmlError> {
        let start = self.at;
        let len = memchr2(b'<', b'&', &self.text.as_bytes()[start..]).ok_or_else(|| self.cut())?;
        self.at = start + len;
        let piece = &self.text[start..self.at];
        match piece.find(CDATA_END) {
            Some(offset) => Err(XmlError::CdataEnd { at: start + offset }),
            None => Ok(piece),
        }
    }

    /// A reference to a character or to a predefined entity.
    fn reference(&mut self) -> Result<char, XmlError> {
        let at = self.at;
        let after = &self.text.as_bytes()[at + 1..];
        let near = &after[..after.len().min(REFERENCE_MAX_BYTES + 1)];
        let len = memchr(b';', near).ok_or(XmlError::Entity { at })?;
        self.at += 1 + len + 1;
        let number = match &self.text[at + 1..at + 1 + len] {
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

    /// A comment between fields. Two dashes may only stand at its end.
    fn comment(&mut self) -> Result<(), XmlError> {
        let start = self.at;
        let inside = start + COMMENT_START.len();
        let len = self.text[inside..].find("--").ok_or_else(|| self.cut())?;
        self.at = inside + len + "-->".len();
        match self.text.as_bytes().get(inside + len + 2) {
            Some(b'>') => Ok(()),
            Some(_) => Err(XmlError::Comment { at: start }),
            None => Err(self.cut()),
        }
    }

    /// Why the markup that begins here cannot stand inside `field`, or where no field is open.
    fn refuse_markup(&self, field: &str) -> XmlError {
        let (at, rest) = (self.at, self.rest());
        if COMMENT_START.starts_with(rest) || CDATA_START.starts_with(rest) {
            self.cut()
        } else if rest.starts_with(COMMENT_START) {
            XmlError::Comment { at }
        } else if rest.starts_with(CDATA_START) {
            XmlError::Stray { at }
        } else if rest.starts_with("<!") {
            XmlError::Doctype { at }
        } else if rest.starts_with("<?") {
            XmlError::ProcessingInstruction { at }
        } else {
            XmlError::Nested {
                field: field.to_owned(),
                at,
            }
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek(0) {
            self.at += 1;
        }
    }

    const fn cut(&self) -> XmlError {
        XmlError::Cut {
            at: self.text.len(),
        }
    }
}
