//! Why bytes are not read in place.

use crate::XmlError;

/// Why bytes are not read in the memory that there is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InPlaceError<'a> {
    /// The bytes are no message of the API.
    #[error("{0}")]
    Xml(XmlError<&'a str>),
    /// There are more fields than the caller has room for.
    #[error("more fields than the {room} that there is room for")]
    FieldsFull {
        /// The length of the caller's slice.
        room: usize,
    },
    /// The values that must be put together are longer than the caller's text.
    #[error("the value of {field} does not fit into the {room_bytes} bytes of text that there are")]
    TextFull {
        /// The field that did not fit any more.
        field: &'a str,
        /// The length of the caller's slice.
        room_bytes: usize,
    },
}

// By hand: thiserror would make it the source, and a source lives for ever.
impl<'a> From<XmlError<&'a str>> for InPlaceError<'a> {
    fn from(refusal: XmlError<&'a str>) -> Self {
        Self::Xml(refusal)
    }
}
