//! Destinations as the broker reads them: RabbitMQ's syntax, split at `/`, each part
//! percent-decoded.

use crate::percent;

/// The exchange that stands for "straight to the queue of that name", in permissions.
pub(crate) const DEFAULT_EXCHANGE: &str = "amq.default";
/// The exchange behind `/topic/KEY`.
pub(crate) const TOPIC_EXCHANGE: &str = "amq.topic";
/// A name or routing key, in bytes: AMQP's short string.
const MAX_NAME_BYTES: usize = 255;

/// Where a frame points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/exchange/NAME[/KEY]`; `/topic/KEY` is `/exchange/amq.topic/KEY`.
    Exchange { name: String, key: String },
    /// `/queue/NAME` declares.
    Queue(String),
    /// `/amq/queue/NAME` does not.
    AmqQueue(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BadTarget {
    /// A form that is not known.
    Unknown,
    /// A known form with parts missing or too many.
    Invalid {
        form: &'static str,
        /// What stands after the form.
        rest: String,
    },
}

impl Target {
    pub(crate) fn parse(destination: &str) -> Result<Self, BadTarget> {
        for (prefix, form) in [
            ("/exchange/", "exchange"),
            ("/queue/", "queue"),
            ("/topic/", "topic"),
            ("/amq/queue/", "amq/queue"),
        ] {
            if let Some(rest) = destination.strip_prefix(prefix) {
                return Self::of(form, rest).ok_or_else(|| BadTarget::Invalid {
                    form,
                    rest: format!("/{rest}"),
                });
            }
        }
        Err(BadTarget::Unknown)
    }

    fn of(form: &str, rest: &str) -> Option<Self> {
        let mut parts = rest.split('/');
        let name = decode(parts.next()?).filter(|name| !name.is_empty())?;
        let key = match parts.next() {
            Some(key) => Some(decode(key)?),
            None => None,
        };
        if parts.next().is_some() {
            return None;
        }
        match (form, key) {
            ("exchange", key) => Some(Self::Exchange {
                name,
                key: key.unwrap_or_default(),
            }),
            ("topic", None) => Some(Self::Exchange {
                name: TOPIC_EXCHANGE.to_owned(),
                key: name,
            }),
            ("queue", None) => Some(Self::Queue(name)),
            ("amq/queue", None) => Some(Self::AmqQueue(name)),
            _ => None,
        }
    }
}

/// No control characters, since STOMP 1.0 could not say them in the MESSAGE; no longer than AMQP
/// allows.
fn decode(part: &str) -> Option<String> {
    let fits = |name: &String| name.len() <= MAX_NAME_BYTES && !name.contains(char::is_control);
    percent::decode(part).filter(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rabbitmqs_forms() {
        let exchange = |name: &str, key: &str| {
            Ok(Target::Exchange {
                name: name.into(),
                key: key.into(),
            })
        };
        let invalid = |form, rest: &str| {
            Err(BadTarget::Invalid {
                form,
                rest: rest.into(),
            })
        };
        for (text, target) in [
            ("/queue/order_pay", Ok(Target::Queue("order_pay".into()))),
            ("/queue/a%2Fb", Ok(Target::Queue("a/b".into()))),
            ("/amq/queue/a", Ok(Target::AmqQueue("a".into()))),
            ("/exchange/paynotify", exchange("paynotify", "")),
            ("/exchange/paynotify/k", exchange("paynotify", "k")),
            ("/topic/a.*", exchange("amq.topic", "a.*")),
            ("/foo/bar", Err(BadTarget::Unknown)),
            ("", Err(BadTarget::Unknown)),
            ("order_pay", Err(BadTarget::Unknown)),
            ("/queue/", invalid("queue", "/")),
            ("/queue/a/b", invalid("queue", "/a/b")),
            ("/queue/%f", invalid("queue", "/%f")),
            ("/queue/a%0Ab", invalid("queue", "/a%0Ab")),
            ("/topic/", invalid("topic", "/")),
            ("/topic/a/b", invalid("topic", "/a/b")),
            ("/exchange/", invalid("exchange", "/")),
            ("/exchange/a/b/c", invalid("exchange", "/a/b/c")),
        ] {
            assert_eq!(Target::parse(text), target, "{text}");
        }
    }
}
