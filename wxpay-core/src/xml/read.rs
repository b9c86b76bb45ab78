//! A message to [`Params`].

use super::{XmlError, reader::Reader};
use crate::{Params, params::Filling};

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
    let reader =
        Reader::new(bytes, limits, Params::TEXT_MAX_BYTES).map_err(XmlError::into_owned)?;
    // The reader has looked at the bytes, so the default is never taken.
    let mut filling = Filling::new(core::str::from_utf8(bytes).unwrap_or_default());
    let done = reader.document(root, &mut filling);
    done.map_err(XmlError::into_owned)?;
    Ok(filling.into_params())
}
