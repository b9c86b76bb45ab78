//! Rates of commission, which a bill states in percent.

use core::fmt;

use super::{AmountError, decimal};

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
        let millionths = decimal::scaled(number.as_bytes(), 4)?;
        u32::try_from(millionths)
            .map(Self)
            .map_err(|_| AmountError::TooLarge)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 / 10_000)?;
        decimal::fraction(f, u64::from(self.0 % 10_000), 4)?;
        f.write_str("%")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
