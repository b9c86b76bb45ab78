//! Typed values from fields.

use core::{
    fmt::{self, Write},
    str::FromStr,
};

use crate::{BeijingTime, BeijingTimeError, Fen, FenError, Params, TextError};

/// Why a field is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// The field is missing or empty.
    #[error("{field} is missing")]
    Missing {
        /// The field's name on the wire.
        field: &'static str,
    },
    /// The text does not fit the field; the error names it.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The field is not an amount in fen.
    #[error("{field}: {source}")]
    Amount {
        /// The field's name on the wire.
        field: &'static str,
        /// What is wrong.
        source: FenError,
    },
    /// The field is not a time.
    #[error("{field}: {source}")]
    Time {
        /// The field's name on the wire.
        field: &'static str,
        /// What is wrong.
        source: BeijingTimeError,
    },
    /// The field has a value that it cannot have here.
    #[error("{field} has a value that it cannot have here")]
    Unexpected {
        /// The field's name on the wire.
        field: &'static str,
    },
}

/// Reads fields as types. A field that is empty counts as missing: it was not signed.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'p>(pub(crate) &'p Params<'p>);

impl<'p> Fields<'p> {
    pub(crate) fn optional(self, field: &str) -> Option<&'p str> {
        self.0.get(field).filter(|value| !value.is_empty())
    }

    /// A field with a number behind its name: `{name}{suffix}_{number}`.
    pub(crate) fn numbered(self, name: &str, suffix: &str, number: usize) -> Option<&'p str> {
        // As long as a name can be; a longer one is not there.
        let mut numbered = NameBuffer {
            bytes: [0; Params::NAME_MAX_BYTES],
            len: 0,
        };
        for piece in [name, suffix, "_"] {
            numbered.write_str(piece).ok()?;
        }
        match u8::try_from(number) {
            // Without the machinery of formats: the first number is asked for in every payment.
            Ok(digit @ 0..=9) => numbered.write_char(char::from(b'0' + digit)),
            _ => write!(numbered, "{number}"),
        }
        .ok()?;
        self.optional(numbered.as_str())
    }

    pub(crate) fn required(self, field: &'static str) -> Result<&'p str, FieldError> {
        self.optional(field).ok_or(FieldError::Missing { field })
    }

    pub(crate) fn text<T: FromStr<Err = TextError>>(
        self,
        field: &'static str,
    ) -> Result<T, FieldError> {
        Ok(self.required(field)?.parse()?)
    }

    pub(crate) fn optional_text<T: FromStr<Err = TextError>>(
        self,
        field: &str,
    ) -> Result<Option<T>, FieldError> {
        Ok(self.optional(field).map(str::parse).transpose()?)
    }

    pub(crate) fn fen(self, field: &'static str) -> Result<Fen, FieldError> {
        self.optional_fen(field)?
            .ok_or(FieldError::Missing { field })
    }

    pub(crate) fn optional_fen(self, field: &'static str) -> Result<Option<Fen>, FieldError> {
        self.optional(field)
            .map(str::parse)
            .transpose()
            .map_err(|source| FieldError::Amount { field, source })
    }

    pub(crate) fn optional_count(self, field: &'static str) -> Result<Option<usize>, FieldError> {
        self.optional(field)
            .map(|text| usize_of(text).ok_or(FieldError::Unexpected { field }))
            .transpose()
    }

    /// How many fields there are: no list in the message can be longer.
    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    pub(crate) fn time(self, field: &'static str) -> Result<BeijingTime, FieldError> {
        self.optional_time(field)?
            .ok_or(FieldError::Missing { field })
    }

    pub(crate) fn optional_time(
        self,
        field: &'static str,
    ) -> Result<Option<BeijingTime>, FieldError> {
        self.optional(field)
            .map(str::parse)
            .transpose()
            .map_err(|source| FieldError::Time { field, source })
    }
}

/// A name in the making, without a heap.
struct NameBuffer {
    bytes: [u8; Params::NAME_MAX_BYTES],
    len: usize,
}

impl NameBuffer {
    fn as_str(&self) -> &str {
        // Whole pieces of text make text, so the default is never taken.
        core::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl fmt::Write for NameBuffer {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let end = self.len + piece.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?;
        room.copy_from_slice(piece.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// A count: decimal digits without a zero in front. One too large for the machine is as large as can be.
fn usize_of(text: &str) -> Option<usize> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    (digits && (text.len() == 1 || !text.starts_with('0')))
        .then(|| text.parse().unwrap_or(usize::MAX))
}
