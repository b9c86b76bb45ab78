//! The one reader of the flat dialect: a message to its fields, in one pass and in time linear in its length.
//!
//! Where the fields go is the [`Sink`]'s: [`Params`] on the heap, or a caller's scratch.

use super::{Limits, XmlError};
use crate::{
    Params,
    params::{first_forbidden, is_name_byte, is_name_start, is_unusual},
    words,
};

pub(super) const CDATA_START: &str = "<![CDATA[";
const COMMENT_START: &str = "<!--";

/// Why a message is refused, while it is at hand.
pub(crate) type Refusal<'a> = XmlError<&'a str>;

/// Where a piece of a message stands.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) at: usize,
    pub(crate) len: usize,
}

/// The value of a field.
pub(crate) enum Value {
    /// It stands in the message, in one piece.
    There(Place),
    /// It is what was appended since the field before.
    Aside,
}

/// Where the fields of a message go.
pub(crate) trait Sink<'a> {
    /// Why a message is refused.
    type Error: From<Refusal<'a>>;

    /// Appends to the value of `field`, the one in the making.
    fn append(&mut self, field: Place, piece: &str) -> Result<(), Self::Error>;

    /// Takes a field, in the message's order; its name may be there already.
    fn push(&mut self, name: Place, value: Value) -> Result<(), Self::Error>;

    /// The earliest field whose name stands before it already.
    fn first_duplicate(&self) -> Option<Place>;
}

/// A position in a message.
pub(crate) struct Reader<'a, 'l> {
    bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) limits: &'l Limits,
}

/// How a start tag ended.
enum Tag {
    Open,
    Empty,
}

