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

#[cfg(test)]
mod tests {
    use crate::{NotifyUrl, OutTradeNo};

    #[test]
    fn a_text_is_its_json_string_and_is_checked_when_it_is_read() {
        let number: OutTradeNo = "tea-20190320".parse().unwrap();
        let json = serde_json::to_string(&number).unwrap();
        assert_eq!(json, r#""tea-20190320""#);
        assert_eq!(serde_json::from_str::<OutTradeNo>(&json).unwrap(), number);
        // Owned and escaped texts take other ways than borrowed ones.
        let value = serde_json::to_value(&number).unwrap();
        assert_eq!(serde_json::from_value::<OutTradeNo>(value).unwrap(), number);
        let escaped = r#""https:\/\/desk.example\/n""#;
        let url: NotifyUrl = serde_json::from_str(escaped).unwrap();
        assert_eq!(url.as_str(), "https://desk.example/n");
        for refused in [r#""""#, r#""a b""#, "7", "null"] {
            assert!(
                serde_json::from_str::<OutTradeNo>(refused).is_err(),
                "{refused}"
            );
        }
    }
}
