//! Moments of the ledger.

use std::{
    fmt,
    ops::{Add, Sub},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use wxpay_core::BeijingTime;

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
///
/// Arithmetic stops at the ends of the range instead of wrapping.
///
/// ```
/// use std::time::Duration;
/// use order_store::Timestamp;
///
/// let noon = Timestamp::from_millis(1_553_054_400_000);
/// assert_eq!((noon + Duration::from_secs(2)).since(noon), Duration::from_secs(2));
/// assert_eq!(noon.since(noon + Duration::from_secs(2)), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `millis` milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// How long ago `earlier` was; nothing when it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The moment to the second, as the gateway writes it; pressed into the years it can write.
    #[must_use]
    pub fn beijing(self) -> BeijingTime {
        /// 9999-12-31T15:59:59Z, the last second of 9999 in Beijing.
        const LAST_UNIX_S: i64 = 253_402_271_999;
        BeijingTime::from_unix_seconds(self.0.div_euclid(1000).clamp(0, LAST_UNIX_S))
            .unwrap_or_else(|_| unreachable!("the range was pressed"))
    }
}

impl From<BeijingTime> for Timestamp {
    fn from(time: BeijingTime) -> Self {
        Self(time.unix_seconds().saturating_mul(1000))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, wait: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, back: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(back.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

/// RFC 3339 with the offset `+08:00`, to the second.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.beijing().rfc3339().fmt(f)
    }
}

/// Where a store takes its own time from: leases and waits of the outbox, never the facts of an order.
pub trait Clock: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Timestamp(0) + since
    }
}
