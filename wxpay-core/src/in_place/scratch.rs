//! The caller's memory, as the reader fills it.

use core::cmp::Ordering;

use super::{Field, InPlaceError, MESSAGE_MAX_BYTES};
use crate::{
    words,
    xml::{Place, Sink, Value},
};

/// The caller's memory while a message is read.
pub(super) struct Scratch<'s, 'a> {
    message: &'a [u8],
    /// The start of the last name by order, as a number; the highest, if it is not known.
    last_key: u64,
    /// The first `len` hold fields, sorted by name, each name once.
    fields: &'s mut [Field],
    len: usize,
    /// Holds the values of fields, and then the one in the making.
    text: &'a mut [u8],
    /// How much of the text belongs to fields, and how much is used.
    taken: usize,
    used: usize,
    duplicate: Option<Place>,
}

impl<'s, 'a> Scratch<'s, 'a> {
    /// For a message of at most [`MESSAGE_MAX_BYTES`].
    pub(super) const fn new(
        message: &'a [u8],
        fields: &'s mut [Field],
        text: &'a mut [u8],
    ) -> Self {
        Self {
            message,
            last_key: 0,
            fields,
            len: 0,
            text,
            taken: 0,
            used: 0,
            duplicate: None,
        }
    }

    /// The fields that were read, sorted by name, and the text with their values.
    pub(super) fn into_parts(self) -> (&'s [Field], &'a [u8]) {
        (&self.fields[..self.len], self.text)
    }

    /// Takes a field at its place by name, which is looked for from the end.
    fn insert(&mut self, field: Field) -> Result<(), InPlaceError<'a>> {
        let mut place = self.len;
        while place > 0 {
            let before = self.fields[place - 1];
            match words::compare_names(self.message, field.name(), before.name()) {
                Ordering::Greater => break,
                Ordering::Less => place -= 1,
                Ordering::Equal => {
                    // The reader goes on, as the message may be refused for something that it asks first.
                    let (at, len) = field.name();
                    self.duplicate.get_or_insert(Place { at, len });
                    return Ok(());
                }
            }
        }
        if self.len == self.fields.len() {
            return Err(InPlaceError::FieldsFull {
                room: self.fields.len(),
            });
        }
        self.fields[self.len] = field;
        // Moved by hand: what moves memory in general is larger than all of this.
        for higher in (place..self.len).rev() {
            self.fields.swap(higher, higher + 1);
        }
        self.len += 1;
        if words::WIDE {
            let last = self.fields[self.len - 1].name();
            self.last_key = words::key(self.message, last).unwrap_or(u64::MAX);
        }
        Ok(())
    }
}

impl<'a> Sink<'a> for Scratch<'_, 'a> {
    type Error = InPlaceError<'a>;

    fn append(&mut self, field: Place, piece: &str) -> Result<(), InPlaceError<'a>> {
        let end = self.used + piece.len();
        let Some(room) = self.text.get_mut(self.used..end) else {
            let name = self.message.get(field.at..field.at + field.len);
            return Err(InPlaceError::TextFull {
                field: super::text(name.unwrap_or_default()),
                room_bytes: self.text.len(),
            });
        };
        room.copy_from_slice(piece.as_bytes());
        self.used = end;
        Ok(())
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a message is at most 64 KiB, a name at most 64 bytes, and what is put together is shorter than the message"
    )]
    #[inline]
    fn push(&mut self, name: Place, value: Value) -> Result<(), InPlaceError<'a>> {
        const { assert!(MESSAGE_MAX_BYTES - 1 <= u16::MAX as usize) };
        let (value, is_aside) = match value {
            Value::There(place) => (place, false),
            Value::Aside => {
                let at = self.taken;
                self.taken = self.used;
                let len = self.used - at;
                (Place { at, len }, true)
            }
        };
        let field = Field {
            name_at: name.at as u16,
            name_len: name.len as u8,
            value_at: value.at as u16,
            value_len: value.len as u16,
            is_aside,
        };
        if words::WIDE {
            // The gateway's own messages come in order.
            let key = words::key(self.message, field.name()).unwrap_or_default();
            if key > self.last_key
                && let Some(free) = self.fields.get_mut(self.len)
            {
                *free = field;
                self.len += 1;
                self.last_key = key;
                return Ok(());
            }
        }
        self.insert(field)
    }

    fn first_duplicate(&self) -> Option<Place> {
        self.duplicate
    }
}
