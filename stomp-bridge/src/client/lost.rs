//! Why a publisher or a subscriber has no connection.

use super::connect_error::ConnectError;
use super::event::Cut;
use super::subscriber::SubscribeError;
use thiserror::Error;

/// Why there is no connection, as the status tells it. Its text is one line for an operator.
///
/// ```
/// use stomp_bridge::client::{Cut, Lost};
///
/// fn is_alarm(lost: &Lost) -> bool {
///     matches!(lost, Lost::Cut(Cut::Blocked))
/// }
/// assert!(is_alarm(&Lost::Cut(Cut::Blocked)));
/// assert!(!is_alarm(&Lost::Cut(Cut::Silent)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Lost {
    /// The last attempt to connect failed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The broker refused the subscription. A publisher has none.
    #[error("the broker refused the subscription: {message}: {body}")]
    Refused {
        /// The ERROR frame's `message` header.
        message: String,
        /// Its body.
        body: String,
    },
    /// There was a connection, and it ended.
    #[error(transparent)]
    Cut(#[from] Cut),
}

impl From<SubscribeError> for Lost {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::Connect(error) => Self::Connect(error),
            SubscribeError::Refused { message, body } => Self::Refused { message, body },
            SubscribeError::Cut(cut) => Self::Cut(cut),
        }
    }
}
