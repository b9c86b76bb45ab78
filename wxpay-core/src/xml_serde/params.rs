//! The flat list of fields as serde's data.

use core::fmt;

use serde::{
    Deserializer,
    de::{DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor, value},
    forward_to_deserialize_any,
};

use crate::{Params, api::FieldError};

/// Reads fields as a struct, each field from the one of its name (or its `rename`). Fields that the struct does not have
/// are passed over: every answer has some.
///
/// An empty field counts as missing, as everywhere in the API. Whole numbers are decimal digits, a `bool` is `Y` or `N`,
/// `true` or `false`, an enum is the name of one of its unit variants. There is no float: an amount is a
/// [`Fen`](crate::Fen). A time needs [`time`](super::time).
///
/// ```
/// use serde::Deserialize;
/// use wxpay_core::{Fen, OutTradeNo, xml, xml_serde};
///
/// #[derive(Deserialize)]
/// struct Paid {
///     out_trade_no: OutTradeNo,
///     total_fee: Fen,
///     coupon_count: Option<u8>,
/// }
///
/// let params = xml::read(b"<xml><out_trade_no>T1</out_trade_no><total_fee>101</total_fee></xml>")?;
/// let paid: Paid = xml_serde::from_params(&params)?;
/// assert_eq!((paid.out_trade_no.as_str(), paid.total_fee.get(), paid.coupon_count), ("T1", 101, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`FieldError`] names the field. Where serde does not say which it is (with `#[serde(flatten)]`), its name is `?`.
pub fn from_params<T: DeserializeOwned>(params: &Params<'_>) -> Result<T, FieldError> {
    T::deserialize(Message(params)).map_err(|refusal| refusal.0)
}

/// Stands for a field whose name is not known.
const UNNAMED: &str = "?";

/// Why serde refuses, without what it says: that could quote a value.
#[derive(Debug)]
struct Refusal(FieldError);

impl Refusal {
    /// The same, of this field.
    fn of(self, field: &'static str) -> Self {
        match self.0 {
            FieldError::Unexpected { field: UNNAMED } => Self(FieldError::Unexpected { field }),
            _ => self,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::error::Error for Refusal {}

impl serde::de::Error for Refusal {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(FieldError::Unexpected { field: UNNAMED })
    }

    fn missing_field(field: &'static str) -> Self {
        Self(FieldError::Missing { field })
    }
}

struct Message<'p>(&'p Params<'p>);

impl<'p> Message<'p> {
    fn fields<V: Visitor<'p>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_map(Fields {
            rest: self.0.iter(),
            names,
            next: None,
        })
    }
}

impl<'de> Deserializer<'de> for Message<'de> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.fields(&[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.fields(fields, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map enum identifier ignored_any
    }
}

struct Fields<'p, I> {
    rest: I,
    /// Those of the struct, to name one in an error.
    names: &'static [&'static str],
    next: Option<(&'p str, &'p str)>,
}

impl<'p, I: Iterator<Item = (&'p str, &'p str)>> MapAccess<'p> for Fields<'p, I> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'p>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refusal> {
        self.next = self.rest.find(|(_, value)| !value.is_empty());
        match self.next {
            Some((name, _)) => seed
                .deserialize(value::BorrowedStrDeserializer::new(name))
                .map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'p>>(&mut self, seed: S) -> Result<S::Value, Refusal> {
        let (name, text) = self.next.take().unwrap_or_default();
        let known = self.names.iter().find(|known| **known == name);
        seed.deserialize(Value(text))
            .map_err(|refusal| refusal.of(known.copied().unwrap_or(UNNAMED)))
    }
}

/// One field's text.
struct Value<'p>(&'p str);

impl Value<'_> {
    /// A whole number: decimal digits, perhaps with a minus in front.
    fn number<N: core::str::FromStr>(&self) -> Result<N, Refusal> {
        let unexpected = Refusal(FieldError::Unexpected { field: UNNAMED });
        if self.0.starts_with('+') {
            return Err(unexpected);
        }
        self.0.parse().map_err(|_| unexpected)
    }
}

macro_rules! numbers {
    ($($deserialize:ident $visit:ident),*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            visitor.$visit(self.number()?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Refusal;

    numbers! {
        deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32, deserialize_i64 visit_i64,
        deserialize_i128 visit_i128, deserialize_u8 visit_u8, deserialize_u16 visit_u16, deserialize_u32 visit_u32,
        deserialize_u64 visit_u64, deserialize_u128 visit_u128
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0 {
            "Y" | "true" => visitor.visit_bool(true),
            "N" | "false" => visitor.visit_bool(false),
            _ => Err(Refusal(FieldError::Unexpected { field: UNNAMED })),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_enum(IntoDeserializer::<Refusal>::into_deserializer(self.0))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
    }
}