impl<'a, 'l> Reader<'a, 'l> {
    /// A reader at the start of a message, once its bytes are text that XML can carry. `max_bytes` is the sink's limit.
    pub(crate) fn new(
        bytes: &'a [u8],
        limits: &'l Limits,
        max_bytes: usize,
    ) -> Result<Self, Refusal<'a>> {
        let max_bytes = limits.max_bytes.min(max_bytes);
        if bytes.len() > max_bytes {
            return Err(XmlError::TooLarge {
                max_bytes,
                got: bytes.len(),
            });
        }
        // Most messages are plain ASCII, and one look tells.
        if !words::WIDE || is_unusual(bytes) {
            let text = core::str::from_utf8(bytes).map_err(|error| XmlError::NotUtf8 {
                at: error.valid_up_to(),
            })?;
            if let Some((at, _)) = first_forbidden(text) {
                return Err(XmlError::Character { at });
            }
            if text.starts_with('\u{FEFF}') {
                return Err(XmlError::ByteOrderMark);
            }
        }
        Ok(Self {
            bytes,
            at: 0,
            limits,
        })
    }

    /// Reads the whole message, whose root element is `root`, into `sink`.
    pub(crate) fn document<S: Sink<'a>>(
        mut self,
        root: &str,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        self.prolog()?;
        self.root(root)?;
        match self.tag_end()? {
            Tag::Empty => {}
            Tag::Open => self.fields(sink, root)?,
        }
        self.skip_blanks();
        if self.at < self.bytes.len() {
            return Err(XmlError::Trailing { at: self.at }.into());
        }
        if let Some(name) = sink.first_duplicate() {
            let (name, at) = (self.piece(name), name.at);
            return Err(XmlError::Duplicate { name, at }.into());
        }
        Ok(())
    }

    /// The root's start tag, up to the end of its name.
    fn root(&mut self, root: &str) -> Result<(), Refusal<'a>> {
        let start = self.at;
        let named = self.peek(0) == Some(b'<')
            && self.bytes[start + 1..].starts_with(root.as_bytes())
            && !self
                .bytes
                .get(start + 1 + root.len())
                .is_some_and(|&byte| is_name_byte(byte));
        if !named {
            return Err(self.refuse_start());
        }
        self.at += 1 + root.len();
        Ok(())
    }

    /// An XML declaration at the very start, and white space.
    fn prolog(&mut self) -> Result<(), Refusal<'a>> {
        if let Some(rest) = self.bytes.strip_prefix(b"<?xml")
            && let Some(b' ' | b'\t' | b'\r' | b'\n' | b'?') = rest.first()
        {
            // It ends at the first `>`: no attribute of a declaration can hold one.
            let end = words::find(rest, 0, b'>').ok_or_else(|| self.cut())?;
            if !rest[..end].ends_with(b"?") {
                return Err(XmlError::ProcessingInstruction { at: 0 });
            }
            self.at = "<?xml".len() + end + 1;
        }
        self.skip_blanks();
        if self.at == self.bytes.len() {
            return Err(XmlError::Empty);
        }
        Ok(())
    }

    /// Why what stands here is not the root element.
    fn refuse_start(&self) -> Refusal<'a> {
        let begins_with = |word: &str| {
            self.rest()
                .get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        };
        if begins_with("<!doctype html") || begins_with("<html") {
            XmlError::Html
        } else if self.begins_with("<!") || self.begins_with("<?") {
            self.refuse_markup("")
        } else {
            XmlError::NotXmlRoot { at: self.at }
        }
    }

    /// All fields, up to and with the root's end tag.
    fn fields<S: Sink<'a>>(&mut self, sink: &mut S, root: &str) -> Result<(), S::Error> {
        let mut fields = 0;
        loop {
            if words::WIDE {
                fields += self.usual_fields(sink, self.limits.max_fields - fields)?;
            }
            self.skip_blanks();
            match self.peek(0) {
                None => return Err(self.cut().into()),
                Some(b'<') => {}
                Some(_) => return Err(XmlError::Stray { at: self.at }.into()),
            }
            match self.peek(1) {
                Some(b'/') => return Ok(self.end_tag(root)?),
                Some(b'!') if self.begins_with(COMMENT_START) => self.comment()?,
                Some(b'!' | b'?') => return Err(self.refuse_markup("").into()),
                _ => {
                    if fields == self.limits.max_fields {
                        return Err(XmlError::TooManyFields {
                            max_fields: self.limits.max_fields,
                            at: self.at,
                        }
                        .into());
                    }
                    fields += 1;
                    let name = self.name()?;
                    let value = match self.tag_end()? {
                        Tag::Empty => Value::There(Place { at: 0, len: 0 }),
                        Tag::Open => self.value(sink, name)?,
                    };
                    sink.push(name, value)?;
                }
            }
        }
    }

    /// Takes the fields that begin here, as long as they are of the usual kind and within the limits, and at most `most`
    /// of them; how many there were. The next one, and any with a fault, is read in the long way.
    // Not part of its caller, whose other ways would take the registers.
    #[inline(never)]
    fn usual_fields<S: Sink<'a>>(&mut self, sink: &mut S, most: usize) -> Result<usize, S::Error> {
        let bytes = self.bytes;
        let max_name_bytes = self.limits.max_name_bytes.min(Params::NAME_MAX_BYTES);
        let max_value_bytes = self.limits.max_value_bytes;
        let mut at = self.at;
        let mut fields = 0;
        while fields < most {
            let start = match bytes.get(at) {
                Some(b'<') => at,
                Some(b'\n') => at + 1,
                _ => break,
            };
            let Some([b'<', rest @ ..]) = bytes.get(start..) else {
                break;
            };
            let Some(field) = words::usual_field(rest) else {
                break;
            };
            if field.name_len > max_name_bytes || field.value_len > max_value_bytes {
                break;
            }
            let name_at = start + 1;
            at = name_at + field.len;
            fields += 1;
            let name = Place {
                at: name_at,
                len: field.name_len,
            };
            let value = Place {
                at: name_at + field.value_at,
                len: field.value_len,
            };
            sink.push(name, Value::There(value))?;
        }
        self.at = at;
        Ok(fields)
    }

    /// The name in a start tag.
    fn name(&mut self) -> Result<Place, Refusal<'a>> {
        let start = self.at + 1;
        let end = words::name_end(self.bytes, start);
        if end >= self.bytes.len() {
            return Err(self.cut());
        }
        let first_is_good = self.peek(1).is_some_and(is_name_start);
        if !first_is_good {
            return Err(XmlError::Name { at: start });
        }
        let len = end - start;
        let max_bytes = self.limits.max_name_bytes.min(Params::NAME_MAX_BYTES);
        if len > max_bytes {
            return Err(XmlError::LongName {
                max_bytes,
                at: start,
            });
        }
        self.at = end;
        Ok(Place { at: start, len })
    }

    /// What follows the name in a start tag.
    fn tag_end(&mut self) -> Result<Tag, Refusal<'a>> {
        if self.peek(0) == Some(b'>') {
            self.at += 1;
            return Ok(Tag::Open);
        }
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
    pub(super) fn end_tag(&mut self, name: &str) -> Result<(), Refusal<'a>> {
        let start = self.at;
        let wrong = XmlError::EndTag { at: start };
        self.at += 2;
        if !self.begins_with(name) {
            return Err(if name.as_bytes().starts_with(self.rest()) {
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

    /// A comment between fields. Two dashes may only stand at its end.
    fn comment(&mut self) -> Result<(), Refusal<'a>> {
        let start = self.at;
        let inside = start + COMMENT_START.len();
        let end = self.find("--", inside).ok_or_else(|| self.cut())?;
        self.at = end + "-->".len();
        match self.bytes.get(end + 2) {
            Some(b'>') => Ok(()),
            Some(_) => Err(XmlError::Comment { at: start }),
            None => Err(self.cut()),
        }
    }

    /// Why the markup that begins here cannot stand inside `field`, or where no field is open.
    #[cold]
    pub(super) fn refuse_markup(&self, field: &'a str) -> Refusal<'a> {
        let at = self.at;
        let is_cut = |markup: &str| markup.as_bytes().starts_with(self.rest());
        if is_cut(COMMENT_START) || is_cut(CDATA_START) {
            self.cut()
        } else if self.begins_with(COMMENT_START) {
            XmlError::Comment { at }
        } else if self.begins_with(CDATA_START) {
            XmlError::Stray { at }
        } else if self.begins_with("<!") {
            XmlError::Doctype { at }
        } else if self.begins_with("<?") {
            XmlError::ProcessingInstruction { at }
        } else {
            XmlError::Nested { field, at }
        }
    }

    /// Where `what` stands next, from `from` on.
    pub(super) fn find(&self, what: &str, from: usize) -> Option<usize> {
        words::find_text(self.bytes, from, what)
    }

    pub(super) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// A part of the message. Both its ends stand next to ASCII, so it is text and the default is never taken.
    pub(super) fn piece(&self, place: Place) -> &'a str {
        let bytes = self.bytes.get(place.at..place.at + place.len);
        core::str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
    }

    /// What is left, as bytes: markup is ASCII, so nothing needs characters to look for it.
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    #[inline]
    pub(super) fn begins_with(&self, what: &str) -> bool {
        self.rest().starts_with(what.as_bytes())
    }

    pub(super) fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek(0) {
            self.at += 1;
        }
    }

    pub(super) const fn cut(&self) -> Refusal<'a> {
        XmlError::Cut {
            at: self.bytes.len(),
        }
    }
}
