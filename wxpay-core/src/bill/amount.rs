//! Exact decimals of a bill: yuan, with up to five decimals, and rates.

use core::fmt;

use crate::Fen;

/// Hundred-thousandths of a yuan in a yuan.
const YUAN: i64 = 100_000;
/// Hundred-thousandths of a yuan in a fen.
const FEN: i64 = YUAN / 100;
/// Digits before the point that are read: ten trillion yuan fit, and so does every sum below them.
const MAX_WHOLE_DIGITS: usize = 13;

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

    const fn to_fen(self) -> Result<Fen, AmountError> {
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

    pub(super) fn from_bytes(text: &[u8]) -> Result<Self, AmountError> {
        let (negative, digits) = match text.split_first() {
            Some((b'-', digits)) => (true, digits),
            _ => (false, text),
        };
        let value = scaled(digits, 5)?;
        Ok(Self(if negative { -value } else { value }))
    }
}

impl core::str::FromStr for ExactYuan {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        Self::from_bytes(text.as_bytes())
    }
}

impl fmt::Display for ExactYuan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let value = self.0.unsigned_abs();
        write!(f, "{sign}{}", value / YUAN.unsigned_abs())?;
        fraction(f, value % YUAN.unsigned_abs(), 5)
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
    fen(text.as_bytes())
}

pub(super) fn fen(text: &[u8]) -> Result<Fen, AmountError> {
    // Most amounts of a bill are this.
    if text == b"0.00" {
        return Ok(Fen::ZERO);
    }
    ExactYuan::from_bytes(text)?.to_fen()
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

/// The part of an amount that the gateway keeps: `0.60%` is 6000 millionths.
///
/// ```
/// use wxpay_core::bill::Rate;
///
/// let rate: Rate = "0.60%".parse()?;
/// assert_eq!(rate.millionths(), 6_000);
/// assert_eq!(rate.to_string(), "0.60%");
/// # Ok::<(), wxpay_core::bill::AmountError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u32);

impl Rate {
    /// The rate in millionths of the amount.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }
}

impl core::str::FromStr for Rate {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let number = text.strip_suffix('%').ok_or(AmountError::NoPercent)?;
        let millionths = scaled(number.as_bytes(), 4)?;
        u32::try_from(millionths)
            .map(Self)
            .map_err(|_| AmountError::TooLarge)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 / 10_000)?;
        fraction(f, u64::from(self.0 % 10_000), 4)?;
        f.write_str("%")
    }
}

/// The powers of ten up to the most decimals.
const POWERS: [i64; 6] = [1, 10, 100, 1_000, 10_000, 100_000];

/// `digits`, with or without a point, as a whole number of the unit that has `decimals` decimals.
fn scaled(digits: &[u8], decimals: u8) -> Result<i64, AmountError> {
    let mut value = 0_i64;
    let mut whole = 0;
    let mut rest = digits;
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        whole += 1;
        if whole > MAX_WHOLE_DIGITS {
            return Err(AmountError::TooLarge);
        }
        value = value * 10 + i64::from(digit - b'0');
        rest = tail;
    }
    if whole == 0 {
        return Err(AmountError::NotDecimal);
    }
    let mut missing = decimals;
    if let [b'.', tail @ ..] = rest {
        if tail.is_empty() {
            return Err(AmountError::NotDecimal);
        }
        for digit in tail {
            if !digit.is_ascii_digit() {
                return Err(AmountError::NotDecimal);
            }
            if missing > 0 {
                missing -= 1;
                value = value * 10 + i64::from(digit - b'0');
            } else if *digit != b'0' {
                return Err(AmountError::TooFine {
                    max_decimals: decimals,
                });
            }
        }
    } else if !rest.is_empty() {
        return Err(AmountError::NotDecimal);
    }
    Ok(value * POWERS[usize::from(missing)])
}

/// Writes the decimals behind the point: two at least, and no zeros behind those.
fn fraction(f: &mut fmt::Formatter<'_>, mut value: u64, mut decimals: usize) -> fmt::Result {
    while decimals > 2 && value.is_multiple_of(10) {
        value /= 10;
        decimals -= 1;
    }
    write!(f, ".{value:0decimals$}")
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

    #[test]
    fn rates() {
        for (text, millionths) in [("0.60%", 6_000), ("1%", 10_000), ("0.0001%", 1)] {
            assert_eq!(text.parse::<Rate>().unwrap().millionths(), millionths);
        }
        assert_eq!("0.60".parse::<Rate>(), Err(AmountError::NoPercent));
        assert_eq!(
            "0.00001%".parse::<Rate>(),
            Err(AmountError::TooFine { max_decimals: 4 })
        );
        assert_eq!("999999%".parse::<Rate>(), Err(AmountError::TooLarge));
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
