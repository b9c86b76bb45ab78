//! Reading texts without a copy on the way.

use alloc::string::String;
use core::{fmt, marker::PhantomData, str::FromStr};

use serde::{Deserializer, de};

use super::TextError;

/// The value of the field that this name belongs to.
pub(super) fn text<'de, T, D>(deserializer: D, field: &'static str) -> Result<T, D::Error>
where
    T: FromStr<Err = TextError> + TryFrom<String, Error = TextError>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_str(Text {
        field,
        value: PhantomData,
    })
}

struct Text<T> {
    field: &'static str,
    value: PhantomData<T>,
}

impl<T> de::Visitor<'_> for Text<T>
where
    T: FromStr<Err = TextError> + TryFrom<String, Error = TextError>,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the text of {}", self.field)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<T, E> {
        T::try_from(text).map_err(E::custom)
    }
}
