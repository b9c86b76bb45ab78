//! What the task tells its handles.

use crate::client::event::ServerInfo;
use crate::client::lost::Lost;
use std::sync::atomic::AtomicUsize;

/// What the publisher's connection is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Trying to connect, or waiting before the next try.
    Connecting {
        /// Attempts since the last connection, from 1.
        attempt: u32,
        /// Why there is no connection; `None` before the first attempt failed.
        last_error: Option<Lost>,
    },
    /// Connected.
    Connected {
        /// The broker.
        server: ServerInfo,
    },
    /// Stopped for good.
    Stopped,
}

/// What the task tells of the messages.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    /// Messages in the task without an answer.
    pub(super) open: AtomicUsize,
    /// Messages that the stop left without a receipt.
    pub(super) unsettled: AtomicUsize,
}
