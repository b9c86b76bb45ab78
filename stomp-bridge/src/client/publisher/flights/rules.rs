//! What a message may cost in time and tries, and when its time is over.

use super::table::Flight;
use crate::client::Backoff;
use std::time::{Duration, Instant};

/// Whether messages whose receipt a cut swallowed are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resend {
    /// They are answered [`Unknown`](crate::client::PublishError::Unknown) at once.
    Never,
    /// They are sent again after the reconnect with the same headers, so with the same
    /// `x-outbox-id`, until this long after the call of `publish`.
    Within(Duration),
}

#[derive(Debug, Clone, Copy)]
pub(in crate::client::publisher) struct Rules {
    pub(in crate::client::publisher) resend: Resend,
    /// From `publish` to the first SEND.
    pub(in crate::client::publisher) queue_timeout: Duration,
    /// Trials that a message must fail to be called poison.
    pub(in crate::client::publisher) poison_tries: u32,
    /// The waits between them, without jitter.
    pub(in crate::client::publisher) backoff: Backoff,
    /// Messages that may wait here for their first SEND.
    pub(in crate::client::publisher) max_fresh: usize,
    /// Messages that may be here at all.
    pub(in crate::client::publisher) max_open: usize,
}

impl Rules {
    pub(super) fn deadline<R>(&self, flight: &Flight<R>) -> Instant {
        flight.since
            + match self.resend {
                _ if !flight.was_sent => self.queue_timeout,
                Resend::Never => Duration::ZERO,
                Resend::Within(within) => within,
            }
    }

    pub(super) fn gone_past<R>(&self, flight: &Flight<R>, now: Instant) -> bool {
        self.deadline(flight) <= now
    }
}
