//! Read and verify without a heap: the fields go to memory that the caller brings.
//!
//! For a controller that has a few hundred bytes to spare. It is [`xml::read`](crate::xml::read) and
//! [`sign::verify`] with the same rules and the same answers; only where the fields live differs.
//!
//! ```
//! use wxpay_core::{ApiKey, SignType, in_place::{Field, Message}};
//!
//! let body = b"<xml><out_trade_no><![CDATA[T1]]></out_trade_no><total_fee>1</total_fee>\
//!     <attach>tea &amp; cake</attach><sign>A7957821F8DD00EB13FE2DC584B23A95</sign></xml>";
//! let keys: [ApiKey; 1] = ["192006250b4c09247ec02edce69f6a2d".parse()?];
//!
//! let mut text = [0; 64]; // for `tea & cake`, which does not stand in the body as it is
//! let mut fields = [Field::EMPTY; 24];
//! // A refusal borrows from the body, so it is turned into a text where it must live on.
//! let message = Message::read(body, &mut fields, &mut text).map_err(|error| error.to_string())?;
//! let order = message.unverified("out_trade_no"); // a hint: whose sign type to demand
//! assert_eq!(order, Some("T1"));
//! let verified = message.verify(&keys, SignType::Md5)?;
//! assert_eq!(verified.get("total_fee"), Some("1"));
//! assert_eq!(verified.get("attach"), Some("tea & cake"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing is allocated, whatever the message; a refusal borrows the name of a field from it.

mod error;
mod scratch;

use core::fmt;

pub use error::InPlaceError;
use scratch::Scratch;

use crate::{
    ApiKey, SignType, VerifyError,
    sign::{self, Signable},
    words::{self, Piece},
    xml::{Limits, Reader},
};

/// The longest message, in bytes: places in it are numbers of 16 bits, which halves the memory for fields.
pub const MESSAGE_MAX_BYTES: usize = 64 * 1024;

/// Memory for one field, eight bytes: where in the message, or in the caller's text, it stands.
#[derive(Clone, Copy, Default)]
pub struct Field {
    name_at: u16,
    value_at: u16,
    value_len: u16,
    name_len: u8,
    /// Whether the value stands in the caller's text.
    is_aside: bool,
}

impl Field {
    /// What to fill the memory for fields with.
    pub const EMPTY: Self = Self {
        name_at: 0,
        value_at: 0,
        value_len: 0,
        name_len: 0,
        is_aside: false,
    };

    /// Where the name begins, and its length.
    const fn name(self) -> (usize, usize) {
        (self.name_at as usize, self.name_len as usize)
    }
}

/// The fields of a message.
#[derive(Clone, Copy)]
struct Fields<'s, 'a> {
    message: &'a [u8],
    /// The values that do not stand in the message in one piece.
    text: &'a [u8],
    /// Sorted by name.
    sorted: &'s [Field],
}

impl<'a> Fields<'_, 'a> {
    fn name(&self, field: Field) -> Piece<'a> {
        let (at, len) = field.name();
        Piece {
            within: self.message,
            at,
            len,
        }
    }

    fn value(&self, field: Field) -> Piece<'a> {
        Piece {
            within: if field.is_aside {
                self.text
            } else {
                self.message
            },
            at: field.value_at.into(),
            len: field.value_len.into(),
        }
    }

    fn find(&self, name: &str) -> Option<&'a [u8]> {
        let is_named = |field: &&Field| {
            usize::from(field.name_len) == name.len()
                && words::same(self.name(**field).bytes(), name.as_bytes())
        };
        Some(self.value(*self.sorted.iter().find(is_named)?).bytes())
    }
}

/// Whole pieces of text make text, so the default is never taken.
fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_default()
}

/// A message as it came: well-formed, and proof of nothing.
pub struct Message<'s, 'a>(Fields<'s, 'a>);

impl<'s, 'a> Message<'s, 'a> {
    /// Reads a message with [`Limits::DEFAULT`].
    ///
    /// `fields` has room for one entry a field: 24 do for a pay notify without coupons, which has up to 20. `text` takes
    /// the values that do not stand in the message in one piece, which are those with references or split CDATA; the
    /// gateway's own notifies have none, and an empty slice does for them.
    ///
    /// # Errors
    /// [`InPlaceError`].
    pub fn read(
        bytes: &'a [u8],
        fields: &'s mut [Field],
        text: &'a mut [u8],
    ) -> Result<Self, InPlaceError<'a>> {
        Self::read_with(bytes, fields, text, &Limits::DEFAULT)
    }

    /// Reads a message with limits of the caller's, never more than [`MESSAGE_MAX_BYTES`]. Sorting takes time in the square of the number of fields, so keep
    /// [`Limits::max_fields`] in the hundreds.
    ///
    /// # Errors
    /// [`InPlaceError`].
    // Not part of its caller, so that a small stack holds its frame or that of the hash, not both.
    #[inline(never)]
    pub fn read_with(
        bytes: &'a [u8],
        fields: &'s mut [Field],
        text: &'a mut [u8],
        limits: &Limits,
    ) -> Result<Self, InPlaceError<'a>> {
        let reader = Reader::new(bytes, limits, MESSAGE_MAX_BYTES)?;
        let mut scratch = Scratch::new(bytes, fields, text);
        reader.document("xml", &mut scratch)?;
        let (sorted, text) = scratch.into_parts();
        Ok(Self(Fields {
            message: bytes,
            text,
            sorted,
        }))
    }

    /// A hint: what the message says of itself, such as the order that it claims to be of.
    #[must_use]
    pub fn unverified(&self, name: &str) -> Option<&'a str> {
        self.0.find(name).map(text)
    }

    /// How many fields there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.sorted.len()
    }

    /// Whether there is no field.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.sorted.is_empty()
    }

    /// Checks that the message was signed with one of `keys`, in constant time for each.
    ///
    /// `sign_type` is the one that the order was made with; the message does not say it reliably.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn verify(
        self,
        keys: &[ApiKey],
        sign_type: SignType,
    ) -> Result<Verified<'s, 'a>, VerifyError> {
        sign::verify_fields(&self.0, keys, sign_type)?;
        Ok(Verified(self.0))
    }
}

impl Signable for Fields<'_, '_> {
    fn get(&self, name: &str) -> Option<&[u8]> {
        self.find(name)
    }

    fn each_by_name(&self, mut each: impl FnMut(Piece<'_>, Piece<'_>)) {
        for &field in self.sorted {
            each(self.name(field), self.value(field));
        }
    }
}

impl fmt::Debug for Message<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} fields)", self.len())
    }
}

/// A message whose sign holds. Only [`Message::verify`] makes one.
///
/// That is all it says: whether it reports success, and whether it is this account's and this order's, is still to be
/// compared.
#[derive(Clone, Copy)]
pub struct Verified<'s, 'a>(Fields<'s, 'a>);

impl<'a> Verified<'_, 'a> {
    /// The value of a field; empty text is a value too.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.find(name).map(text)
    }

    /// Names and values, by name.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> {
        let all = self.0;
        all.sorted.iter().map(move |&field| {
            (
                text(all.name(field).bytes()),
                text(all.value(field).bytes()),
            )
        })
    }

    /// How many fields there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.sorted.len()
    }

    /// Whether there is no field: never, as there is a sign.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.sorted.is_empty()
    }
}

impl fmt::Debug for Verified<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({} fields)", self.len())
    }
}
