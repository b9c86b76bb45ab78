//! A list as the reader fills it.

use alloc::borrow::Cow;

use super::{Params, ValueAt};
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
        clippy::inline_always,
        reason = "asked for every field, in the reader's one loop"
    )]
    #[inline(always)]
    fn push(&mut self, name: Place, value: Value) -> Result<(), Refusal<'a>> {
        let value = match value {
            Value::There(Place { at, len }) => ValueAt {
                at,
                len,
                is_aside: false,
            },
            Value::Aside => {
                let at = self.taken_aside;
                self.taken_aside = self.params.aside.len();
                ValueAt {
                    at,
                    len: self.taken_aside - at,
                    is_aside: true,
                }
            }
        };
        self.params.place(name.at, name.len, value);
        Ok(())
    }

    fn first_duplicate(&self) -> Option<Place> {
        let (at, len) = self.params.first_duplicate()?;
        Some(Place { at, len })
    }
}
