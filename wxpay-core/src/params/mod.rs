//! The flat list of fields that every message is.

mod list;
mod read;
mod rules;

use alloc::{borrow::Cow, string::String, vec};
use core::{cmp::Ordering, fmt};

use list::{Span, Spans, ValueAt};
pub(crate) use read::Filling;
use rules::is_name;
pub(crate) use rules::{first_forbidden, is_name_byte, is_name_start, is_unusual, is_xml_char};

use crate::{
    words::{self, Piece},
    xml::{self, Element, Look},
};

/// Fields whose values `Debug` hides: they say who the payer is, or where a secret path leads.
const HIDDEN: [&str; 16] = [
    "openid",
    "sub_openid",
    "combine_openid",
    "re_openid",
    "auth_code",
    "re_user_name",
    "transfer_name",
    "enc_bank_no",
    "enc_true_name",
    "sandbox_signkey",
    "receivers",
    "receiver",
    "notify_url",
    "user_truename",
    "user_creid",
    "sign",
];

/// The fields of one message, in its order: each name once, and values as they stand after XML is taken off.
///
/// A list that was read borrows the message and knows where in it names and values stand; one that is made holds the
/// message in the making. So neither takes a heap block for a field. A name is `[A-Za-z_][A-Za-z0-9_]*`, at most
/// [`Params::NAME_MAX_BYTES`] long; a value is any text that XML 1.0 can carry. So every list can be signed and written.
///
/// ```
/// use wxpay_core::Params;
///
/// let mut params = Params::new();
/// params.insert("out_trade_no", "T20260101000001")?;
/// assert_eq!(params.get("out_trade_no"), Some("T20260101000001"));
/// assert!(params.insert("out_trade_no", "T20260101000002").is_err());
/// # Ok::<(), wxpay_core::InsertError>(())
/// ```
#[derive(Clone)]
pub struct Params<'a> {
    /// Where names and values stand: the message that was read, or the one in the making, without its end.
    text: Cow<'a, str>,
    /// The values that do not stand in the text in one piece.
    aside: String,
    spans: Spans,
    /// Which names there are, a bit each; a bit may stand for several.
    names: Names,
    /// Whether the names came in order, each once.
    is_ascending: bool,
    /// How the last name starts, as a number.
    last_start: u64,
    /// Whether the text is what [`xml::write`](crate::xml::write) gives, without its end.
    is_written: bool,
}

impl Default for Params<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Params<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Params<'_> {}

