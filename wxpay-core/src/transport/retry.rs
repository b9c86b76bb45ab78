//! Whether a request may be sent again, and when.

use core::time::Duration;

use crate::api::Repeat;

/// How a try failed, as far as a repeat is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The request never left, and may get through the next time: no connection.
    NotSent,
    /// The request may have arrived and may have had its effect.
    Unknown,
    /// The gateway's proven answer: busy, send the same parameters again.
    RetrySame,
    /// Anything that a repeat does not mend: a proven refusal, a request that breaks a rule, a missing certificate.
    Lasting,
}

/// When a request is sent again: only where that cannot do anything twice, always with the same business parameters, and
/// only so many times.
///
/// What never left may be sent again to every endpoint. What may have arrived is sent again only to an endpoint where a
/// repeat is safe. What the gateway refused is sent again only when its code says so.
///
/// ```
/// use core::time::Duration;
/// use wxpay_core::{api::Repeat, transport::{Failure, RetryPolicy}};
///
/// let policy = RetryPolicy::new(3);
/// assert_eq!(policy.next(1, Repeat::QueryFirst, Failure::Unknown, 0), None);
/// assert_eq!(policy.next(1, Repeat::QueryFirst, Failure::NotSent, 0), Some(Duration::from_millis(250)));
/// assert_eq!(policy.next(3, Repeat::QueryFirst, Failure::NotSent, 0), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    tries: u32,
    first_wait: Duration,
    longest_wait: Duration,
}

impl RetryPolicy {
    /// One try.
    pub const NEVER: Self = Self::new(1);
    /// The longest that is waited before the second try, if nothing else is said.
    pub const DEFAULT_FIRST_WAIT: Duration = Duration::from_millis(500);
    /// The longest that is waited before any try, if nothing else is said.
    pub const DEFAULT_LONGEST_WAIT: Duration = Duration::from_secs(5);

    /// At most `tries` tries in all, the first among them. None counts as one.
    #[must_use]
    pub const fn new(tries: u32) -> Self {
        Self {
            tries,
            first_wait: Self::DEFAULT_FIRST_WAIT,
            longest_wait: Self::DEFAULT_LONGEST_WAIT,
        }
    }

    /// The longest wait before the second try, and the longest before any. Each wait is twice the one before, and chance
    /// takes up to half of it away.
    #[must_use]
    pub const fn waits(mut self, first: Duration, longest: Duration) -> Self {
        self.first_wait = first;
        self.longest_wait = longest;
        self
    }

    /// How long to wait before the same request is sent again; none when it must not be.
    ///
    /// `tries` is how many there were, at least one. `random` is any number, a fresh one each time.
    #[must_use]
    pub fn next(
        &self,
        tries: u32,
        repeat: Repeat,
        failure: Failure,
        random: u32,
    ) -> Option<Duration> {
        let allowed = match failure {
            Failure::NotSent | Failure::RetrySame => true,
            Failure::Unknown => matches!(repeat, Repeat::Safe | Repeat::SameNumber),
            Failure::Lasting => false,
        };
        (allowed && tries < self.tries).then(|| self.wait(tries, random))
    }

    fn wait(&self, tries: u32, random: u32) -> Duration {
        let doublings = tries.saturating_sub(1).min(16);
        let whole = self
            .first_wait
            .saturating_mul(1 << doublings)
            .min(self.longest_wait);
        let half = whole / 2;
        let nanos = half.as_nanos() * u128::from(random) / u128::from(u32::MAX);
        half.saturating_add(Duration::from_nanos(
            u64::try_from(nanos).unwrap_or(u64::MAX),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_arrived_is_repeated_only_where_that_is_safe() {
        let policy = RetryPolicy::new(2);
        for (failure, repeat, allowed) in [
            (Failure::NotSent, Repeat::Safe, true),
            (Failure::Unknown, Repeat::SameNumber, true),
            (Failure::Lasting, Repeat::SameNumber, false),
            (Failure::NotSent, Repeat::QueryFirst, true),
            (Failure::RetrySame, Repeat::Safe, true),
            (Failure::RetrySame, Repeat::QueryFirst, true),
            (Failure::Unknown, Repeat::Safe, true),
            (Failure::Unknown, Repeat::QueryFirst, false),
            (Failure::Lasting, Repeat::Safe, false),
            (Failure::Lasting, Repeat::QueryFirst, false),
        ] {
            let next = policy.next(1, repeat, failure, 7);
            assert_eq!(next.is_some(), allowed, "{failure:?} {repeat:?}");
            assert_eq!(policy.next(2, repeat, failure, 7), None);
            assert_eq!(RetryPolicy::NEVER.next(1, repeat, failure, 7), None);
        }
    }

    #[test]
    fn waits_double_to_the_longest() {
        let policy = RetryPolicy::new(u32::MAX)
            .waits(Duration::from_millis(100), Duration::from_millis(350));
        for (tries, most) in [(1, 100), (2, 200), (3, 350), (4, 350), (u32::MAX - 1, 350)] {
            let wait = |random| {
                policy
                    .next(tries, Repeat::Safe, Failure::NotSent, random)
                    .unwrap()
            };
            let most = Duration::from_millis(most);
            assert_eq!(wait(0), most / 2);
            assert_eq!(wait(u32::MAX), most);
            assert!(wait(u32::MAX / 3) < wait(u32::MAX / 2));
        }
        let endless = RetryPolicy::new(9).waits(Duration::MAX, Duration::MAX);
        assert!(
            endless.next(8, Repeat::Safe, Failure::NotSent, u32::MAX)
                > Some(Duration::from_secs(1))
        );
    }
}
