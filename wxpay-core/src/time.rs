//! The gateway's clock: Beijing time.

use core::{fmt, str::FromStr};

/// Seconds that Beijing is ahead of UTC: eight hours, all year.
const BEIJING_OFFSET_S: i64 = 8 * 3600;
const DAY_S: i64 = 86_400;
/// 9999-12-31T23:59:59+08:00: four digits hold no later year.
const LAST_UNIX_S: i64 = 253_402_300_799 - BEIJING_OFFSET_S;

/// A moment as the API writes it: `yyyyMMddHHmmss` in UTC+8, to the second, in the years 1970 to 9999.
///
/// ```
/// use wxpay_core::BeijingTime;
///
/// let paid: BeijingTime = "20190320143646".parse()?;
/// assert_eq!(paid.unix_seconds(), 1_553_063_806);
/// assert_eq!(paid.rfc3339().to_string(), "2019-03-20T14:36:46+08:00");
/// assert_eq!(paid.to_string(), "20190320143646");
/// # Ok::<(), wxpay_core::BeijingTimeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "i64", into = "i64")
)]
pub struct BeijingTime {
    unix_s: i64,
}

impl BeijingTime {
    /// The moment `unix_s` seconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`BeijingTimeError::OutOfRange`] before 1970 and after 9999 in Beijing.
    pub const fn from_unix_seconds(unix_s: i64) -> Result<Self, BeijingTimeError> {
        if unix_s < -BEIJING_OFFSET_S || unix_s > LAST_UNIX_S {
            return Err(BeijingTimeError::OutOfRange);
        }
        Ok(Self { unix_s })
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.unix_s
    }

    /// The moment as RFC 3339 text, such as `2019-03-20T14:36:46+08:00`.
    #[must_use]
    pub const fn rfc3339(self) -> Rfc3339 {
        Rfc3339(self)
    }

    /// Reads `yyyy-MM-dd HH:mm:ss`, the form of bills and of refunds, which is in Beijing time as well.
    ///
    /// ```
    /// use wxpay_core::BeijingTime;
    ///
    /// assert_eq!(BeijingTime::parse_dashed("2019-03-20 14:36:46"), "20190320143646".parse());
    /// ```
    ///
    /// # Errors
    /// [`BeijingTimeError::NotDashed`] for another form, and as [`FromStr`] for what names no moment.
    pub fn parse_dashed(text: &str) -> Result<Self, BeijingTimeError> {
        let bytes: &[u8; 19] = text
            .as_bytes()
            .try_into()
            .map_err(|_| BeijingTimeError::NotDashed)?;
        #[rustfmt::skip]
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b' ', h1, h2, b':', n1, n2, b':', s1, s2] = *bytes else {
            return Err(BeijingTimeError::NotDashed);
        };
        let digits = [y1, y2, y3, y4, m1, m2, d1, d2, h1, h2, n1, n2, s1, s2];
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(BeijingTimeError::NotDashed);
        }
        Self::from_digits(&digits)
    }

    const fn civil(self) -> Civil {
        let local = self.unix_s + BEIJING_OFFSET_S;
        let (days, second) = (local.div_euclid(DAY_S), local.rem_euclid(DAY_S));
        // Days to a date in the proleptic Gregorian calendar, with years that begin in March.
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        Civil {
            year,
            month,
            day,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }
}

struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Civil {
    const fn days_of_month(&self) -> i64 {
        match self.month {
            2 if self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    const fn days(&self) -> i64 {
        let year = self.year - if self.month <= 2 { 1 } else { 0 };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = (self.month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }
}

impl fmt::Display for BeijingTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.civil();
        write!(
            f,
            "{:04}{:02}{:02}{:02}{:02}{:02}",
            c.year, c.month, c.day, c.hour, c.minute, c.second
        )
    }
}

impl fmt::Debug for BeijingTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.rfc3339(), f)
    }
}

/// Writes a moment as RFC 3339 with the offset `+08:00`. Made by [`BeijingTime::rfc3339`].
#[derive(Clone, Copy, Debug)]
pub struct Rfc3339(BeijingTime);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.0.civil();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+08:00",
            c.year, c.month, c.day, c.hour, c.minute, c.second
        )
    }
}

