//! What the task tells its handle.

use crate::client::event::ServerInfo;
use crate::client::lost::Lost;

/// What a subscription is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriberStatus {
    /// Trying to connect and subscribe, or waiting before the next try.
    Connecting {
        /// Attempts since the last subscription, from 1.
        attempt: u32,
        /// Why there is none; `None` before the first attempt failed.
        last_error: Option<Lost>,
    },
    /// The broker has confirmed the subscription: what is published from then on is not missed.
    Subscribed {
        /// The broker.
        server: ServerInfo,
    },
    /// Ended for good.
    Ended,
}
