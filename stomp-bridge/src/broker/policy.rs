//! Bounds that the operator lays on queues by name.

use super::pattern::{Pattern, PatternError};
use std::time::Duration;

/// RabbitMQ's policy on queues: bounds for those whose name has the pattern in it, whoever
/// declares them. The first policy that fits counts. Where a declaration brings a bound of its
/// own, the smaller one holds.
///
/// It closes a hole: who may declare `stomp-subscription-…` can leave queues behind that nobody
/// reads.
///
/// ```
/// use std::time::Duration;
/// use stomp_bridge::broker::{BrokerConfig, Policy};
///
/// let pages = Policy::new("^stomp-subscription-")?
///     .expires(Duration::from_mins(1))
///     .max_length(10);
/// let config = BrokerConfig::new().policy(pages);
/// # Ok::<(), stomp_bridge::broker::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub(crate) names: Pattern,
    pub(crate) expires: Option<Duration>,
    pub(crate) max_length: Option<usize>,
}

impl Policy {
    /// A policy without bounds for the names in which the regular expression is found.
    ///
    /// # Errors
    /// [`PatternError`] for what is no regular expression.
    pub fn new(names: &str) -> Result<Self, PatternError> {
        Ok(Self {
            names: names.parse()?,
            expires: None,
            max_length: None,
        })
    }

    /// The queue goes when it had no consumer for so long.
    #[must_use]
    pub fn expires(mut self, unused: Duration) -> Self {
        self.expires = Some(unused);
        self
    }

    /// Messages in the queue; beyond, the oldest is dropped.
    #[must_use]
    pub fn max_length(mut self, messages: usize) -> Self {
        self.max_length = Some(messages);
        self
    }
}
