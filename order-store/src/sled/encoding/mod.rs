//! The encoding of records: what JSON says, in fewer bytes and less time.
//!
//! It is serde's data model with JSON's shape (names of fields and variants are kept, so a field can be added with a default
//! and old records stay readable), except that a well-known name is one byte, numbers are short, and text is not escaped.
//! [`write`](mod@write) and [`read`] are each other's mirror; `docs/format.md` has the table of tags.

mod names;
mod read;
mod write;

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

/// Nothing: `None` and `()`.
const NULL: u8 = 0x00;
const FALSE: u8 = 0x01;
const TRUE: u8 = 0x02;
/// A number from 0 on follows.
const UNSIGNED: u8 = 0x03;
/// A number follows whose complement is meant.
const NEGATIVE: u8 = 0x04;
/// A length and so many bytes of UTF-8 follow.
const TEXT: u8 = 0x05;
/// Values follow, up to [`END`].
const LIST: u8 = 0x06;
/// Pairs of key and value follow, up to [`END`].
const MAP: u8 = 0x07;
const END: u8 = 0x08;
/// From here on the tag has the length of a text in it.
const SHORT_TEXT: u8 = 0x20;
const SHORT_TEXT_MAX_BYTES: u8 = 0x3f;
/// From here on the tag has a number in it.
const SMALL: u8 = 0x60;
const SMALL_MAX: u8 = 0x1f;
/// From here on the tag has the number of a well-known name in it.
const NAME: u8 = 0x80;

/// How deep values may lie in each other; records stay far below.
const DEPTH_MAX: u8 = 32;

/// Why a value could not be written or read.
#[derive(Debug)]
pub(super) enum Error {
    /// It ends too early, or too late.
    Length,
    /// A byte that begins no value, or another one than stands there.
    Tag(u8),
    /// The number of a well-known name that is not in the list.
    Name(u8),
    /// A number beyond 64 bits.
    Number,
    /// Text that is no UTF-8.
    Text,
    /// Deeper than [`DEPTH_MAX`].
    Depth,
    /// A type that has no form here.
    Unsupported(&'static str),
    /// What the type said.
    Other(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("it has another length than it says"),
            Self::Tag(tag) => write!(f, "byte {tag:#04x} is out of place"),
            Self::Name(number) => write!(
                f,
                "name {number} is not known: a later version wrote it, or it is damaged"
            ),
            Self::Number => f.write_str("a number has more than 64 bits"),
            Self::Text => f.write_str("text is not UTF-8"),
            Self::Depth => f.write_str("values lie too deep in each other"),
            Self::Unsupported(what) => write!(f, "{what} have no form"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::Other(what.to_string())
    }
}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::Other(what.to_string())
    }
}

/// Writes `value` behind what is in `out`.
///
/// # Errors
/// [`Error::Unsupported`] for floating point and for bytes, which no record has.
pub(super) fn to_writer<T: Serialize>(out: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    value.serialize(&mut write::Writer { out })
}

/// Reads what [`to_writer`] wrote, and nothing behind it.
///
/// # Errors
/// [`Error`] when the bytes are no value, or not one of this type.
pub(super) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut reader = read::Reader::new(bytes);
    let value = T::deserialize(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        time::Duration,
    };

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    fn bytes_of<T: Serialize>(value: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        to_writer(&mut bytes, value).unwrap();
        bytes
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Form {
        Unit,
        Newtype(u64),
        Pair(i64, String),
        Fields { state: Option<bool>, n: u8 },
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "what", rename_all = "snake_case")]
    enum Tagged {
        Empty,
        Full { total_fee: u64, reason: String },
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Record {
        at: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wait: Option<Duration>,
        forms: Vec<Form>,
        set: BTreeSet<u64>,
        map: BTreeMap<String, u8>,
        #[serde(flatten)]
        tagged: Tagged,
    }

    fn form() -> impl Strategy<Value = Form> {
        prop_oneof![
            Just(Form::Unit),
            any::<u64>().prop_map(Form::Newtype),
            (any::<i64>(), any::<String>()).prop_map(|(a, b)| Form::Pair(a, b)),
            (any::<Option<bool>>(), any::<u8>()).prop_map(|(state, n)| Form::Fields { state, n }),
        ]
    }

    prop_compose! {
        fn record()(
            at in any::<i64>(),
            wait in any::<Option<Duration>>(),
            forms in proptest::collection::vec(form(), 0..8),
            set in any::<BTreeSet<u64>>(),
            map in any::<BTreeMap<String, u8>>(),
            full in any::<Option<(u64, String)>>(),
        ) -> Record {
            let tagged = match full {
                None => Tagged::Empty,
                Some((total_fee, reason)) => Tagged::Full { total_fee, reason },
            };
            Record { at, wait, forms, set, map, tagged }
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(record in record()) {
            prop_assert_eq!(from_slice::<Record>(&bytes_of(&record)).unwrap(), record);
        }

        #[test]
        fn it_says_what_json_says(record in record()) {
            let json = serde_json::to_value(&record).unwrap();
            prop_assert_eq!(from_slice::<serde_json::Value>(&bytes_of(&record)).unwrap(), json);
        }

        #[test]
        fn damage_is_an_error_and_no_panic(record in record(), at in any::<prop::sample::Index>(), byte: u8, cut: bool) {
            let mut bytes = bytes_of(&record);
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
                prop_assert!(from_slice::<Record>(&bytes).is_err());
            } else {
                bytes[at] = byte;
                drop(from_slice::<Record>(&bytes));
            }
        }

        #[test]
        fn nonsense_is_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            drop(from_slice::<serde_json::Value>(&bytes));
        }
    }

    #[test]
    fn the_bytes_are_these_for_ever() {
        let record = Record {
            at: -2,
            wait: None,
            forms: vec![Form::Newtype(300), Form::Unit],
            set: BTreeSet::from([31, 32]),
            map: BTreeMap::new(),
            tagged: Tagged::Full {
                total_fee: 1,
                reason: "é".to_owned(),
            },
        };
        let name = |name| NAME + names::number(name).unwrap();
        let mut expected = vec![MAP, name("at"), NEGATIVE, 1];
        expected.extend(b"\x25forms\x06\x07\x27Newtype\x03\xac\x02\x08\x24Unit\x08");
        expected.extend(b"\x23set\x06\x7f\x03\x20\x08\x23map\x07\x08");
        expected.extend([name("what"), 0x24]);
        expected.extend(b"full");
        expected.extend([name("total_fee"), 0x61, name("reason"), 0x22]);
        expected.extend("é".as_bytes());
        expected.push(END);
        assert_eq!(bytes_of(&record), expected);
    }

    #[test]
    fn a_name_of_a_later_list_is_told_from_damage() {
        let error = from_slice::<String>(&[0xff]).unwrap_err();
        assert!(matches!(error, Error::Name(0x7f)), "{error}");
    }

    #[test]
    fn what_goes_too_deep_is_refused() {
        let deep = [LIST].repeat(100_000);
        assert!(matches!(
            from_slice::<serde_json::Value>(&deep),
            Err(Error::Depth)
        ));
        assert!(matches!(
            from_slice::<serde::de::IgnoredAny>(&deep),
            Err(Error::Depth)
        ));
    }
}
