use crate::client::ConnectError;
use crate::client::event::Cut;
use thiserror::Error;

/// Why there is no subscription.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The broker said no. RabbitMQ says so over TCP only.
    #[error("the broker refused the subscription: {message}: {body}")]
    Refused {
        /// The ERROR frame's `message` header.
        message: String,
        /// Its body.
        body: String,
    },
    /// The connection ended before the receipt.
    #[error("no receipt for the subscription: {0}")]
    Cut(Cut),
}

/// Why an acknowledgement did not go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AckError {
    /// The connection that brought the message is over. The broker has taken the message back and
    /// delivers it again, marked `redelivered`.
    #[error("the connection that brought the message is over; the broker delivers it again")]
    StaleConnection,
    /// It was acknowledged before, alone or, in mode `client`, with a later one.
    #[error("the message is settled already")]
    AlreadySettled,
    /// In mode `auto` the broker counts it as consumed.
    #[error("messages of a subscription in mode auto are not acknowledged")]
    AutoMode,
    /// STOMP 1.0, which the connection speaks, has no NACK.
    #[error("STOMP 1.0 has no NACK")]
    NoNack,
    /// The subscriber has ended. The broker delivers the message again, to whom it likes.
    #[error("the subscriber has ended; the broker delivers the message again")]
    Stopped,
}