impl<'a> Params<'a> {
    /// The longest name, in bytes.
    pub const NAME_MAX_BYTES: usize = 64;
    /// The longest text of all fields together: places in it are numbers of 32 bits.
    pub(crate) const TEXT_MAX_BYTES: usize = u32::MAX as usize;

    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            text: Cow::Borrowed(""),
            aside: String::new(),
            spans: Spans::new(),
            names: Names::NONE,
            is_ascending: true,
            last_start: 0,
            is_written: true,
        }
    }

    /// An empty list with room for that many fields of a usual length.
    pub(crate) fn with_capacity(fields: usize) -> Self {
        const FIELD_BYTES: usize = 48;
        Self {
            text: Cow::Owned(String::with_capacity(fields * FIELD_BYTES)),
            ..Self::new()
        }
    }

    /// The value of a field; empty text is a value too.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|span| self.value(span))
    }

    fn find(&self, name: &str) -> Option<Span> {
        let sum = name_sum(
            words::start(name.as_bytes(), (0, name.len())),
            name.as_bytes(),
        );
        if !self.names.have(sum) {
            return None;
        }
        let text = self.text.as_bytes();
        let is_named = |span: &&Span| {
            let (at, len) = span.name();
            span.name_sum() == sum
                && text
                    .get(at..at + len)
                    .is_some_and(|found| words::same(found, name.as_bytes()))
        };
        self.spans.as_slice().iter().find(is_named).copied()
    }

    fn name(&self, span: Span) -> &str {
        let (at, len) = span.name();
        self.text.get(at..at + len).unwrap_or_default()
    }

    fn value(&self, span: Span) -> &str {
        let ValueAt { at, len, is_aside } = span.value();
        let text: &str = if is_aside { &self.aside } else { &self.text };
        text.get(at..at + len).unwrap_or_default()
    }

    /// Appends a field.
    ///
    /// # Errors
    /// [`InsertError`] when the name is there already, is no name, or the value holds a character that XML cannot carry.
    pub fn insert(
        &mut self,
        name: impl Into<Cow<'a, str>>,
        value: impl Into<Cow<'a, str>>,
    ) -> Result<(), InsertError> {
        let (name, value) = (name.into(), value.into());
        self.insert_text(&name, &value)
    }

    /// As [`Params::insert`], for texts that may be gone at once.
    fn insert_text(&mut self, name: &str, value: &str) -> Result<(), InsertError> {
        if !is_name(name) {
            return Err(InsertError::NotAName { name: name.into() });
        }
        self.insert_known(name, value)
    }

    /// As [`Params::insert`], for a name of the crate's own.
    pub(crate) fn insert_known(&mut self, name: &str, value: &str) -> Result<(), InsertError> {
        debug_assert!(is_name(name));
        if self.find(name).is_some() {
            return Err(InsertError::DuplicateName { name: name.into() });
        }
        let look = Look::of(value);
        if look == Look::Other
            && let Some((at, character)) = first_forbidden(value)
        {
            return Err(InsertError::Character {
                name: name.into(),
                character,
                at,
            });
        }
        let bytes = self.text.len() + self.aside.len();
        if Self::TEXT_MAX_BYTES - bytes <= xml::element_max_bytes(name, value) {
            return Err(InsertError::TooLarge { name: name.into() });
        }
        self.append(name, value, look);
        Ok(())
    }

    /// Appends a field that is known to be good, and short.
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        self.append(name, value, Look::of(value));
    }

    fn append(&mut self, name: &str, value: &str, look: Look) {
        let text = self.text.to_mut();
        let element = if self.is_written {
            xml::begin(text);
            xml::append(text, name, value, look)
        } else {
            let name_at = text.len();
            text.push_str(name);
            text.push_str(value);
            Element {
                name_at,
                value_at: Some(name_at + name.len()),
            }
        };
        let at = element.value_at.unwrap_or_else(|| {
            let at = self.aside.len();
            self.aside.push_str(value);
            at
        });
        let value = ValueAt {
            at,
            len: value.len(),
            is_aside: element.value_at.is_none(),
        };
        self.place(element.name_at, name.len(), value);
    }

    /// Takes a field whose name and value stand in their texts.
    #[expect(clippy::inline_always, reason = "asked for every field")]
    #[inline(always)]
    fn place(&mut self, name_at: usize, name_len: usize, value: ValueAt) {
        let text = self.text.as_bytes();
        let name = text.get(name_at..name_at + name_len).unwrap_or_default();
        let start = words::start(text, (name_at, name_len));
        let sum = name_sum(start, name);
        self.names.add(sum);
        let span = Span::new(name_at, name_len, sum, value);
        if self.is_ascending {
            if start <= self.last_start
                && let Some(last) = self.spans.as_slice().last()
            {
                self.is_ascending = self.compare(*last, span).is_lt();
            }
            self.last_start = start;
        }
        self.spans.push(span);
    }

    fn compare(&self, a: Span, b: Span) -> Ordering {
        words::compare_names(self.text.as_bytes(), a.name(), b.name())
    }

    /// Takes a field out.
    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(found) = self.find(name) {
            self.spans.retain(|span| span.name() != found.name());
            self.is_written = false;
        }
    }

    /// Names and values in the message's order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.spans
            .as_slice()
            .iter()
            .map(|&span| (self.name(span), self.value(span)))
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.as_slice().len()
    }

    /// Whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same list, holding its own text.
    #[must_use]
    #[inline]
    pub fn into_owned(self) -> Params<'static> {
        Params {
            text: Cow::Owned(self.text.into_owned()),
            aside: self.aside,
            spans: self.spans,
            names: self.names,
            is_ascending: self.is_ascending,
            last_start: self.last_start,
            is_written: self.is_written,
        }
    }

    /// The message without its end, if the text is one that [`xml::write`](crate::xml::write) would give.
    pub(crate) fn written(&self) -> Option<&str> {
        self.is_written.then_some(&*self.text)
    }

    /// The text.
    pub(crate) fn into_text(self) -> String {
        self.text.into_owned()
    }

    /// Hands out every field in the byte order of the names.
    pub(crate) fn each_by_name(&self, each: impl FnMut(Piece<'_>, Piece<'_>)) {
        // The gateway's own messages come in order.
        if self.is_ascending {
            self.each_in(None, each);
        } else {
            self.with_order(|order| self.each_in(Some(order), each));
        }
    }

    /// Hands out every field, in the given order of their indices.
    #[inline(never)]
    fn each_in(&self, order: Option<&[u32]>, mut each: impl FnMut(Piece<'_>, Piece<'_>)) {
        let spans = self.spans.as_slice();
        let (text, aside) = (self.text.as_bytes(), self.aside.as_bytes());
        for place in 0..spans.len() {
            let index = order.map_or(place, |order| order[place] as usize);
            let span = spans[index];
            let (at, len) = span.name();
            let name = Piece {
                within: text,
                at,
                len,
            };
            let ValueAt { at, len, is_aside } = span.value();
            let value = Piece {
                within: if is_aside { aside } else { text },
                at,
                len,
            };
            each(name, value);
        }
    }

    /// Where the earliest field stands whose name stands before it already, in time n log n.
    pub(crate) fn first_duplicate(&self) -> Option<(usize, usize)> {
        if self.is_ascending {
            return None;
        }
        let spans = self.spans.as_slice();
        self.with_order(|order| {
            order
                .windows(2)
                .map(|pair| (pair[0] as usize, pair[1] as usize))
                .filter(|&(a, b)| self.compare(spans[a], spans[b]).is_eq())
                .map(|(_, later)| later)
                .min()
                .map(|index| spans[index].name())
        })
    }

    /// The indices of all fields, by name and then by place.
    fn with_order<T>(&self, work: impl FnOnce(&[u32]) -> T) -> T {
        let spans = self.spans.as_slice();
        // On the stack for every real message, so that a sign needs no heap.
        let mut inline = [0; 64];
        let mut heap;
        let order = if let Some(order) = inline.get_mut(..spans.len()) {
            order
        } else {
            heap = vec![0; spans.len()];
            &mut heap[..]
        };
        if !self.order_by_starts(order) {
            for (index, place) in (0..).zip(order.iter_mut()) {
                *place = index;
            }
            order.sort_unstable_by(|&a, &b| {
                self.compare(spans[a as usize], spans[b as usize])
                    .then(a.cmp(&b))
            });
        }
        work(order)
    }

    /// Orders a few fields by how their names start, as numbers; whether that told them all apart.
    fn order_by_starts(&self, order: &mut [u32]) -> bool {
        const INDEX: u64 = 0xFF;
        let spans = self.spans.as_slice();
        let mut starts = [0; list::INLINE];
        let Some(starts) = starts.get_mut(..spans.len()) else {
            return false;
        };
        if !words::WIDE {
            return false;
        }
        for ((index, start), span) in (0..).zip(starts.iter_mut()).zip(spans) {
            let Some(key) = words::key(self.text.as_bytes(), span.name()) else {
                return false;
            };
            *start = key & !INDEX | index;
        }
        starts.sort_unstable();
        for (place, start) in order.iter_mut().zip(&*starts) {
            *place = u32::from(start.to_le_bytes()[0]);
        }
        starts.is_sorted_by(|a, b| a & !INDEX < b & !INDEX)
    }
}

