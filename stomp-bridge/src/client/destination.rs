//! RabbitMQ's destinations, as a type that cannot hold a wrong one.

use crate::percent::encode_part;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use thiserror::Error;

/// A full destination path. RabbitMQ takes a bare name too and means something else by it, so only
/// full paths are accepted here. Cloning it copies no text: every message has one.
///
/// ```
/// use stomp_bridge::client::Destination;
/// assert_eq!(Destination::exchange("paynotify", "k1")?.as_str(), "/exchange/paynotify/k1");
/// assert_eq!(Destination::queue("a/b")?.as_str(), "/queue/a%2Fb");
/// # Ok::<(), stomp_bridge::client::DestinationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination(Arc<str>);

/// Why a text is no destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DestinationError {
    /// The name of a queue or exchange is empty.
    #[error("a queue or exchange needs a name")]
    EmptyName,
    /// A control character, which could forge a header.
    #[error("a destination holds no control characters")]
    ControlCharacter,
    /// Not one of `/queue/NAME`, `/exchange/NAME[/KEY]`, `/amq/queue/NAME`, `/topic/KEY`.
    #[error("not /queue/NAME, /exchange/NAME[/KEY], /amq/queue/NAME or /topic/KEY")]
    UnknownForm,
}

impl Destination {
    /// `/queue/NAME`. RabbitMQ declares the queue (durable) on the first SEND or SUBSCRIBE, which
    /// needs the configure right on it; an existing queue must have the same arguments.
    ///
    /// # Errors
    /// An empty name or a control character.
    pub fn queue(name: &str) -> Result<Self, DestinationError> {
        Ok(Self(format!("/queue/{}", segment(name)?).into()))
    }

    /// `/amq/queue/NAME`: a queue that exists. RabbitMQ never declares it, and confirms and drops
    /// a message when it is missing.
    ///
    /// # Errors
    /// An empty name or a control character.
    pub fn amq_queue(name: &str) -> Result<Self, DestinationError> {
        Ok(Self(format!("/amq/queue/{}", segment(name)?).into()))
    }

    /// `/exchange/NAME/KEY`, or `/exchange/NAME` with `None`.
    ///
    /// # Errors
    /// An empty name or key, or a control character.
    pub fn exchange<'a>(
        name: &str,
        routing_key: impl Into<Option<&'a str>>,
    ) -> Result<Self, DestinationError> {
        let name = segment(name)?;
        let path = match routing_key.into() {
            None => format!("/exchange/{name}"),
            Some(key) => format!("/exchange/{name}/{}", segment(key)?),
        };
        Ok(Self(path.into()))
    }

    /// The path as it stands in the `destination` header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        if path.contains(char::is_control) {
            return Err(DestinationError::ControlCharacter);
        }
        let mut parts = path.split('/');
        let known = parts.next() == Some("")
            && match (parts.next(), parts.clone().count()) {
                (Some("queue" | "topic"), 1) | (Some("exchange"), 1 | 2) => true,
                (Some("amq"), 2) => parts.next() == Some("queue"),
                _ => false,
            };
        match known {
            false => Err(DestinationError::UnknownForm),
            true if parts.any(str::is_empty) => Err(DestinationError::EmptyName),
            true => Ok(Self(path.into())),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RabbitMQ splits the path at `/` and percent-decodes each part.
fn segment(name: &str) -> Result<String, DestinationError> {
    if name.is_empty() {
        return Err(DestinationError::EmptyName);
    }
    if name.contains(char::is_control) {
        return Err(DestinationError::ControlCharacter);
    }
    Ok(encode_part(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constructors_and_paths_agree() {
        for made in [
            Destination::queue("order_pay"),
            Destination::amq_queue("order_pay"),
            Destination::exchange("paynotify", None),
            Destination::exchange("paynotify", "a/b%c"),
        ] {
            let made = made.unwrap();
            assert_eq!(made.as_str().parse(), Ok(made.clone()));
        }
    }

    #[test]
    fn what_rabbitmq_would_read_otherwise_is_refused() {
        use DestinationError as E;
        for (path, error) in [
            ("order_pay", E::UnknownForm),
            ("/foo/bar", E::UnknownForm),
            ("/queue/a/b", E::UnknownForm),
            ("/amq/topic/a", E::UnknownForm),
            ("/queue/", E::EmptyName),
            ("/exchange/", E::EmptyName),
            ("/exchange/a/", E::EmptyName),
            ("/queue/a\nreceipt:x", E::ControlCharacter),
        ] {
            assert_eq!(path.parse::<Destination>(), Err(error), "{path:?}");
        }
        assert_eq!(Destination::queue("a\0"), Err(E::ControlCharacter));
        assert_eq!(Destination::exchange("a", ""), Err(E::EmptyName));
    }
}
