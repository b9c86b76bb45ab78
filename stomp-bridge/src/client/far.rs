//! Spans and sizes as callers give them, which may be `MAX` for "no limit".

use std::time::Duration;
use tokio::sync::Semaphore;

/// Thirty years: a clock can still be set ahead by that much, and nobody waits so long.
const FAR: Duration = Duration::from_hours(24 * 365 * 30);

/// The span, or one that is as good as for ever.
pub(crate) fn bounded(span: Duration) -> Duration {
    span.min(FAR)
}

/// Places of a channel: at least one, and no more than a channel can have.
pub(crate) fn places(wanted: usize) -> usize {
    wanted.clamp(1, Semaphore::MAX_PERMITS)
}
