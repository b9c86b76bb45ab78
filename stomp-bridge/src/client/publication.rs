//! A message to publish, and how its publication can end.

use super::destination::Destination;
use super::event::Cut;
use bytes::Bytes;
use std::fmt;
use thiserror::Error;

/// One message for a destination. Persistent unless [`transient`](Self::transient) is called.
#[derive(Clone, PartialEq, Eq)]
pub struct Publication {
    pub(crate) destination: Destination,
    pub(crate) body: Bytes,
    pub(crate) content_type: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) persistent: bool,
}

impl Publication {
    /// A persistent message.
    #[must_use]
    pub fn new(destination: Destination, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            destination,
            body,
            content_type: None,
            message_id: None,
            persistent: true,
        }
    }

    /// Sets the `content-type` header.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Sets the id that stays the same when the message is published again after an
    /// [`Unknown`](PublishError::Unknown) outcome, so that a consumer can drop the repeat. It
    /// travels as `x-outbox-id` and `amqp-message-id`.
    #[must_use]
    pub fn message_id(mut self, id: impl Into<String>) -> Self {
        self.message_id = Some(id.into());
        self
    }

    /// Leaves out `persistent:true`: the broker may lose the message in a restart.
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.persistent = false;
        self
    }

    pub(crate) fn check(&self, max_body_bytes: usize) -> Result<(), NotSent> {
        if self.body.len() > max_body_bytes {
            return Err(NotSent::TooLarge {
                bytes: self.body.len(),
                max_body_bytes,
            });
        }
        for (header, value) in [
            ("content-type", &self.content_type),
            ("x-outbox-id", &self.message_id),
        ] {
            if value.as_ref().is_some_and(|v| v.contains(char::is_control)) {
                return Err(NotSent::ControlCharacter { header });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Publication {
    /// The body may be private: its size is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publication")
            .field("destination", &self.destination)
            .field("message_id", &self.message_id)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The broker's RECEIPT came: it has the message in every queue it was routed to, on disk where
/// the queue is durable and the message persistent. It does not say that there was such a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published;

/// How a publication can fail. [`may_have_arrived`](Self::may_have_arrived) is the question that
/// decides whether a repeat can be a duplicate.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The broker said no to this message. A repeat will meet the same answer until the message
    /// or the broker's set-up changes. RabbitMQ says so over TCP only; over WebSocket it closes
    /// the socket, which is [`Unknown`](Self::Unknown).
    #[error("the broker refused it: {message}: {body}")]
    Refused {
        /// The ERROR frame's `message` header.
        message: String,
        /// Its body.
        body: String,
    },
    /// It was sent and no receipt came. It may have arrived: publish it again with the same id.
    #[error("no receipt came, it may have arrived: {reason}")]
    Unknown {
        /// What came instead of the receipt.
        reason: Cut,
    },
    /// It surely did not leave this process.
    #[error("it was not sent: {0}")]
    NotSent(#[from] NotSent),
}

impl PublishError {
    /// Whether the broker may have the message all the same.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

/// Why a message did not leave.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotSent {
    /// No connection with room in its window within the queue's time-out.
    #[error("no connection with room for it in time")]
    TimedOut,
    /// The publisher is stopped or stopping.
    #[error("the publisher is stopped")]
    Stopped,
    /// The body is larger than the configured limit.
    #[error("a body of {bytes} bytes is above the limit of {max_body_bytes}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max_body_bytes: usize,
    },
    /// A header value holds a control character.
    #[error("{header} holds a control character")]
    ControlCharacter {
        /// The header.
        header: &'static str,
    },
}
