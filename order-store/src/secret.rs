//! The two secrets of an order: one for its page, one for its notifies.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::Error as _};
use subtle::ConstantTimeEq as _;

/// A text that is not 32 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is 32 lower-case hex digits")]
pub struct SecretError;

fn from_hex(text: &str) -> Result<[u8; 16], SecretError> {
    let digits = text.as_bytes();
    if digits.len() != 32 {
        return Err(SecretError);
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return Err(SecretError),
            };
            *byte = *byte << 4 | value;
        }
    }
    Ok(bytes)
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// The same of a secret, without the heap.
fn hex_digits(bytes: &[u8; 16]) -> [u8; 32] {
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]));
    }
    digits
}

/// Reads a secret's text form.
struct Digits;

impl de::Visitor<'_> for Digits {
    type Value = [u8; 16];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("32 lower-case hex digits")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<[u8; 16], E> {
        from_hex(text).map_err(E::custom)
    }
}

macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The secret made of these random bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// The text form: 32 lower-case hex digits. There is no `Display`, so that it is not printed by accident.
            #[must_use]
            pub fn to_hex(&self) -> String {
                to_hex(&self.0)
            }

            /// Whether `text` is this secret's text form, compared in constant time.
            #[must_use]
            pub fn matches(&self, text: &str) -> bool {
                text.parse::<Self>().is_ok_and(|other| other == *self)
            }
        }

        /// Takes the same time whichever byte differs.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl Eq for $name {}

        impl FromStr for $name {
            type Err = SecretError;

            fn from_str(text: &str) -> Result<Self, SecretError> {
                from_hex(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let digits = hex_digits(&self.0);
                serializer.serialize_str(str::from_utf8(&digits).map_err(S::Error::custom)?)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Digits).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = SecretError;

            fn try_from(text: String) -> Result<Self, SecretError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(secret: $name) -> Self {
                secret.to_hex()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

secrets! {
    /// Opens an order's page, and nothing else. Unguessable, so that order numbers cannot be walked.
    PageTicket;
    /// The last part of the `notify_url` that the gateway is given for an order. No page knows it.
    NotifySecret;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_and_debug_hides_it() {
        let ticket = PageTicket::from_bytes(std::array::from_fn(|i| 17 * u8::try_from(i).unwrap()));
        assert_eq!(ticket.to_hex(), "00112233445566778899aabbccddeeff");
        assert_eq!(ticket.to_hex().parse(), Ok(ticket.clone()));
        assert!(ticket.matches("00112233445566778899aabbccddeeff"));
        assert!(!ticket.matches("00112233445566778899aabbccddeefe"));
        assert!(!ticket.matches("00112233445566778899AABBCCDDEEFF"));
        assert!(!ticket.matches(""));
        assert_eq!(format!("{ticket:?}"), "PageTicket(…)");
        let json = serde_json::to_string(&ticket).unwrap();
        assert_eq!(json, "\"00112233445566778899aabbccddeeff\"");
        assert_eq!(serde_json::from_str::<PageTicket>(&json).unwrap(), ticket);
        assert!(serde_json::from_str::<PageTicket>("\"0011\"").is_err());
    }
}
