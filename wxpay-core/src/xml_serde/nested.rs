//! Answers that are not flat, over quick-xml.

use core::str;
use std::string::{String, ToString};

use quick_xml::{
    DeError, Reader,
    de::Deserializer,
    events::{BytesStart, Event},
};
use serde::de::DeserializeOwned;

use crate::{
    XmlError,
    xml::{self, Limits},
};

/// How deep elements may stand in one another, the root among them.
const MAX_DEPTH: usize = 16;

/// Reads a message with the root `xml` as a type with `Deserialize`, by quick-xml's rules: an element is a field, and one
/// that repeats is a `Vec`.
///
/// **No sign covers a message that is not flat**: this reads it, and proves nothing. A flat one belongs to
/// [`parse_verified`](crate::api::parse_verified) and [`from_params`](super::from_params).
///
/// Before serde sees a byte the whole message is looked through: `limits` bounds its length, the number of its elements
/// (`max_fields`), their names and their values; elements stand at most 16 deep; a document type, a processing instruction
/// and an attribute are refused in any form. So no entity of the sender's is ever defined.
///
/// ```
/// use serde::Deserialize;
/// use wxpay_core::{Fen, OpenId, xml::Limits, xml_serde};
///
/// #[derive(Deserialize)]
/// struct Info {
///     hblist: List,
/// }
///
/// #[derive(Deserialize)]
/// struct List {
///     hbinfo: Vec<Taken>,
/// }
///
/// #[derive(Deserialize)]
/// struct Taken {
///     openid: OpenId,
///     amount: Fen,
/// }
///
/// let said = b"<xml><hblist>\
///     <hbinfo><openid>o1</openid><amount>100</amount></hbinfo>\
///     <hbinfo><openid>o2</openid><amount>1</amount></hbinfo>\
///     </hblist></xml>";
/// let info: Info = xml_serde::from_bytes(said, &Limits::DEFAULT)?;
/// assert_eq!(info.hblist.hbinfo[1].amount.get(), 1);
/// # assert_eq!(info.hblist.hbinfo[0].openid.as_str(), "o1");
/// # Ok::<(), xml_serde::XmlSerdeError>(())
/// ```
///
/// # Errors
/// [`XmlSerdeError`].
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8], limits: &Limits) -> Result<T, XmlSerdeError> {
    let text = text(bytes, limits)?;
    look_through(text, limits)?;
    let mut deserializer = Deserializer::from_str(text);
    T::deserialize(deserializer.recursion_limit(MAX_DEPTH)).map_err(|error| match error {
        DeError::Custom(reason) => XmlSerdeError::Value { reason },
        error => XmlSerdeError::Malformed {
            reason: error.to_string(),
        },
    })
}

fn text<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, XmlError> {
    if bytes.len() > limits.max_bytes {
        return Err(XmlError::TooLarge {
            max_bytes: limits.max_bytes,
            got: bytes.len(),
        });
    }
    let text = str::from_utf8(bytes).map_err(|error| XmlError::NotUtf8 {
        at: error.valid_up_to(),
    })?;
    if text.starts_with('\u{FEFF}') {
        return Err(XmlError::ByteOrderMark);
    }
    // Our own reader knows an HTML page from a message, and says so.
    if let Err(error @ (XmlError::Html | XmlError::Empty)) = xml::read_with(bytes, "xml", limits) {
        return Err(error);
    }
    Ok(text)
}

/// Where the look through a message has come.
struct Look<'l> {
    limits: &'l Limits,
    depth: usize,
    elements: usize,
    /// The bytes of text since the last tag.
    value_bytes: usize,
    /// The last start tag's name.
    name: String,
    is_over: bool,
}

/// Refuses what serde should not see, in one pass and in constant memory.
fn look_through(text: &str, limits: &Limits) -> Result<(), XmlSerdeError> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_comments = true;
    config.expand_empty_elements = true;
    let mut look = Look {
        limits,
        depth: 0,
        elements: 0,
        value_bytes: 0,
        name: String::new(),
        is_over: false,
    };
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader
            .read_event()
            .map_err(|error| XmlSerdeError::Malformed {
                reason: error.to_string(),
            })?;
        match event {
            Event::Start(tag) => look.opens(&tag, at)?,
            Event::End(_) => {
                look.depth -= 1;
                look.value_bytes = 0;
                look.is_over = look.depth == 0;
            }
            Event::Text(piece) => look.says(&piece, at)?,
            Event::CData(piece) => look.says(&piece, at)?,
            Event::GeneralRef(reference) => look.says(&reference, at)?,
            Event::DocType(_) => return Err(XmlError::Doctype { at }.into()),
            Event::PI(_) => return Err(XmlError::ProcessingInstruction { at }.into()),
            Event::Comment(_) | Event::Decl(_) | Event::Empty(_) => {}
            Event::Eof if look.is_over => return Ok(()),
            Event::Eof => return Err(XmlError::Cut { at }.into()),
        }
    }
}

impl Look<'_> {
    fn opens(&mut self, tag: &BytesStart<'_>, at: usize) -> Result<(), XmlSerdeError> {
        let limits = self.limits;
        let name = tag.name();
        let name: &str = name.as_ref();
        if self.is_over {
            return Err(XmlError::Trailing { at }.into());
        }
        if self.depth == 0 && name != "xml" {
            return Err(XmlError::NotXmlRoot { at }.into());
        }
        if tag.attributes_raw().trim_ascii() != "" {
            return Err(XmlError::Attribute { at }.into());
        }
        if name.len() > limits.max_name_bytes {
            let max_bytes = limits.max_name_bytes;
            return Err(XmlError::LongName { max_bytes, at }.into());
        }
        if self.depth == MAX_DEPTH {
            return Err(XmlSerdeError::TooDeep {
                max_depth: MAX_DEPTH,
                at,
            });
        }
        // The root is none of the fields.
        if self.depth > 0 {
            self.elements += 1;
        }
        if self.elements > limits.max_fields {
            let max_fields = limits.max_fields;
            return Err(XmlError::TooManyFields { max_fields, at }.into());
        }
        self.depth += 1;
        self.value_bytes = 0;
        self.name.clear();
        self.name.push_str(name);
        Ok(())
    }

    fn says(&mut self, piece: &str, at: usize) -> Result<(), XmlError> {
        if self.depth == 0 {
            if piece.trim_ascii().is_empty() {
                return Ok(());
            }
            return Err(if self.is_over {
                XmlError::Trailing { at }
            } else {
                XmlError::NotXmlRoot { at }
            });
        }
        self.value_bytes = self.value_bytes.saturating_add(piece.len());
        if self.value_bytes > self.limits.max_value_bytes {
            return Err(XmlError::LongValue {
                field: self.name.clone(),
                max_bytes: self.limits.max_value_bytes,
            });
        }
        Ok(())
    }
}

/// Why bytes are not a value of the type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlSerdeError {
    /// The message is beyond a limit, or holds what is never taken.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// Elements stand too deep in one another.
    #[error("elements stand more than {max_depth} deep at byte {at}")]
    TooDeep {
        /// The most.
        max_depth: usize,
        /// Where the first too deep stands.
        at: usize,
    },
    /// It is no XML, or not of the type's shape.
    #[error("the message cannot be read: {reason}")]
    Malformed {
        /// What quick-xml says.
        reason: String,
    },
    /// A field is missing or has a value that the type does not take.
    #[error("the message is not what the type asks for: {reason}")]
    Value {
        /// What serde says. It may quote a value of the message.
        reason: String,
    },
}
