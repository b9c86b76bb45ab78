//! How long a micropay waits for what.

use core::time::Duration;

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
}

impl Timing {
    /// The official guide's figures; 2 s between reverses, and at most 11 of them.
    pub const DEFAULT: Self = Self {
        query_every: Duration::from_secs(10),
        query_after_error: Duration::from_secs(5),
        poll_for: Duration::from_secs(45),
        reverse_not_before: Duration::from_secs(15),
        reverse_every: Duration::from_secs(2),
        reverses: 11,
    };
}

impl Default for Timing {
    fn default() -> Self {
        Self::DEFAULT
    }
}