/// Which names a list has, roughly: a name whose bit is not set is not there.
#[derive(Clone, Copy)]
struct Names(u64);

impl Names {
    const NONE: Self = Self(0);

    const fn have(self, name_sum: u16) -> bool {
        self.0 & (1 << (name_sum % 64)) != 0
    }

    const fn add(&mut self, name_sum: u16) {
        self.0 |= 1 << (name_sum % 64);
    }
}

/// A number for a name that starts so, which few other names of a message have.
#[inline]
fn name_sum(start: u64, name: &[u8]) -> u16 {
    // The highest bits of a product depend on all the others; names with a number behind them differ in their last byte.
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let [high, low, ..] = start.wrapping_mul(ODD).to_be_bytes();
    u16::from_be_bytes([high, low]).wrapping_add(name.last().copied().map_or(0, u16::from))
}

impl fmt::Debug for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| {
                let shown = if HIDDEN.contains(&name) { "…" } else { value };
                (name, shown)
            }))
            .finish()
    }
}

/// Why a field cannot join a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InsertError {
    /// A field of this name is there already.
    #[error("the field {name} is there twice")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// The text is no name: letters, digits and `_`, no digit in front, at most 64 bytes.
    #[error("{name:?} is no name of a field")]
    NotAName {
        /// The text.
        name: String,
    },
    /// The value holds a character that XML 1.0 cannot carry.
    #[error("{name} holds a character that XML cannot carry: {character:?} at byte {at}")]
    Character {
        /// The field's name.
        name: String,
        /// The character.
        character: char,
        /// Its position in bytes.
        at: usize,
    },
    /// The fields together are larger than any message: 4 GiB.
    #[error("{name} makes the message too large")]
    TooLarge {
        /// The field's name.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString, vec::Vec};

    #[test]
    fn checks_names_and_values() {
        let mut params = Params::new();
        for name in ["", "1a", "a-b", "a.b", "é", "a b"] {
            assert!(
                matches!(params.insert(name, "v"), Err(InsertError::NotAName { .. })),
                "{name}"
            );
        }
        assert!(params.insert("a".repeat(64), "v").is_ok());
        assert!(params.insert("a".repeat(65), "v").is_err());
        for (value, at) in [
            ("\0", 0),
            ("ab\u{1b}", 2),
            ("，\u{FFFE}", 3),
            ("\u{FFFF}", 0),
        ] {
            let refused = params.insert("b", value).unwrap_err();
            assert!(
                matches!(refused, InsertError::Character { at: found, .. } if found == at),
                "{refused}"
            );
        }
        assert!(params.insert("b", "\t\r\n，\u{7f}\u{FFFD}😀").is_ok());
        assert_eq!(
            params.insert("b", "again").unwrap_err().to_string(),
            "the field b is there twice"
        );
    }

    #[test]
    fn hands_out_by_byte_order() {
        for names in [
            &["a_1", "B", "a1", "_", "A", "a"][..],
            &["A", "B", "_", "a", "a1", "a_1"],
        ] {
            let mut params = Params::new();
            for name in names {
                params.insert(*name, "").unwrap();
            }
            let mut sorted = Vec::new();
            params.each_by_name(|name, _| sorted.push(name.bytes().to_vec()));
            assert_eq!(sorted, [&b"A"[..], b"B", b"_", b"a", b"a1", b"a_1"]);
        }
    }

    #[test]
    fn finds_the_earliest_duplicate() {
        let mut params = Params::new();
        for name in ["c", "b", "a", "b", "c"] {
            params.push(name, "");
        }
        let (at, len) = params.first_duplicate().unwrap();
        let before = &params.text[..at];
        assert_eq!(&params.text[at..at + len], "b");
        assert_eq!(before.matches("<b>").count(), 1);
    }

    #[test]
    fn debug_hides_the_payer() {
        let mut params = Params::new();
        params.insert("openid", "oNpSGwbtNBQROpN").unwrap();
        params.insert("total_fee", "1").unwrap();
        assert_eq!(
            format!("{params:?}"),
            r#"{"openid": "…", "total_fee": "1"}"#
        );
    }
}