/// Why a text or number is not a time of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BeijingTimeError {
    /// The text is not fourteen decimal digits.
    #[error("a time is 14 digits: yyyyMMddHHmmss")]
    NotFourteenDigits,
    /// The text has not the form of [`BeijingTime::parse_dashed`].
    #[error("a time here is yyyy-MM-dd HH:mm:ss")]
    NotDashed,
    /// The digits name no moment, such as a thirteenth month or the 30th of February.
    #[error("no such date or time of day")]
    NoSuchMoment,
    /// The moment is before 1970 or after 9999.
    #[error("a time is between the years 1970 and 9999")]
    OutOfRange,
}

impl FromStr for BeijingTime {
    type Err = BeijingTimeError;

    fn from_str(text: &str) -> Result<Self, BeijingTimeError> {
        match text.as_bytes().try_into() {
            Ok(digits) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Self::from_digits(digits)
            }
            _ => Err(BeijingTimeError::NotFourteenDigits),
        }
    }
}

impl BeijingTime {
    /// Reads ASCII digits: `yyyyMMddHHmmss`.
    fn from_digits(digits: &[u8; 14]) -> Result<Self, BeijingTimeError> {
        let number = |from: usize, to: usize| {
            digits[from..to]
                .iter()
                .fold(0, |n, digit| n * 10 + i64::from(digit - b'0'))
        };
        let civil = Civil {
            year: number(0, 4),
            month: number(4, 6),
            day: number(6, 8),
            hour: number(8, 10),
            minute: number(10, 12),
            second: number(12, 14),
        };
        if !(1..=12).contains(&civil.month)
            || !(1..=civil.days_of_month()).contains(&civil.day)
            || civil.hour > 23
            || civil.minute > 59
            || civil.second > 59
        {
            return Err(BeijingTimeError::NoSuchMoment);
        }
        let unix_s = civil.days() * DAY_S + civil.hour * 3600 + civil.minute * 60 + civil.second
            - BEIJING_OFFSET_S;
        Self::from_unix_seconds(unix_s)
    }
}

impl TryFrom<i64> for BeijingTime {
    type Error = BeijingTimeError;

    fn try_from(unix_s: i64) -> Result<Self, BeijingTimeError> {
        Self::from_unix_seconds(unix_s)
    }
}

impl From<BeijingTime> for i64 {
    fn from(time: BeijingTime) -> Self {
        time.unix_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};
    use proptest::prelude::*;

    #[test]
    fn refuses_what_is_no_moment() {
        for text in ["2019032014364", "201903201436460", "2019032014364x", ""] {
            assert_eq!(
                text.parse::<BeijingTime>(),
                Err(BeijingTimeError::NotFourteenDigits),
                "{text}"
            );
        }
        for text in [
            "20190229000000",
            "21000229000000",
            "20191131000000",
            "20191301000000",
            "20190431000000",
            "20190100000000",
            "20190101240000",
            "20190101006000",
            "20190101000060",
        ] {
            assert_eq!(
                text.parse::<BeijingTime>(),
                Err(BeijingTimeError::NoSuchMoment),
                "{text}"
            );
        }
        assert_eq!(
            "19691231235959".parse::<BeijingTime>(),
            Err(BeijingTimeError::OutOfRange)
        );
        assert!("20200229235959".parse::<BeijingTime>().is_ok());
        assert!("20000229235959".parse::<BeijingTime>().is_ok());
        assert!("99991231235959".parse::<BeijingTime>().is_ok());
    }

    #[test]
    fn the_dashed_form_is_strict() {
        for text in [
            "2019-03-20 14:36:4",
            "2019-03-20 14:36:461",
            "2019-03-20T14:36:46",
            "2019-03-20  14:36:4",
            "2019/03/20 14:36:46",
            "2019-03-2x 14:36:46",
            "",
        ] {
            assert_eq!(
                BeijingTime::parse_dashed(text),
                Err(BeijingTimeError::NotDashed),
                "{text}"
            );
        }
        assert_eq!(
            BeijingTime::parse_dashed("2019-02-29 00:00:00"),
            Err(BeijingTimeError::NoSuchMoment)
        );
        assert_eq!(
            BeijingTime::parse_dashed("2019-03-20 14:36:46"),
            "20190320143646".parse()
        );
    }

    #[test]
    fn debug_is_readable() {
        let paid: BeijingTime = "20190320143646".parse().unwrap();
        assert_eq!(format!("{paid:?}"), "2019-03-20T14:36:46+08:00");
    }

    proptest! {
        #[test]
        fn every_second_comes_back(unix_s in -BEIJING_OFFSET_S..=LAST_UNIX_S) {
            let time = BeijingTime::from_unix_seconds(unix_s).unwrap();
            prop_assert_eq!(time.to_string().parse::<BeijingTime>(), Ok(time));
        }
    }
}
