//! The flat list of fields that every message is.

use alloc::{borrow::Cow, string::String, vec, vec::Vec};
use core::fmt;

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
/// Names and values are borrowed from the message where they can be. A name is `[A-Za-z_][A-Za-z0-9_]*`, at most
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
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params<'a> {
    fields: Vec<Field<'a>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Field<'a> {
    name: Cow<'a, str>,
    value: Cow<'a, str>,
}

impl<'a> Params<'a> {
    /// The longest name, in bytes.
    pub const NAME_MAX_BYTES: usize = 64;

    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self { fields: Vec::new() }
    }

    pub(crate) fn with_capacity(fields: usize) -> Self {
        Self {
            fields: Vec::with_capacity(fields),
        }
    }

    /// The value of a field; empty text is a value too.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| &*field.value)
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
        if !is_name(&name) {
            return Err(InsertError::NotAName {
                name: name.into_owned(),
            });
        }
        if self.get(&name).is_some() {
            return Err(InsertError::DuplicateName {
                name: name.into_owned(),
            });
        }
        if let Some((at, character)) = first_forbidden(&value) {
            return Err(InsertError::Character {
                name: name.into_owned(),
                character,
                at,
            });
        }
        self.push(name, value);
        Ok(())
    }

    /// Appends a field that the caller has checked; [`Params::first_duplicate`] is then the caller's to ask.
    pub(crate) fn push(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        self.fields.push(Field { name, value });
    }

    /// Takes a field out.
    pub(crate) fn remove(&mut self, name: &str) {
        self.fields.retain(|field| field.name != name);
    }

    /// Names and values in the message's order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .map(|field| (&*field.name, &*field.value))
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The same list, holding its own text.
    #[must_use]
    pub fn into_owned(self) -> Params<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Params {
            fields: self
                .fields
                .into_iter()
                .map(|field| Field {
                    name: own(field.name),
                    value: own(field.value),
                })
                .collect(),
        }
    }

    /// Hands out every field in the byte order of the names.
    pub(crate) fn each_by_name(&self, mut each: impl FnMut(&str, &str)) {
        let mut hand_out = |field: &Field<'_>| each(&field.name, &field.value);
        // The gateway's own messages come in order.
        if self.is_ascending() {
            self.fields.iter().for_each(&mut hand_out);
            return;
        }
        // Indices on the stack for every real message, so that a sign needs no heap.
        let mut inline = [0; 64];
        let mut heap;
        let order = if let Some(order) = inline.get_mut(..self.len()) {
            order
        } else {
            heap = vec![0; self.len()];
            &mut heap[..]
        };
        self.sort(order);
        for &index in &*order {
            hand_out(&self.fields[index]);
        }
    }

    /// The earliest field whose name stands before it already, in time n log n.
    pub(crate) fn first_duplicate(&self) -> Option<&str> {
        if self.is_ascending() {
            return None;
        }
        let mut order = vec![0; self.len()];
        self.sort(&mut order);
        order
            .windows(2)
            .filter(|pair| self.fields[pair[0]].name == self.fields[pair[1]].name)
            .map(|pair| pair[1])
            .min()
            .map(|index| &*self.fields[index].name)
    }

    fn is_ascending(&self) -> bool {
        self.fields.is_sorted_by(|a, b| a.name < b.name)
    }

    /// Fills `order` with the indices of all fields, by name and then by place.
    fn sort(&self, order: &mut [usize]) {
        for (place, index) in order.iter_mut().enumerate() {
            *index = place;
        }
        order.sort_unstable_by(|&a, &b| {
            self.fields[a]
                .name
                .cmp(&self.fields[b].name)
                .then(a.cmp(&b))
        });
    }
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
}

pub(crate) const fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

// Asked for every byte of a name, where a call costs more than the answer.
#[expect(clippy::inline_always, reason = "built for size it would be a call")]
#[inline(always)]
pub(crate) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= Params::NAME_MAX_BYTES
        && bytes.first().is_some_and(|&byte| is_name_start(byte))
        && bytes.iter().all(|&byte| is_name_byte(byte))
}

/// Whether XML 1.0 can carry a character (its production `Char`).
pub(crate) const fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// The first character that XML 1.0 cannot carry, with its position in bytes.
pub(crate) fn first_forbidden(text: &str) -> Option<(usize, char)> {
    if !is_suspicious(text.as_bytes()) {
        return None;
    }
    text.char_indices().find(|&(_, c)| !is_xml_char(c))
}

/// Rules out nearly every text: only controls and what begins with the byte EF can be at fault.
fn is_suspicious(text: &[u8]) -> bool {
    const fn is_blank(byte: u8) -> bool {
        matches!(byte, b'\t' | b'\n' | b'\r')
    }
    if cfg!(target_pointer_width = "64") {
        // One pass without branches, for a processor with vectors.
        let found = text.iter().fold(0, |found, &byte| {
            let control = u8::from(byte < b' ');
            found | u8::from(byte == 0xEF) | (control & !u8::from(is_blank(byte)))
        });
        found != 0
    } else {
        // A small one is twice as fast with one comparison for nearly every byte.
        text.iter()
            .any(|&byte| byte.wrapping_sub(b' ') >= 0xEF - b' ' && byte <= 0xEF && !is_blank(byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};

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
            params.each_by_name(|name, _| sorted.push(name.to_string()));
            assert_eq!(sorted, ["A", "B", "_", "a", "a1", "a_1"]);
        }
    }

    #[test]
    fn finds_the_earliest_duplicate() {
        let mut params = Params::new();
        for name in ["c", "b", "a", "b", "c"] {
            params.push(name.into(), "".into());
        }
        assert_eq!(params.first_duplicate(), Some("b"));
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
