//! The merchant's API key.

use core::{fmt, str::FromStr};

use zeroize::Zeroize;

/// The API key of a merchant: 32 bytes, set in the merchant's portal. It signs and verifies every message.
///
/// The bytes are overwritten when the key is dropped, and nothing shows them: `Debug` prints `ApiKey(…)`, and there is
/// no `Display`, no serde and no `==`.
///
/// ```
/// use wxpay_core::{ApiKey, ApiKeyError};
///
/// assert!(ApiKey::new(b"192006250b4c09247ec02edce69f6a2d").is_ok());
/// assert_eq!(ApiKey::new(b"").err(), Some(ApiKeyError::Empty));
/// ```
#[derive(Clone)]
pub struct ApiKey([u8; Self::LEN]);

impl ApiKey {
    /// The length of every key, in bytes.
    pub const LEN: usize = 32;

    /// Takes the bytes of a key.
    ///
    /// # Errors
    /// [`ApiKeyError`] unless there are exactly 32 bytes of printable ASCII without blanks. An empty key above all is
    /// refused here: a sign made with it can be computed by anyone.
    pub fn new(bytes: &[u8]) -> Result<Self, ApiKeyError> {
        if bytes.is_empty() {
            return Err(ApiKeyError::Empty);
        }
        let key: [u8; Self::LEN] = bytes
            .try_into()
            .map_err(|_| ApiKeyError::WrongLength { got: bytes.len() })?;
        // Built first, so that a refused key is overwritten too.
        let key = Self(key);
        match key.0.iter().position(|byte| !byte.is_ascii_graphic()) {
            Some(at) => Err(ApiKeyError::Character { at }),
            None => Ok(key),
        }
    }

    pub(crate) const fn bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl Drop for ApiKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl FromStr for ApiKey {
    type Err = ApiKeyError;

    fn from_str(text: &str) -> Result<Self, ApiKeyError> {
        Self::new(text.as_bytes())
    }
}

/// Why bytes are not an API key. It never holds a byte of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// There is no byte at all.
    #[error("the API key is empty")]
    Empty,
    /// There are fewer or more bytes than a key has.
    #[error("the API key is {got} bytes long, not {}", ApiKey::LEN)]
    WrongLength {
        /// How many bytes there are.
        got: usize,
    },
    /// A byte is not printable ASCII, such as a line end that a file brought along.
    #[error("the API key holds a byte that is not printable ASCII, at position {at}")]
    Character {
        /// Its position in bytes.
        at: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn refuses_what_is_no_key_and_shows_none() {
        for (bytes, why) in [
            (&b""[..], ApiKeyError::Empty),
            (&[b'k'; 31], ApiKeyError::WrongLength { got: 31 }),
            (&[b'k'; 33], ApiKeyError::WrongLength { got: 33 }),
            (&[0; 32], ApiKeyError::Character { at: 0 }),
            (
                b"192006250b4c09247ec02edce69f6a2\n",
                ApiKeyError::Character { at: 31 },
            ),
        ] {
            assert_eq!(ApiKey::new(bytes).err(), Some(why));
        }
        let key: ApiKey = "192006250b4c09247ec02edce69f6a2d".parse().unwrap();
        assert_eq!(format!("{key:?}"), "ApiKey(…)");
    }
}
