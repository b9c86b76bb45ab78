//! The caller's memory, as the reader fills it.

use core::{cmp::Ordering, mem};

use super::{Field, InPlaceError};
use crate::xml::Sink;

/// The caller's memory while a message is read.
pub(super) struct Scratch<'s, 'a> {
    /// The first `len` hold fields, sorted by name, each name once.
    fields: &'s mut [Field<'a>],
    len: usize,
    /// What is left of the caller's text; a value in the making stands at its start.
    text: &'a mut [u8],
    /// The length of all of it.
    text_bytes: usize,
    duplicate: Option<&'a str>,
}

/// A value, whole or in the making.
pub(super) enum Value<'a> {
    /// It stands in the message.
    Borrowed(&'a str),
    /// That many bytes at the start of the free text.
    Joined(usize),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(piece: &'a str) -> Self {
        Self::Borrowed(piece)
    }
}

impl<'s, 'a> Scratch<'s, 'a> {
    pub(super) const fn new(fields: &'s mut [Field<'a>], text: &'a mut [u8]) -> Self {
        Self {
            fields,
            len: 0,
            text_bytes: text.len(),
            text,
            duplicate: None,
        }
    }

    /// The fields that were read, sorted by name.
    pub(super) fn into_fields(self) -> &'s [Field<'a>] {
        &self.fields[..self.len]
    }

    /// Writes behind the first `len` bytes of the free text; the new length.
    fn append(
        &mut self,
        field: &'a str,
        len: usize,
        piece: &str,
    ) -> Result<usize, InPlaceError<'a>> {
        let end = len + piece.len();
        let Some(room) = self.text.get_mut(len..end) else {
            return Err(InPlaceError::TextFull {
                field,
                room_bytes: self.text_bytes,
            });
        };
        room.copy_from_slice(piece.as_bytes());
        Ok(end)
    }
}

impl<'a> Sink<'a> for Scratch<'_, 'a> {
    type Value = Value<'a>;
    type Error = InPlaceError<'a>;

    fn join(
        &mut self,
        field: &'a str,
        value: &mut Value<'a>,
        piece: &str,
    ) -> Result<(), InPlaceError<'a>> {
        let len = match *value {
            Value::Borrowed(first) => self.append(field, 0, first)?,
            Value::Joined(len) => len,
        };
        *value = Value::Joined(self.append(field, len, piece)?);
        Ok(())
    }

    fn push(&mut self, name: &'a str, value: Value<'a>) -> Result<(), InPlaceError<'a>> {
        let value = match value {
            Value::Borrowed(value) => value,
            Value::Joined(len) => {
                let (joined, free) = mem::take(&mut self.text).split_at_mut(len);
                self.text = free;
                // Whole pieces of text make text, so the default is never taken.
                core::str::from_utf8(joined).unwrap_or_default()
            }
        };
        // The gateway's own messages come in order, so the place is looked for from the end.
        let mut place = self.len;
        while place > 0 {
            match name.cmp(self.fields[place - 1].name) {
                Ordering::Greater => break,
                Ordering::Less => place -= 1,
                Ordering::Equal => {
                    // The reader goes on, as the message may be refused for something that it asks first.
                    self.duplicate.get_or_insert(name);
                    return Ok(());
                }
            }
        }
        if self.len == self.fields.len() {
            return Err(InPlaceError::FieldsFull {
                room: self.fields.len(),
            });
        }
        self.fields[self.len] = Field { name, value };
        // Moved by hand: what moves memory in general is larger than all of this.
        for higher in (place..self.len).rev() {
            self.fields.swap(higher, higher + 1);
        }
        self.len += 1;
        Ok(())
    }

    fn first_duplicate(&self) -> Option<&str> {
        self.duplicate
    }
}
