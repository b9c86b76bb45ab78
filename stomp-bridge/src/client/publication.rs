//! A message to publish.

use super::destination::Destination;
use super::publisher::NotSent;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// Headers that the publisher writes itself, and those that would change what a frame is.
const RESERVED: [&str; 10] = [
    "amqp-message-id",
    "content-length",
    "content-type",
    "destination",
    "id",
    "message-id",
    "persistent",
    "receipt",
    "transaction",
    "x-outbox-id",
];

/// One message for a destination. Persistent unless [`transient`](Self::transient) is called.
#[derive(Clone, PartialEq, Eq)]
pub struct Publication {
    pub(crate) destination: Destination,
    pub(crate) body: Bytes,
    pub(crate) content_type: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) key: Option<Arc<str>>,
    pub(crate) headers: Vec<(String, String)>,
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
            key: None,
            headers: Vec::new(),
            persistent: true,
        }
    }

    /// Sets the `content-type` header.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Sets the id that stays the same when the message is sent again, by the publisher after a
    /// reconnect or by the caller after an [`Unknown`](super::PublishError::Unknown) outcome, so
    /// that a consumer can drop the repeat. It travels as `x-outbox-id` and `amqp-message-id`.
    #[must_use]
    pub fn message_id(mut self, id: impl Into<String>) -> Self {
        self.message_id = Some(id.into());
        self
    }

    /// Sets what the message is about, such as an order's number. Messages of one key never
    /// overtake one another: while one is set aside because the broker breaks the connection on
    /// it, later ones of its key wait and those of other keys go on. It is not sent.
    ///
    /// Without a key a message waits for no other.
    #[must_use]
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Adds a header, such as RabbitMQ's `expiration` (milliseconds), `priority`, `correlation-id`,
    /// or `x-queue-type:quorum` where `/queue/NAME` declares a quorum queue. Headers that have a
    /// method of their own, or that the publisher writes, are refused by `publish`, and so
    /// is one that is there twice.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
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
                return Err(NotSent::ControlCharacter {
                    header: header.to_owned(),
                });
            }
        }
        self.headers.iter().try_for_each(check_header)?;
        match repeated(&self.headers) {
            Some(name) => Err(NotSent::RepeatedHeader {
                header: name.to_owned(),
            }),
            None => Ok(()),
        }
    }
}

/// The first header that one before it names already. There are few.
pub(super) fn repeated(headers: &[(String, String)]) -> Option<&str> {
    let mut names = headers.iter().map(|(name, _)| name.as_str()).enumerate();
    let repeats = |(at, name): &(usize, &str)| {
        let before = &headers[..*at];
        before
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
    };
    names.find(repeats).map(|(_, name)| name)
}

fn check_header((name, value): &(String, String)) -> Result<(), NotSent> {
    let header = name.escape_debug().to_string();
    // STOMP 1.0 cannot say a colon in a name.
    if name.is_empty()
        || name.contains(':')
        || RESERVED.contains(&name.to_ascii_lowercase().as_str())
    {
        return Err(NotSent::ReservedHeader { header });
    }
    if name.contains(char::is_control) || value.contains(char::is_control) {
        return Err(NotSent::ControlCharacter { header });
    }
    Ok(())
}

impl fmt::Debug for Publication {
    /// The body and the headers may be private: the size is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publication")
            .field("destination", &self.destination)
            .field("message_id", &self.message_id)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
