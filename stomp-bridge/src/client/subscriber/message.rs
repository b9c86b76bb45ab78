use super::deliveries::Tag;
use super::error::AckError;
use crate::client::acknowledge::Verdict;
use crate::client::event::Received;
use bytes::Bytes;
use std::fmt;
use tokio::sync::{mpsc, oneshot};

/// A message of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Where it was sent to, as the broker tells it.
    pub destination: String,
    /// All headers, in their order; the first of a repeated name counts.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    pub(super) delivery: Delivery,
}

/// What becomes of a message that was not consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Requeue {
    /// Back into its queue; it is delivered again, perhaps at once and to the same consumer.
    Yes,
    /// Out of its queue: to the queue's dead-letter exchange, and without one it is gone. RabbitMQ's
    /// `requeue:false`.
    DeadLetter,
}

/// How to answer for a message.
#[derive(Clone)]
pub(super) struct Delivery {
    /// `None` in mode auto.
    pub(super) tag: Option<Tag>,
    pub(super) settle: mpsc::Sender<Settle>,
}

/// Asks the task to tell the broker.
pub(super) struct Settle {
    pub(super) tag: Tag,
    pub(super) how: Verdict,
    pub(super) reply: oneshot::Sender<Result<(), AckError>>,
}

impl Message {
    pub(super) fn new(received: Received, delivery: Delivery) -> Self {
        let Received {
            destination,
            headers,
            body,
        } = received;
        Self {
            destination,
            headers,
            body,
            delivery,
        }
    }

    /// The value of the first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// The body as text, if it is UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    /// Whether the broker has delivered it before, to whomever: it may have been consumed.
    #[must_use]
    pub fn redelivered(&self) -> bool {
        self.header("redelivered") == Some("true")
    }

    /// Tells the broker that it is consumed. Returns when the connection that brought it has taken
    /// the ACK; if that connection is cut before the broker reads it, the message is delivered
    /// again all the same, so a consumer must stand a repeat.
    ///
    /// # Errors
    /// [`AckError`]; nothing was said to the broker then.
    pub async fn ack(&self) -> Result<(), AckError> {
        self.settle(Verdict::Ack).await
    }

    /// Tells the broker that it is not consumed. In mode `client` that counts for all messages
    /// before it too.
    ///
    /// # Errors
    /// [`AckError`]; nothing was said to the broker then.
    pub async fn nack(&self, requeue: Requeue) -> Result<(), AckError> {
        self.settle(Verdict::Nack(requeue)).await
    }

    async fn settle(&self, how: Verdict) -> Result<(), AckError> {
        let tag = self.delivery.tag.ok_or(AckError::AutoMode)?;
        let (reply, answer) = oneshot::channel();
        let settle = Settle { tag, how, reply };
        let sent = self.delivery.settle.send(settle).await;
        sent.map_err(|_| AckError::Stopped)?;
        answer.await.unwrap_or(Err(AckError::Stopped))
    }
}

fn first<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(n, _)| n == name);
    found.map(|(_, value)| value.as_str())
}

impl PartialEq for Delivery {
    fn eq(&self, other: &Self) -> bool {
        self.tag == other.tag && self.settle.same_channel(&other.settle)
    }
}

impl Eq for Delivery {}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tag.fmt(f)
    }
}
