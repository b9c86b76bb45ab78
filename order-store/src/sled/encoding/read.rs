//! Reading.

use serde::{
    de::{
        DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Unexpected, VariantAccess,
        Visitor,
    },
    forward_to_deserialize_any,
};

use super::{
    DEPTH_MAX, END, Error, FALSE, LIST, MAP, NAME, NEGATIVE, NULL, SHORT_TEXT, SMALL, TEXT, TRUE,
    UNSIGNED, names,
};

/// Reads values.
pub(super) struct Reader<'de> {
    rest: &'de [u8],
    depth: u8,
}

/// The beginning of a value.
enum Token<'de> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Text(&'de str),
    List,
    Map,
}

impl<'de> Reader<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self {
            rest: bytes,
            depth: 0,
        }
    }

    /// Says whether all was read.
    pub(super) fn finish(self) -> Result<(), Error> {
        self.rest.is_empty().then_some(()).ok_or(Error::Length)
    }

    fn peek(&self) -> Result<u8, Error> {
        self.rest.first().copied().ok_or(Error::Length)
    }

    fn byte(&mut self) -> Result<u8, Error> {
        let (byte, rest) = self.rest.split_first().ok_or(Error::Length)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn number(&mut self) -> Result<u64, Error> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Error::Number);
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Error::Number)
    }

    fn text(&mut self, length: u64) -> Result<&'de str, Error> {
        let length = usize::try_from(length).map_err(|_| Error::Length)?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(Error::Length)?;
        self.rest = rest;
        str::from_utf8(text).map_err(|_| Error::Text)
    }

    fn token(&mut self) -> Result<Token<'de>, Error> {
        Ok(match self.byte()? {
            NULL => Token::Null,
            FALSE => Token::Bool(false),
            TRUE => Token::Bool(true),
            UNSIGNED => Token::Unsigned(self.number()?),
            NEGATIVE => {
                let number = i64::try_from(self.number()?).map_err(|_| Error::Number)?;
                Token::Negative(!number)
            }
            TEXT => {
                let length = self.number()?;
                Token::Text(self.text(length)?)
            }
            LIST => Token::List,
            MAP => Token::Map,
            tag @ NAME.. => Token::Text(names::name(tag - NAME).ok_or(Error::Name(tag - NAME))?),
            tag @ SMALL.. => Token::Unsigned((tag - SMALL).into()),
            tag @ SHORT_TEXT.. => Token::Text(self.text((tag - SHORT_TEXT).into())?),
            tag => return Err(Error::Tag(tag)),
        })
    }

    /// Reads what is in a list or a map, and its end.
    fn within<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth == DEPTH_MAX {
            return Err(Error::Depth);
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        match self.byte()? {
            END => Ok(value),
            tag => Err(Error::Tag(tag)),
        }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Null => visitor.visit_unit(),
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Unsigned(value) => visitor.visit_u64(value),
            Token::Negative(value) => visitor.visit_i64(value),
            Token::Text(text) => visitor.visit_borrowed_str(text),
            Token::List => self.within(|reader| visitor.visit_seq(Within(reader))),
            Token::Map => self.within(|reader| visitor.visit_map(Within(reader))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek()? == NULL {
            self.byte()?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.peek()? == MAP {
            self.byte()?;
            return self.within(|reader| visitor.visit_enum(Within(reader)));
        }
        visitor.visit_enum(Unit(self))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct
        map struct identifier ignored_any
    }
}

/// The content of a list, a map or a variant.
struct Within<'r, 'de>(&'r mut Reader<'de>);

impl<'de> SeqAccess<'de> for Within<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.0.peek()? == END {
            return Ok(None);
        }
        seed.deserialize(&mut *self.0).map(Some)
    }
}

impl<'de> MapAccess<'de> for Within<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.0)
    }
}

impl<'de> EnumAccess<'de> for Within<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let variant = seed.deserialize(&mut *self.0)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Within<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        serde::Deserialize::deserialize(self.0)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }
}

/// A variant that is a name alone.
struct Unit<'r, 'de>(&'r mut Reader<'de>);

impl<'de> EnumAccess<'de> for Unit<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let variant = seed.deserialize(&mut *self.0)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Unit<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Error> {
        Err(bare_name())
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(bare_name())
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        Err(bare_name())
    }
}

fn bare_name() -> Error {
    serde::de::Error::invalid_type(Unexpected::UnitVariant, &"a variant with content")
}
