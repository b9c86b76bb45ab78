//! Money, in fen.

use core::{fmt, str::FromStr};

/// An amount of money in fen, a hundredth of a yuan. Never a float, never negative.
///
/// On the wire an amount is plain decimal text without sign, point or leading zeros, and [`Display`](fmt::Display)
/// writes just that. The largest amount is 2^53 − 1 fen, so that a JSON reader that keeps numbers as floats is exact too.
///
/// ```
/// use wxpay_core::Fen;
///
/// let price: Fen = "1990".parse()?;
/// assert_eq!(price.yuan().to_string(), "19.90");
/// assert!("19.90".parse::<Fen>().is_err());
/// # Ok::<(), wxpay_core::FenError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "u64", into = "u64")
)]
pub struct Fen(u64);

impl Fen {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount that is taken, in fen.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// An amount of `fen`.
    ///
    /// # Errors
    /// [`FenError::TooLarge`] above [`Fen::MAX`].
    pub const fn new(fen: u64) -> Result<Self, FenError> {
        if fen > Self::MAX.0 {
            return Err(FenError::TooLarge);
        }
        Ok(Self(fen))
    }

    /// The amount as a number of fen.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether this is nothing at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, unless it is above [`Fen::MAX`].
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match Self::new(self.0 + other.0) {
            Ok(sum) => Some(sum),
            Err(_) => None,
        }
    }

    /// The difference, unless it is below nothing.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }

    /// The amount as people read it: yuan with two decimals.
    #[must_use]
    pub const fn yuan(self) -> Yuan {
        Yuan(self)
    }
}

/// The digits of [`Fen::MAX`].
const MAX_DIGITS: usize = 16;

/// Writes an amount as yuan with two decimals, such as `19.90`. Made by [`Fen::yuan`].
#[derive(Clone, Copy, Debug)]
pub struct Yuan(Fen);

impl fmt::Display for Yuan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0.0 / 100, self.0.0 % 100)
    }
}

impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text or number is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FenError {
    /// The text is not one or more decimal digits.
    #[error("an amount is decimal digits only, in fen")]
    NotDigits,
    /// The text has a zero in front, so two texts would mean one amount.
    #[error("an amount has no leading zero")]
    LeadingZero,
    /// The amount is above [`Fen::MAX`].
    #[error("an amount is at most {} fen", Fen::MAX)]
    TooLarge,
}

impl FromStr for Fen {
    type Err = FenError;

    fn from_str(text: &str) -> Result<Self, FenError> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(FenError::NotDigits);
        }
        if text.len() > 1 && text.starts_with('0') {
            return Err(FenError::LeadingZero);
        }
        if text.len() > MAX_DIGITS {
            return Err(FenError::TooLarge);
        }
        let fen = text
            .bytes()
            .fold(0, |fen, digit| fen * 10 + u64::from(digit - b'0'));
        Self::new(fen)
    }
}

impl TryFrom<u64> for Fen {
    type Error = FenError;

    fn try_from(fen: u64) -> Result<Self, FenError> {
        Self::new(fen)
    }
}

impl From<Fen> for u64 {
    fn from(amount: Fen) -> Self {
        amount.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn text_and_amount_agree() {
        for text in ["0", "1", "88", "9007199254740991"] {
            assert_eq!(text.parse::<Fen>().unwrap().to_string(), text);
        }
        for (text, why) in [
            ("", FenError::NotDigits),
            ("-1", FenError::NotDigits),
            ("+1", FenError::NotDigits),
            ("1.0", FenError::NotDigits),
            (" 1", FenError::NotDigits),
            ("１", FenError::NotDigits),
            ("01", FenError::LeadingZero),
            ("9007199254740992", FenError::TooLarge),
            ("99999999999999999999999", FenError::TooLarge),
        ] {
            assert_eq!(text.parse::<Fen>(), Err(why), "{text}");
        }
    }

    #[test]
    fn sums_stay_in_range() {
        let one = Fen::new(1).unwrap();
        assert_eq!(Fen::MAX.checked_add(one), None);
        assert_eq!(Fen::ZERO.checked_sub(one), None);
        assert_eq!(one.checked_add(one).unwrap().get(), 2);
    }
}
