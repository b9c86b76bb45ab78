//! Why bytes are not a message.

use alloc::{borrow::ToOwned, string::String};

#[cfg(doc)]
use super::Limits;

/// Why bytes are not a message. Each says what and where: `at` is a position in bytes, counted from 0.
///
/// `N` is how a field's name is held: a [`String`], or a piece of the message where nothing may be allocated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError<N = String> {
    /// There is nothing but white space.
    #[error("the message is empty")]
    Empty,
    /// The message is longer than [`Limits::max_bytes`].
    #[error("the message has {got} bytes, more than {max_bytes}")]
    TooLarge {
        /// The most that is read.
        max_bytes: usize,
        /// How many there are.
        got: usize,
    },
    /// The bytes are not UTF-8, but perhaps GBK.
    #[error("the message is not UTF-8 at byte {at}")]
    NotUtf8 {
        /// The first byte at fault.
        at: usize,
    },
    /// The message begins with a byte order mark.
    #[error("the message begins with a byte order mark")]
    ByteOrderMark,
    /// A character that XML 1.0 cannot carry, such as NUL, as it is or as a reference.
    #[error("a character that XML cannot carry at byte {at}")]
    Character {
        /// Where it stands.
        at: usize,
    },
    /// An HTML page stands where a message should: the address is wrong, or something on the way answered.
    #[error("an HTML page, not a message")]
    Html,
    /// A document type or another declaration. There is no form in which one is taken.
    #[error("a document type or entity declaration at byte {at}; none is ever taken")]
    Doctype {
        /// Where it stands.
        at: usize,
    },
    /// The document is no XML, or its root element has another name.
    #[error("the message does not begin with the root element at byte {at}")]
    NotXmlRoot {
        /// Where the root element should stand.
        at: usize,
    },
    /// A processing instruction, or an XML declaration that is not at the very start.
    #[error("a processing instruction at byte {at}")]
    ProcessingInstruction {
        /// Where it stands.
        at: usize,
    },
    /// A comment inside a value or outside the root element.
    #[error("a comment inside a value or outside the root element at byte {at}")]
    Comment {
        /// Where it stands.
        at: usize,
    },
    /// An element inside a field.
    #[error("an element inside the field {field} at byte {at}")]
    Nested {
        /// The outer field.
        field: N,
        /// Where the inner element stands.
        at: usize,
    },
    /// An element has attributes.
    #[error("an attribute at byte {at}")]
    Attribute {
        /// Where it stands.
        at: usize,
    },
    /// An element's name is not letters, digits and `_`.
    #[error("no name of a field at byte {at}")]
    Name {
        /// The first byte at fault.
        at: usize,
    },
    /// An element's name is longer than [`Limits::max_name_bytes`].
    #[error("a name longer than {max_bytes} bytes at byte {at}")]
    LongName {
        /// The most bytes.
        max_bytes: usize,
        /// Where it stands.
        at: usize,
    },
    /// A value is longer than [`Limits::max_value_bytes`].
    #[error("the value of {field} is longer than {max_bytes} bytes")]
    LongValue {
        /// The field.
        field: N,
        /// The most bytes.
        max_bytes: usize,
    },
    /// There are more fields than [`Limits::max_fields`].
    #[error("more than {max_fields} fields at byte {at}")]
    TooManyFields {
        /// The most fields.
        max_fields: usize,
        /// Where the first too many stands.
        at: usize,
    },
    /// A field is there twice; whichever of the two were taken could be the forged one.
    #[error("the field {name} is there twice, again at byte {at}")]
    Duplicate {
        /// The name.
        name: N,
        /// Where it stands again.
        at: usize,
    },
    /// An entity other than `amp lt gt quot apos`, or a bare `&`.
    #[error("an unknown entity or a bare & at byte {at}")]
    Entity {
        /// Where the `&` stands.
        at: usize,
    },
    /// Text, or a CDATA section, between the fields.
    #[error("text between the fields at byte {at}")]
    Stray {
        /// Where it stands.
        at: usize,
    },
    /// `]]>` in a value outside a CDATA section.
    #[error("]]> outside a CDATA section at byte {at}")]
    CdataEnd {
        /// Where it stands.
        at: usize,
    },
    /// An end tag that does not close what is open.
    #[error("an end tag that closes nothing at byte {at}")]
    EndTag {
        /// Where it stands.
        at: usize,
    },
    /// The message ends in the middle.
    #[error("the message is cut off at byte {at}")]
    Cut {
        /// Its length.
        at: usize,
    },
    /// Something other than white space follows the root element.
    #[error("more after the root element at byte {at}")]
    Trailing {
        /// Where it begins.
        at: usize,
    },
}

impl XmlError<&str> {
    /// The same, outliving the message.
    #[must_use]
    pub fn into_owned(self) -> XmlError {
        match self {
            Self::Empty => XmlError::Empty,
            Self::TooLarge { max_bytes, got } => XmlError::TooLarge { max_bytes, got },
            Self::NotUtf8 { at } => XmlError::NotUtf8 { at },
            Self::ByteOrderMark => XmlError::ByteOrderMark,
            Self::Character { at } => XmlError::Character { at },
            Self::Html => XmlError::Html,
            Self::Doctype { at } => XmlError::Doctype { at },
            Self::NotXmlRoot { at } => XmlError::NotXmlRoot { at },
            Self::ProcessingInstruction { at } => XmlError::ProcessingInstruction { at },
            Self::Comment { at } => XmlError::Comment { at },
            Self::Nested { field, at } => XmlError::Nested {
                field: field.to_owned(),
                at,
            },
            Self::Attribute { at } => XmlError::Attribute { at },
            Self::Name { at } => XmlError::Name { at },
            Self::LongName { max_bytes, at } => XmlError::LongName { max_bytes, at },
            Self::LongValue { field, max_bytes } => XmlError::LongValue {
                field: field.to_owned(),
                max_bytes,
            },
            Self::TooManyFields { max_fields, at } => XmlError::TooManyFields { max_fields, at },
            Self::Duplicate { name, at } => XmlError::Duplicate {
                name: name.to_owned(),
                at,
            },
            Self::Entity { at } => XmlError::Entity { at },
            Self::Stray { at } => XmlError::Stray { at },
            Self::CdataEnd { at } => XmlError::CdataEnd { at },
            Self::EndTag { at } => XmlError::EndTag { at },
            Self::Cut { at } => XmlError::Cut { at },
            Self::Trailing { at } => XmlError::Trailing { at },
        }
    }
}
