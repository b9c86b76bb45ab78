//! How long a micropay waits for what.

use core::time::Duration;

use super::MicropayFlow;

const fn max(a: Duration, b: Duration) -> Duration {
    if a.as_nanos() > b.as_nanos() { a } else { b }
}

/// The figures of a micropay: the official guide's, unless a caller changes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between queries while the payer is typing a password. The guide says about 10 s.
    pub query_every: Duration,
    /// Before a query after an answer that settles nothing. The guide says 5 s after `SYSTEMERROR`.
    pub query_after_error: Duration,
    /// How long after the micropay queries begin at the latest; then the order is reversed. The guide says about 45 s.
    pub poll_for: Duration,
    /// How long after the micropay's answer a reverse is taken. The gateway's rule: 15 s.
    pub reverse_not_before: Duration,
    /// Between reverses.
    pub reverse_every: Duration,
    /// The most reverses that are sent, the first among them: its answer may ask for more with `recall`. None counts as one.
    pub reverses: u32,
    /// How long after the first reverse was due another is sent at the latest, however slow the gateway is; then the order
    /// is looked at a last time.
    pub reverse_for: Duration,
}

impl Timing {
    /// The official guide's figures; 2 s between reverses, at most 11 of them, and none after a minute.
    pub const DEFAULT: Self = Self {
        query_every: Duration::from_secs(10),
        query_after_error: Duration::from_secs(5),
        poll_for: Duration::from_secs(45),
        reverse_not_before: Duration::from_secs(15),
        reverse_every: Duration::from_secs(2),
        reverses: 11,
        reverse_for: Duration::from_mins(1),
    };

    /// The longest that a flow can take from its beginning to its end, when no step takes longer than `exchange` beyond the
    /// wait that belongs to it. With the default figures and 15 s for an exchange: not quite three minutes.
    ///
    /// ```
    /// use core::time::Duration;
    /// use wxpay_core::micropay::Timing;
    ///
    /// assert_eq!(Timing::DEFAULT.longest(Duration::from_secs(15)), Duration::from_secs(172));
    /// ```
    #[must_use]
    pub const fn longest(&self, exchange: Duration) -> Duration {
        let last_looks = MicropayFlow::LAST_QUERIES;
        let looked = exchange
            .saturating_mul(last_looks + 1)
            .saturating_add(self.query_after_error.saturating_mul(last_looks - 1));
        // The micropay or the last query, which began in time; the wait for the first reverse; the reverse that began in
        // time, and one last query that is begun late.
        let reversed = exchange
            .saturating_add(self.poll_for)
            .saturating_add(self.reverse_not_before)
            .saturating_add(self.reverse_for)
            .saturating_add(max(self.reverse_every, self.query_after_error))
            .saturating_add(self.reverse_every)
            .saturating_add(exchange.saturating_mul(2));
        max(looked, reversed)
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self::DEFAULT
    }
}
