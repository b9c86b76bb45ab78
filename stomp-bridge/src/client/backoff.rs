//! How long to wait before the next connect.

use std::time::Duration;

/// Capped exponential backoff with full jitter: the wait before attempt *n* is uniform in
/// `0 ..= min(cap, base × 2ⁿ)`, so that many publishers do not come back at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Upper bound of the first wait.
    pub base: Duration,
    /// Upper bound of every wait.
    pub cap: Duration,
}

impl Default for Backoff {
    /// 200 ms, capped at 10 s.
    fn default() -> Self {
        Self {
            base: Duration::from_millis(200),
            cap: Duration::from_secs(10),
        }
    }
}

impl Backoff {
    /// The wait after `failures` failed connects in a row, from a uniform random number.
    #[must_use]
    pub fn wait(&self, failures: u32, random: u64) -> Duration {
        let doubled = self
            .base
            .saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX));
        let ceiling = u64::try_from(doubled.min(self.cap).as_nanos()).unwrap_or(u64::MAX);
        let share = u128::from(random) * u128::from(ceiling) / u128::from(u64::MAX);
        Duration::from_nanos(u64::try_from(share).unwrap_or(u64::MAX))
    }
}

/// A uniform random number. Without randomness the backoff is still a backoff, only without jitter.
pub(crate) fn jitter() -> u64 {
    getrandom::u64().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_the_cap_and_spreads_over_all_of_it() {
        let backoff = Backoff::default();
        assert_eq!(backoff.wait(0, u64::MAX), Duration::from_millis(200));
        assert_eq!(backoff.wait(3, u64::MAX), Duration::from_millis(1600));
        for failures in [6, 31, 32, u32::MAX] {
            assert_eq!(backoff.wait(failures, u64::MAX), Duration::from_secs(10));
        }
        assert_eq!(backoff.wait(9, 0), Duration::ZERO);
        let half = backoff.wait(9, u64::MAX / 2);
        assert!(half > Duration::from_millis(4999) && half < Duration::from_millis(5001));
    }
}
