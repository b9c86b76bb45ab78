//! A message as it was published, shared by all who get it: what is the same for all of them is
//! put on the wire once.

use super::held::{Charge, Held};
use super::target::TOPIC_EXCHANGE;
use crate::frame::{Command, Frame, Version};
use crate::percent::encode_part;
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;

/// What a message takes beside its texts and its tail: itself, its places in queues, and what the
/// heap adds to each of its blocks.
const FIXED_BYTES: usize = size_of::<Stored>() + 256;
/// The place of a header.
const HEADER_BYTES: usize = size_of::<(String, String)>();

#[derive(Debug)]
pub(crate) struct Stored {
    /// Empty for a message that went straight to a queue.
    exchange: String,
    pub(crate) key: String,
    /// The part of its MESSAGE that is the same for all: `destination` and what is passed on of the
    /// SEND's headers. The body is a part of the tail.
    frame: Frame,
    /// What every MESSAGE of it ends with in 1.2, from `destination` to the NUL.
    tail: Option<Bytes>,
    /// The queues that it was dead-lettered from since a consumer last rejected it.
    deaths: Vec<(Arc<str>, Death)>,
    charge: Charge,
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
    /// `None` if there is no room for it. Nothing of what it is made from is kept but `headers`:
    /// the body may be a small part of a large buffer.
    pub(crate) fn new(
        held: &Held,
        exchange: impl Into<String>,
        key: impl Into<String>,
        headers: Vec<(String, String)>,
        body: Bytes,
    ) -> Option<Self> {
        let (exchange, key) = (exchange.into(), key.into());
        let mut frame = Frame::new(Command::Message);
        frame.headers.reserve_exact(1 + headers.len());
        frame = frame.with("destination", destination(&exchange, &key));
        frame.headers.extend(headers);
        frame.body = body;
        let tail = encode_tail(&frame, Version::V1_2);
        frame.body = match &tail {
            Some(tail) => tail.slice(tail.len() - 1 - frame.body.len()..tail.len() - 1),
            None => Bytes::copy_from_slice(&frame.body),
        };
        let headers = frame.headers.iter();
        let headers: usize = headers.map(|(n, v)| HEADER_BYTES + n.len() + v.len()).sum();
        let on_the_wire = tail.as_ref().map_or(frame.body.len(), Bytes::len);
        let bytes = FIXED_BYTES + exchange.len() + key.len() + headers + on_the_wire;
        Some(Self {
            exchange,
            key,
            frame,
            tail,
            deaths: Vec::new(),
            charge: held.charge(bytes)?,
        })
    }

    pub(crate) fn body(&self) -> &Bytes {
        &self.frame.body
    }

    /// Bytes that it takes.
    pub(crate) fn size(&self) -> usize {
        self.charge.bytes()
    }

    /// The end of a MESSAGE, from `destination` to the NUL. `None` if the version cannot say one of
    /// the headers. Made anew only where the versions differ, so that none is kept uncounted.
    pub(crate) fn tail(&self, version: Version) -> Option<Cow<'_, [u8]>> {
        let differs: &[char] = match version {
            Version::V1_2 => &[],
            Version::V1_1 => &['\r'],
            Version::V1_0 => &['\r', '\n', ':', '\\'],
        };
        let mut headers = self.frame.headers.iter();
        if !differs.is_empty() && headers.any(|(n, v)| n.contains(differs) || v.contains(differs)) {
            return encode_tail(&self.frame, version).map(|tail| Cow::Owned(tail.to_vec()));
        }
        self.tail.as_deref().map(Cow::Borrowed)
    }

    /// Whether it was in this queue since a consumer last had it: full queues would send it round in
    /// a circle.
    pub(crate) fn circled(&self, queue: &str) -> bool {
        self.deaths
            .iter()
            .any(|(name, why)| *why == Death::MaxLen && **name == *queue)
    }

    /// As it goes to a dead-letter exchange, with RabbitMQ's headers of the first death. `None` if
    /// there is no room for it.
    pub(crate) fn dead(
        &self,
        queue: &Arc<str>,
        why: Death,
        exchange: &str,
        key: &str,
    ) -> Option<Self> {
        // But for the destination.
        let mut headers = self.frame.headers[1..].to_vec();
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
        let body = self.body().clone();
        let mut dead = Self::new(self.charge.held(), exchange, key, headers, body)?;
        if why == Death::MaxLen {
            dead.deaths.clone_from(&self.deaths);
        }
        dead.deaths.push((Arc::clone(queue), why));
        Some(dead)
    }
}

/// The `destination` of the MESSAGE, in RabbitMQ's form.
fn destination(exchange: &str, key: &str) -> String {
    let key = encode_part(key);
    match exchange {
        "" => format!("/queue/{key}"),
        TOPIC_EXCHANGE => format!("/topic/{key}"),
        name if key.is_empty() => format!("/exchange/{}", encode_part(name)),
        name => format!("/exchange/{}/{key}", encode_part(name)),
    }
}

fn encode_tail(frame: &Frame, version: Version) -> Option<Bytes> {
    let whole = frame.encode(version).ok()?;
    Some(whole.slice(Command::Message.as_str().len() + 1..))
}
