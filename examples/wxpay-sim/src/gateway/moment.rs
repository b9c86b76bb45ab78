//! Moments of the simulator's clock.

use std::time::Duration;

use wxpay_core::BeijingTime;

/// 9999-12-31T23:59:59+08:00, the last second that the API can write.
const LAST: BeijingTime = match BeijingTime::from_unix_seconds(253_402_271_999) {
    Ok(last) => last,
    Err(_) => panic!("checked when this is compiled"),
};

/// A moment of the simulator's clock, to the millisecond, in the years 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    unix_ms: i64,
}

impl Moment {
    /// The moment `unix_ms` milliseconds after 1970-01-01T00:00:00Z; the nearest one that the API can write.
    #[must_use]
    pub fn from_unix_ms(unix_ms: i64) -> Self {
        Self {
            unix_ms: unix_ms.clamp(0, LAST.unix_seconds() * 1000 + 999),
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        self.unix_ms
    }

    /// The moment `time` later.
    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_ms(self.unix_ms.saturating_add(ms))
    }

    /// The time since `earlier`; none if that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.unix_ms - earlier.unix_ms).unwrap_or(0))
    }

    /// The second of this moment, as the API writes it.
    #[must_use]
    pub fn beijing(self) -> BeijingTime {
        BeijingTime::from_unix_seconds(self.unix_ms.div_euclid(1000)).unwrap_or(LAST)
    }

    /// RFC 3339 with milliseconds, such as `2019-03-20T14:36:46.000+08:00`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let second = self.beijing().rfc3339().to_string();
        let (head, offset) = second.split_at(second.len() - "+08:00".len());
        format!("{head}.{:03}{offset}", self.unix_ms.rem_euclid(1000))
    }
}

impl From<BeijingTime> for Moment {
    fn from(time: BeijingTime) -> Self {
        Self::from_unix_ms(time.unix_seconds() * 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_itself_and_stays_in_range() {
        let paid = Moment::from("20190320143646".parse::<BeijingTime>().unwrap());
        assert_eq!(
            paid.plus(Duration::from_millis(7)).rfc3339(),
            "2019-03-20T14:36:46.007+08:00"
        );
        assert_eq!(paid.beijing().to_string(), "20190320143646");
        assert_eq!(Moment::from_unix_ms(-1).unix_ms(), 0);
        let last = Moment::from_unix_ms(i64::MAX);
        assert_eq!(last.plus(Duration::MAX), last);
        assert_eq!(last.rfc3339(), "9999-12-31T23:59:59.999+08:00");
        assert_eq!(paid.since(last), Duration::ZERO);
    }
}
