//! Exact amounts of yuan, with up to five decimals.

use core::fmt;
use core::ops::Range;

use super::decimal;
use crate::Fen;

/// Hundred-thousandths of a yuan in a yuan.
const YUAN: i64 = 100_000;
/// Hundred-thousandths of a yuan in a fen.
const FEN: i64 = YUAN / 100;

/// An exact amount of yuan with up to five decimals, above or below nothing.
///
/// Commissions need it: the gateway writes them with five decimals (`0.00600`), and those that it gives back with a minus.
/// A day's sums and an account's balance are of this type too. What is paid and refunded is in whole [`Fen`].
///
/// ```
/// use wxpay_core::bill::ExactYuan;
///
/// let commission: ExactYuan = "-0.07".parse()?;
/// assert_eq!(commission.hundred_thousandths(), -7_000);
/// assert_eq!(commission.to_string(), "-0.07");
/// assert_eq!(commission.fen(), None);
/// # Ok::<(), wxpay_core::bill::AmountError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExactYuan(i64);

impl ExactYuan {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount as a number of hundred-thousandths of a yuan, which are thousandths of a fen.
    #[must_use]
    pub const fn hundred_thousandths(self) -> i64 {
        self.0
    }

    /// The amount in fen, if it is a whole number of them and not below nothing.
    #[must_use]
    pub const fn fen(self) -> Option<Fen> {
        match self.to_fen() {
            Ok(fen) => Some(fen),
            Err(_) => None,
        }
    }

    /// The sum, unless it cannot be held.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    pub(super) const fn to_fen(self) -> Result<Fen, AmountError> {
        if self.0 < 0 {
            return Err(AmountError::Negative);
        }
        if self.0 % FEN != 0 {
            return Err(AmountError::TooFine { max_decimals: 2 });
        }
        match Fen::new(self.0.unsigned_abs() / FEN.unsigned_abs()) {
            Ok(fen) => Ok(fen),
            Err(_) => Err(AmountError::TooLarge),
        }
    }

    /// Reads the cell at `range` of `line`.
    #[inline]
    pub(super) fn from_cell(line: &[u8], range: Range<usize>) -> Result<Self, AmountError> {
        decimal::hundred_thousandths(line, range).map(Self)
    }
}

impl core::str::FromStr for ExactYuan {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        Self::from_cell(text.as_bytes(), 0..text.len())
    }
}

impl fmt::Display for ExactYuan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let value = self.0.unsigned_abs();
        write!(f, "{sign}{}", value / YUAN.unsigned_abs())?;
        decimal::fraction(f, value % YUAN.unsigned_abs(), 5)
    }
}

impl fmt::Debug for ExactYuan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} yuan")
    }
}

/// Reads yuan text such as `19.90`, `0.0` or `3` as a whole number of fen. No float is involved.
///
/// ```
/// use wxpay_core::{Fen, bill};
///
/// assert_eq!(bill::parse_yuan("19.90"), Ok(Fen::new(1990)?));
/// assert!(bill::parse_yuan("4.00123E+27").is_err());
/// # Ok::<(), wxpay_core::FenError>(())
/// ```
///
/// # Errors
/// [`AmountError`]; [`AmountError::TooFine`] for a part of a fen.
pub fn parse_yuan(text: &str) -> Result<Fen, AmountError> {
    text.parse::<ExactYuan>()?.to_fen()
}

/// Why a text is not an amount or a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmountError {
    /// The text is not digits with at most one point between them.
    #[error("not a plain decimal number")]
    NotDecimal,
    /// The text has more decimals than the field's unit.
    #[error("more than {max_decimals} decimals")]
    TooFine {
        /// The most decimals.
        max_decimals: u8,
    },
    /// The amount is larger than any that can be.
    #[error("too large")]
    TooLarge,
    /// The amount is below nothing where it cannot be.
    #[error("below nothing")]
    Negative,
    /// A rate does not end in a percent sign.
    #[error("a rate without a percent sign")]
    NoPercent,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};
    use proptest::prelude::*;

    #[test]
    fn yuan_text_is_exact() {
        for (text, hundred_thousandths) in [
            ("0", 0),
            ("0.0", 0),
            ("-0.00", 0),
            ("20.0", 2_000_000),
            ("0.00600", 600),
            ("0.0060000", 600),
            ("-1299.02", -129_902_000),
            ("9999999999999.99999", 999_999_999_999_999_999),
        ] {
            let amount: ExactYuan = text.parse().unwrap();
            assert_eq!(amount.hundred_thousandths(), hundred_thousandths, "{text}");
        }
        for (text, why) in [
            ("", AmountError::NotDecimal),
            ("-", AmountError::NotDecimal),
            (".5", AmountError::NotDecimal),
            ("5.", AmountError::NotDecimal),
            ("1.2.3", AmountError::NotDecimal),
            ("+1", AmountError::NotDecimal),
            ("1 ", AmountError::NotDecimal),
            ("1,000", AmountError::NotDecimal),
            ("4.00123E+27", AmountError::NotDecimal),
            ("１", AmountError::NotDecimal),
            ("0.000001", AmountError::TooFine { max_decimals: 5 }),
            ("10000000000000", AmountError::TooLarge),
        ] {
            assert_eq!(text.parse::<ExactYuan>(), Err(why), "{text}");
        }
    }

    #[test]
    fn a_fen_is_whole_and_not_negative() {
        assert_eq!(parse_yuan("19.90").map(Fen::get), Ok(1990));
        assert_eq!(
            parse_yuan("0.001"),
            Err(AmountError::TooFine { max_decimals: 2 })
        );
        assert_eq!(parse_yuan("-0.01"), Err(AmountError::Negative));
    }

    proptest! {
        #[test]
        fn every_fen_comes_back(value in 0..10_u64.pow(15)) {
            let amount = Fen::new(value).unwrap();
            prop_assert_eq!(parse_yuan(&amount.yuan().to_string()), Ok(amount));
        }

        #[test]
        fn every_amount_comes_back(value in -10_i64.pow(18) + 1..10_i64.pow(18)) {
            let amount = ExactYuan(value);
            prop_assert_eq!(format!("{amount}").parse::<ExactYuan>(), Ok(amount));
        }
    }
}
