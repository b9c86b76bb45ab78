//! How a publication can end.

use crate::client::event::Cut;
use thiserror::Error;

/// The broker's RECEIPT came.
///
/// What it proves: the broker has the message in every queue that it was routed to, on disk where
/// the queue is durable and the message persistent.
///
/// What it does not prove:
/// - that there was such a queue. RabbitMQ confirms, and drops, a message to an exchange without a
///   fitting binding or to `/amq/queue/NAME` of a missing queue. `/queue/NAME` is declared by the
///   first SEND to it on each connection, and not again on that connection: a queue that is deleted
///   meanwhile loses what is sent until the next connect. [`QueueCheck`](super::QueueCheck) looks
///   for that;
/// - that a consumer has it, or will have it once: a message whose receipt was lost is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published;

/// How a publication can fail. [`may_have_arrived`](Self::may_have_arrived) is the question that
/// decides whether a repeat can be a duplicate; [`advice`](Self::advice) is what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The broker said no to this message. A repeat will meet the same answer until the message
    /// or the broker's set-up changes. RabbitMQ says so over TCP only; over WebSocket it closes
    /// the socket, which comes out as [`Poison`](Self::Poison).
    #[error("the broker refused it: {message}: {body}")]
    Refused {
        /// The ERROR frame's `message` header.
        message: String,
        /// Its body.
        body: String,
    },
    /// A poison message: each time that it was sent first and alone on a new connection, that ended
    /// without a receipt, and the next one, without it, held several times as long.
    #[error("{tries} new connections ended with this message alone in flight: {reason}")]
    Poison {
        /// How many such trials it failed.
        tries: u32,
        /// The last end.
        reason: Cut,
    },
    /// An earlier message of the same key has failed while this one was on its way, and this one
    /// stays behind it.
    #[error("{} of the same key has failed", earlier.as_deref().unwrap_or("an earlier message"))]
    KeyBlocked {
        /// The earlier message's id, if it has one.
        earlier: Option<String>,
        /// Whether this one was sent before that was known.
        sent: bool,
    },
    /// It was sent and no receipt came in time. It may have arrived: publish it again with the
    /// same id.
    #[error("no receipt came, it may have arrived: {reason}")]
    Unknown {
        /// What came instead of the receipt.
        reason: Cut,
    },
    /// It surely did not leave this process.
    #[error("it was not sent: {0}")]
    NotSent(#[from] NotSent),
}

/// What a caller can do after a [`PublishError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Publish it again, with the same message id: the consumer can drop a repeat.
    PublishAgain,
    /// Publish it again after the earlier message of its key.
    AfterEarlier,
    /// Set it aside for a person: a repeat will meet the same end until something changes.
    Park,
    /// The message itself is wrong; the error names the field.
    Correct,
    /// This publisher takes nothing any more: make another one.
    NewPublisher,
}

impl PublishError {
    /// Whether the broker may have the message all the same.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::Unknown { .. } | Self::Poison { .. } => true,
            Self::KeyBlocked { sent, .. } => *sent,
            Self::Refused { .. } | Self::NotSent(_) => false,
        }
    }

    /// What to do with the message.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Refused { .. } | Self::Poison { .. } => Advice::Park,
            Self::KeyBlocked { .. } => Advice::AfterEarlier,
            Self::Unknown {
                reason: Cut::Stopped,
            }
            | Self::NotSent(NotSent::Stopped) => Advice::NewPublisher,
            Self::Unknown { .. } | Self::NotSent(NotSent::TimedOut) => Advice::PublishAgain,
            Self::NotSent(
                NotSent::TooLarge { .. }
                | NotSent::ControlCharacter { .. }
                | NotSent::RepeatedHeader { .. }
                | NotSent::ReservedHeader { .. },
            ) => Advice::Correct,
        }
    }
}

/// Why a message did not leave.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotSent {
    /// No connection with room in its window within the queue's time-out, or an earlier message of
    /// its key took that long.
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
    /// A header holds a control character.
    #[error("{header} holds a control character")]
    ControlCharacter {
        /// The header.
        header: String,
    },
    /// A header that is there already, in large or small letters: brokers take the first, others the last.
    #[error("the header {header:?} is there twice")]
    RepeatedHeader {
        /// The header.
        header: String,
    },
    /// A header that the publisher writes itself, one without a name, or a name with a colon.
    #[error("the header {header:?} cannot be set")]
    ReservedHeader {
        /// The header.
        header: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_says_what_to_do() {
        let reason = Cut::ReceiptTimeout;
        let unknown = PublishError::Unknown { reason };
        assert!(unknown.may_have_arrived());
        assert_eq!(unknown.advice(), Advice::PublishAgain);
        let refused = PublishError::Refused {
            message: "access_refused".into(),
            body: String::new(),
        };
        assert!(!refused.may_have_arrived());
        assert_eq!(refused.advice(), Advice::Park);
        for (sent, reason) in [(true, Cut::Stopped), (false, Cut::Silent)] {
            let behind = PublishError::KeyBlocked {
                earlier: Some("A1".into()),
                sent,
            };
            assert_eq!(behind.may_have_arrived(), sent);
            assert_eq!(behind.advice(), Advice::AfterEarlier);
            assert_eq!(behind.to_string(), "A1 of the same key has failed");
            let poison = PublishError::Poison { tries: 3, reason };
            assert!(poison.may_have_arrived());
            assert_eq!(poison.advice(), Advice::Park);
        }
        for (not_sent, advice) in [
            (NotSent::TimedOut, Advice::PublishAgain),
            (NotSent::Stopped, Advice::NewPublisher),
            (
                NotSent::ControlCharacter { header: "a".into() },
                Advice::Correct,
            ),
        ] {
            let error = PublishError::from(not_sent);
            assert!(!error.may_have_arrived());
            assert_eq!(error.advice(), advice);
        }
    }
}
