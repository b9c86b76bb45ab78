//! A message as it was published, shared by all who get it: what is the same for all of them is
//! put on the wire once.

use super::target::TOPIC_EXCHANGE;
use crate::frame::{Command, Frame, Version};
use crate::percent::encode_part;
use bytes::Bytes;
use std::sync::{Arc, OnceLock};

#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// Empty for a message that went straight to a queue.
    exchange: String,
    pub(crate) key: String,
    /// What is passed on of the SEND's headers.
    headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// The queues that it was dead-lettered from since a consumer last rejected it.
    deaths: Vec<(Arc<str>, Death)>,
    /// What every MESSAGE of it ends with, by version.
    tails: [OnceLock<Option<Bytes>>; 3],
}

/// Why a queue gave a message to its dead-letter exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// A NACK that does not requeue.
    Rejected,
    /// The queue was full.
    MaxLen,
}

impl Stored {
    pub(crate) fn new(
        exchange: impl Into<String>,
        key: impl Into<String>,
        headers: Vec<(String, String)>,
        body: Bytes,
    ) -> Self {
        Self {
            exchange: exchange.into(),
            key: key.into(),
            headers,
            body,
            ..Self::default()
        }
    }

    /// Bytes of body and headers.
    pub(crate) fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(n, v)| n.len() + v.len());
        self.body.len() + headers.sum::<usize>()
    }

    /// The `destination` of the MESSAGE, in RabbitMQ's form.
    fn destination(&self) -> String {
        let key = encode_part(&self.key);
        match self.exchange.as_str() {
            "" => format!("/queue/{key}"),
            TOPIC_EXCHANGE => format!("/topic/{key}"),
            name if key.is_empty() => format!("/exchange/{}", encode_part(name)),
            name => format!("/exchange/{}/{key}", encode_part(name)),
        }
    }

    /// The end of a MESSAGE, from `destination` to the NUL. `None` if the version cannot say one of
    /// the headers.
    pub(crate) fn tail(&self, version: Version) -> Option<&Bytes> {
        let tail = &self.tails[version as usize];
        tail.get_or_init(|| self.encode_tail(version)).as_ref()
    }

    fn encode_tail(&self, version: Version) -> Option<Bytes> {
        let mut frame = Frame::new(Command::Message).with("destination", self.destination());
        frame.headers.extend(self.headers.iter().cloned());
        frame.body = self.body.clone();
        let whole = frame.encode(version).ok()?;
        Some(whole.slice(Command::Message.as_str().len() + 1..))
    }

    /// Whether it was in this queue since a consumer last had it: full queues would send it round in
    /// a circle.
    pub(crate) fn circled(&self, queue: &str) -> bool {
        self.deaths
            .iter()
            .any(|(name, why)| *why == Death::MaxLen && **name == *queue)
    }

    /// As it goes to a dead-letter exchange, with RabbitMQ's headers of the first death.
    pub(crate) fn dead(&self, queue: &Arc<str>, why: Death, exchange: &str, key: &str) -> Self {
        let mut headers = self.headers.clone();
        if self.deaths.is_empty() {
            let reason = match why {
                Death::Rejected => "rejected",
                Death::MaxLen => "maxlen",
            };
            for (name, value) in [
                ("x-first-death-exchange", self.exchange.as_str()),
                ("x-first-death-queue", queue),
                ("x-first-death-reason", reason),
            ] {
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        let mut dead = Self::new(exchange, key, headers, self.body.clone());
        if why == Death::MaxLen {
            dead.deaths.clone_from(&self.deaths);
        }
        dead.deaths.push((Arc::clone(queue), why));
        dead
    }
}
