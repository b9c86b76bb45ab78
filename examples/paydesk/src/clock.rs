//! Whose time it is.

use std::time::{SystemTime, UNIX_EPOCH};

use order_store::Timestamp;

/// The service's clock: this machine's, or the simulator's, which a person can put forward.
#[derive(Clone)]
pub(crate) enum Clock {
    Real,
    Sim(wxpay_sim::Clock),
}

impl Clock {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) fn now(&self) -> Timestamp {
        let millis = match self {
            Self::Real => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| {
                    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
                }),
            Self::Sim(clock) => clock.now().unix_ms(),
        };
        Timestamp::from_millis(millis)
    }
}
