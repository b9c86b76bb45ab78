//! A list as the reader fills it.

use alloc::borrow::Cow;

use super::{Params, Span};
use crate::xml::{Place, Refusal, Sink, Value};

/// A list while its message is read.
pub(crate) struct Filling<'a> {
    params: Params<'a>,
    /// How much of the text on the side belongs to fields that were taken.
    taken_aside: usize,
}

impl<'a> Filling<'a> {
    /// Of a message, which is at most [`Params::TEXT_MAX_BYTES`] long.
    pub(crate) fn new(message: &'a str) -> Self {
        Self {
            params: Params {
                text: Cow::Borrowed(message),
                is_written: false,
                ..Params::new()
            },
            taken_aside: 0,
        }
    }

    pub(crate) fn into_params(self) -> Params<'a> {
        self.params
    }
}

impl<'a> Sink<'a> for Filling<'a> {
    type Error = Refusal<'a>;

    fn append(&mut self, _field: Place, piece: &str) -> Result<(), Refusal<'a>> {
        self.params.aside.push_str(piece);
        Ok(())
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a message is below 4 GiB, and what is put together is shorter than it"
    )]
    #[inline]
    fn push(&mut self, name: Place, value: Value) -> Result<(), Refusal<'a>> {
        let (place, is_aside) = match value {
            Value::There(place) => (place, false),
            Value::Aside => {
                let at = self.taken_aside;
                self.taken_aside = self.params.aside.len();
                let len = self.taken_aside - at;
                (Place { at, len }, true)
            }
        };
        self.params.place(Span {
            name_at: name.at as u32,
            name_sum: 0,
            name_len: name.len as u8,
            value_at: place.at as u32,
            value_len: place.len as u32,
            is_aside,
        });
        Ok(())
    }

    fn first_duplicate(&self) -> Option<Place> {
        let (at, len) = self.params.first_duplicate()?;
        Some(Place { at, len })
    }
}
