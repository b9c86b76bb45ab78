//! Destinations as the broker reads them: RabbitMQ's syntax, split at `/`, each part
//! percent-decoded.

use crate::percent;

/// The exchange that stands for "straight to the queue of that name".
pub(crate) const DEFAULT_EXCHANGE: &str = "amq.default";
/// The exchange behind `/topic/KEY`.
pub(crate) const TOPIC_EXCHANGE: &str = "amq.topic";

/// Where a frame points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Exchange {
        name: String,
        key: String,
    },
    /// `/queue/NAME` declares, `/amq/queue/NAME` does not.
    Queue {
        name: String,
        declare: bool,
    },
    Topic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadTarget {
    /// A form that is not known.
    Unknown,
    /// A known form with parts missing or too many.
    Invalid,
}

impl Target {
    pub(crate) fn parse(destination: &str) -> Result<Self, BadTarget> {
        let path = destination.strip_prefix('/').ok_or(BadTarget::Unknown)?;
        let parts: Vec<&str> = path.split('/').collect();
        let target = match parts[..] {
            ["exchange", name] => Self::Exchange {
                name: decode(name)?,
                key: String::new(),
            },
            ["exchange", name, key] => Self::Exchange {
                name: decode(name)?,
                key: decode(key)?,
            },
            ["queue", name] => Self::Queue {
                name: decode(name)?,
                declare: true,
            },
            ["amq", "queue", name] => Self::Queue {
                name: decode(name)?,
                declare: false,
            },
            ["topic", key] if !key.is_empty() => Self::Topic,
            ["exchange" | "queue" | "topic", ..] | ["amq", "queue", ..] => {
                return Err(BadTarget::Invalid);
            }
            _ => return Err(BadTarget::Unknown),
        };
        match &target {
            Self::Exchange { name, .. } | Self::Queue { name, .. } if name.is_empty() => {
                Err(BadTarget::Invalid)
            }
            _ => Ok(target),
        }
    }
}

fn decode(part: &str) -> Result<String, BadTarget> {
    percent::decode(part).ok_or(BadTarget::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rabbitmqs_forms() {
        let queue = |name: &str, declare| {
            Ok(Target::Queue {
                name: name.into(),
                declare,
            })
        };
        let exchange = |name: &str, key: &str| {
            Ok(Target::Exchange {
                name: name.into(),
                key: key.into(),
            })
        };
        for (text, target) in [
            ("/queue/order_pay", queue("order_pay", true)),
            ("/queue/a%2Fb", queue("a/b", true)),
            ("/amq/queue/a", queue("a", false)),
            ("/exchange/paynotify", exchange("paynotify", "")),
            ("/exchange/paynotify/k", exchange("paynotify", "k")),
            ("/topic/a", Ok(Target::Topic)),
            ("/foo/bar", Err(BadTarget::Unknown)),
            ("", Err(BadTarget::Unknown)),
            ("order_pay", Err(BadTarget::Unknown)),
            ("/queue/", Err(BadTarget::Invalid)),
            ("/queue/a/b", Err(BadTarget::Invalid)),
            ("/queue/%f", Err(BadTarget::Invalid)),
            ("/exchange/", Err(BadTarget::Invalid)),
        ] {
            assert_eq!(Target::parse(text), target, "{text}");
        }
    }
}
