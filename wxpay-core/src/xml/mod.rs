//! The flat XML of the API, both ways.
//!
//! A message is one element `xml` whose children are the fields, one level deep:
//!
//! ```
//! use wxpay_core::xml;
//!
//! let params = xml::read(b"<xml><body><![CDATA[tea & cake]]></body><total_fee>1</total_fee></xml>")?;
//! assert_eq!(params.get("body"), Some("tea & cake"));
//! assert_eq!(xml::write(&params), "<xml><body><![CDATA[tea & cake]]></body><total_fee>1</total_fee></xml>");
//! # Ok::<(), xml::XmlError>(())
//! ```
//!
//! The reader knows just that shape, so a DTD, an entity of the sender's, nesting and attributes are not turned off but
//! absent. What it takes: plain text, CDATA sections (several in one value too), the five predefined entities,
//! references to characters, white space and comments between the fields, and an XML declaration at the very start.
//! What it refuses, each with its cause and its place: everything else, a byte order mark and a field named twice among it.
//!
//! Line ends are kept as they came: XML would make `\r\n` one `\n`, but it is the raw text that is signed.

mod error;
mod read;
mod reader;
mod value;
mod write;

pub use error::XmlError;
pub use read::{Limits, read, read_with};
pub(crate) use reader::{Place, Reader, Refusal, Sink, Value};
pub use write::write;
pub(crate) use write::{Element, Look, append, begin, element_max_bytes, finish};
