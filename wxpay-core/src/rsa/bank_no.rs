//! The number of a bank card.

use alloc::string::String;
use core::{fmt, str::FromStr};

use zeroize::Zeroizing;

/// The number of a bank card: digits without blanks. It is wiped when it is dropped, and `Debug` shows its last four digits.
#[derive(Clone, PartialEq, Eq)]
pub struct BankNo(Zeroizing<String>);

/// A text that is no card's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a card's number is {} to {} digits, without blanks",
    BankNo::MIN_DIGITS,
    BankNo::MAX_DIGITS
)]
pub struct BankNoError;

impl BankNo {
    /// The fewest digits.
    pub const MIN_DIGITS: usize = 8;
    /// The most digits; accounts of firms have more than the 19 of a card.
    pub const MAX_DIGITS: usize = 32;

    /// The digits. They are what must not be stored or logged.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BankNo {
    type Err = BankNoError;

    fn from_str(text: &str) -> Result<Self, BankNoError> {
        let fits = (Self::MIN_DIGITS..=Self::MAX_DIGITS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit());
        if fits {
            Ok(Self(Zeroizing::new(text.into())))
        } else {
            Err(BankNoError)
        }
    }
}

impl fmt::Debug for BankNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BankNo(…{})", &self.0[self.0.len() - 4..])
    }
}
