//! The two ways to sign.

use core::{fmt, str::FromStr};

/// How a message is signed. The order remembers its own: a notify does not say it reliably.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SignType {
    /// MD5, 32 hex digits; what the gateway assumes when a request names none.
    #[cfg_attr(feature = "serde", serde(rename = "MD5"))]
    Md5,
    /// HMAC-SHA256 keyed with the API key, 64 hex digits.
    #[cfg_attr(feature = "serde", serde(rename = "HMAC-SHA256"))]
    HmacSha256,
}

impl SignType {
    /// The text of the field `sign_type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::HmacSha256 => "HMAC-SHA256",
        }
    }

    /// The length of a sign of this type, in hex digits.
    #[must_use]
    pub const fn sign_len(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::HmacSha256 => 64,
        }
    }
}

impl fmt::Display for SignType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no sign type. The names are exactly `MD5` and `HMAC-SHA256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sign_type is MD5 or HMAC-SHA256")]
pub struct UnknownSignType;

impl FromStr for SignType {
    type Err = UnknownSignType;

    fn from_str(text: &str) -> Result<Self, UnknownSignType> {
        match text {
            "MD5" => Ok(Self::Md5),
            "HMAC-SHA256" => Ok(Self::HmacSha256),
            _ => Err(UnknownSignType),
        }
    }
}
