//! The simulator's clock: the real time plus an offset that can be moved ahead.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::gateway::Moment;

/// The furthest that the clock can be ahead of the real time: ten years.
pub const CLOCK_AHEAD_MAX: Duration = Duration::from_hours(10 * 366 * 24);

/// The simulator's clock. Clones show the same time; it never goes back.
///
/// [`Clock::advance`] moves it ahead, for every clone and for the simulator itself: notifies that come due by it are
/// sent at once.
#[derive(Clone, Debug)]
pub struct Clock {
    ahead: Arc<watch::Sender<Duration>>,
}

/// The clock would be more than [`CLOCK_AHEAD_MAX`] ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock can be at most ten years ahead of the real time")]
pub struct TooFarAhead;

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            ahead: Arc::new(watch::Sender::new(Duration::ZERO)),
        }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Moment {
        let real = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Moment::from_unix_ms(0).plus(real).plus(self.ahead())
    }

    /// How far the clock is ahead of the real time.
    #[must_use]
    pub fn ahead(&self) -> Duration {
        *self.ahead.borrow()
    }

    /// Moves the clock ahead by this much more.
    ///
    /// # Errors
    /// [`TooFarAhead`]; the clock is not moved then.
    pub fn advance(&self, by: Duration) -> Result<(), TooFarAhead> {
        let mut moved = Err(TooFarAhead);
        self.ahead.send_if_modified(|ahead| {
            match ahead.checked_add(by).filter(|sum| *sum <= CLOCK_AHEAD_MAX) {
                Some(sum) => {
                    *ahead = sum;
                    moved = Ok(());
                    true
                }
                None => false,
            }
        });
        moved
    }

    /// Tells when the clock was moved.
    pub(crate) fn moves(&self) -> watch::Receiver<Duration> {
        self.ahead.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_move_together_and_not_too_far() {
        let clock = Clock::new();
        let other = clock.clone();
        let before = clock.now();
        clock.advance(Duration::from_hours(1)).unwrap();
        assert!(other.now().since(before) >= Duration::from_hours(1));
        assert_eq!(clock.advance(CLOCK_AHEAD_MAX), Err(TooFarAhead));
        assert_eq!(clock.advance(Duration::MAX), Err(TooFarAhead));
        assert_eq!(other.ahead(), Duration::from_hours(1));
    }
}
