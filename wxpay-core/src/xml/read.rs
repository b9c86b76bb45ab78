//! A message to [`Params`].

use alloc::borrow::Cow;

use super::{
    XmlError,
    reader::{Reader, Refusal, Sink},
};
use crate::Params;

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
    let reader = Reader::new(bytes, limits).map_err(XmlError::into_owned)?;
    // A field of a real message takes about 50 bytes.
    let expected_fields = (bytes.len() / 32).min(limits.max_fields).min(64);
    let mut params = Params::with_capacity(expected_fields);
    let done = reader.document(root, &mut params);
    done.map_err(XmlError::into_owned)?;
    Ok(params)
}

impl<'a> Sink<'a> for Params<'a> {
    type Value = Cow<'a, str>;
    type Error = Refusal<'a>;

    fn join(
        &mut self,
        _field: &'a str,
        value: &mut Cow<'a, str>,
        piece: &str,
    ) -> Result<(), Refusal<'a>> {
        value.to_mut().push_str(piece);
        Ok(())
    }

    fn push(&mut self, name: &'a str, value: Cow<'a, str>) -> Result<(), Refusal<'a>> {
        self.push(Cow::Borrowed(name), value);
        Ok(())
    }

    fn first_duplicate(&self) -> Option<&str> {
        self.first_duplicate()
    }
}
