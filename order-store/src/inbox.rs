//! The inbox: the notifies that came in, as they came, for people and for replay.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Outcome, Timestamp, cut};

/// The most bytes that are kept of an accepted notify.
pub const ACCEPTED_MAX_BYTES: usize = 64 * 1024;
/// The most bytes that are kept of a refused notify.
pub const REFUSED_MAX_BYTES: usize = 4 * 1024;
/// How many accepted notifies are kept; the next one overwrites the oldest.
pub const ACCEPTED_MAX_COUNT: u64 = 10_000;
/// How many refused notifies are kept; the next one overwrites the oldest.
pub const REFUSED_MAX_COUNT: u64 = 1_024;
/// The most bytes that are kept of a reason, and of an answer. Control characters in them are kept as spaces.
pub const NOTE_MAX_BYTES: usize = 200;

/// One notify, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyRecord {
    /// When it came.
    pub at: Timestamp,
    /// From where.
    pub peer: IpAddr,
    /// What was made of it.
    pub verdict: Verdict,
    /// How long the answer took, in milliseconds.
    pub millis: u64,
    /// What was answered, cut to [`NOTE_MAX_BYTES`].
    pub answer: String,
    /// The body, cut to [`ACCEPTED_MAX_BYTES`] or [`REFUSED_MAX_BYTES`]. It holds the payer's `openid`.
    pub body: Vec<u8>,
}

/// What was made of a notify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It was verified, and the ledger has its facts.
    Accepted {
        /// What it did.
        outcome: Outcome,
    },
    /// It was not acted on.
    Refused {
        /// Why, cut to [`NOTE_MAX_BYTES`].
        reason: String,
    },
}

/// A kept notify's name: `a` or `r`, for accepted or refused, and a number that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotifyId {
    /// An accepted one.
    Accepted(u64),
    /// A refused one.
    Refused(u64),
}

impl fmt::Display for NotifyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(n) => write!(f, "a{n}"),
            Self::Refused(n) => write!(f, "r{n}"),
        }
    }
}

/// A text that names no notify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a notify's name is a or r and a number, such as a17")]
pub struct NotifyIdError;

impl FromStr for NotifyId {
    type Err = NotifyIdError;

    fn from_str(text: &str) -> Result<Self, NotifyIdError> {
        let number = |digits: &str| digits.parse().map_err(|_| NotifyIdError);
        match (text.strip_prefix('a'), text.strip_prefix('r')) {
            (Some(digits), _) => number(digits).map(Self::Accepted),
            (_, Some(digits)) => number(digits).map(Self::Refused),
            _ => Err(NotifyIdError),
        }
    }
}

/// Which of the kept notifies to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotifyQuery {
    /// Of which verdict.
    pub kept: Kept,
    /// Only those behind this one; nothing for the newest. The [`place`](NotifySummary::place) of a page's last gives the next.
    pub before: Option<NotifyPlace>,
    /// How many at most.
    pub limit: usize,
}

/// Where a kept notify stands in a list: those of one moment by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotifyPlace {
    /// When it came.
    pub at: Timestamp,
    /// Its name.
    pub id: NotifyId,
}

/// The two parts of the inbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    /// Both.
    #[default]
    All,
    /// Accepted ones.
    Accepted,
    /// Refused ones.
    Refused,
}

/// A kept notify without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifySummary {
    /// Its name.
    pub id: NotifyId,
    /// When it came.
    pub at: Timestamp,
    /// From where.
    pub peer: IpAddr,
    /// What was made of it.
    pub verdict: Verdict,
    /// How long the answer took, in milliseconds.
    pub millis: u64,
    /// What was answered.
    pub answer: String,
    /// How long the body was when it came, in bytes.
    pub body_bytes: u64,
}

impl NotifySummary {
    /// Where it stands in a list.
    #[must_use]
    pub const fn place(&self) -> NotifyPlace {
        NotifyPlace {
            at: self.at,
            id: self.id,
        }
    }
}

/// A kept notify: all but the body, as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NotifyHead {
    pub(crate) at: Timestamp,
    pub(crate) peer: IpAddr,
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
    pub(crate) millis: u64,
    pub(crate) answer: String,
    pub(crate) body_bytes: u64,
}

impl NotifyHead {
    /// Splits a record into what is written: the head, and as much of the body as is kept.
    pub(crate) fn split(record: NotifyRecord) -> (Self, Vec<u8>) {
        let NotifyRecord {
            at,
            peer,
            verdict,
            millis,
            answer,
            mut body,
        } = record;
        let body_bytes = body.len() as u64;
        let (verdict, keep) = match verdict {
            Verdict::Refused { reason } => {
                let reason = legible(&reason);
                (Verdict::Refused { reason }, REFUSED_MAX_BYTES)
            }
            accepted @ Verdict::Accepted { .. } => (accepted, ACCEPTED_MAX_BYTES),
        };
        body.truncate(keep);
        let answer = legible(&answer);
        let head = Self {
            at,
            peer,
            verdict,
            millis,
            answer,
            body_bytes,
        };
        (head, body)
    }

    pub(crate) fn summary(self, id: NotifyId) -> NotifySummary {
        NotifySummary {
            id,
            at: self.at,
            peer: self.peer,
            verdict: self.verdict,
            millis: self.millis,
            answer: self.answer,
            body_bytes: self.body_bytes,
        }
    }

    pub(crate) fn record(self, body: Vec<u8>) -> NotifyRecord {
        NotifyRecord {
            at: self.at,
            peer: self.peer,
            verdict: self.verdict,
            millis: self.millis,
            answer: self.answer,
            body,
        }
    }
}

/// A text as it is kept: cut, and with spaces for control characters. JSON would write each of these as six bytes, PostgreSQL
/// takes no NUL, and a terminal obeys some.
fn legible(text: &str) -> String {
    cut(text, NOTE_MAX_BYTES).replace(char::is_control, " ")
}

/// A kept notify in JSON, body and all: as text where it is UTF-8, else in hex.
pub(crate) mod inbox_body {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    use super::{NotifyHead, NotifyRecord};

    #[derive(Serialize, Deserialize)]
    struct Wire {
        #[serde(flatten)]
        head: NotifyHead,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body_hex: Option<String>,
    }

    pub(crate) fn serialize<S: Serializer>(
        record: &NotifyRecord,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let (head, body) = NotifyHead::split(record.clone());
        let (body, body_hex) = match String::from_utf8(body) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(crate::secret::to_hex(error.as_bytes()))),
        };
        Wire {
            head,
            body,
            body_hex,
        }
        .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<NotifyRecord, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let body = match (wire.body, wire.body_hex) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(hex)) => unhex(&hex)
                .ok_or_else(|| D::Error::custom("body_hex is not pairs of hex digits"))?,
            _ => return Err(D::Error::custom("a notify has one of body and body_hex")),
        };
        Ok(wire.head.record(body))
    }

    fn unhex(hex: &str) -> Option<Vec<u8>> {
        let digits: Option<Vec<u32>> = hex.chars().map(|c| c.to_digit(16)).collect();
        let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
        digits
            .chunks_exact(2)
            .map(|pair| u8::try_from(pair[0] << 4 | pair[1]).ok())
            .collect()
    }
}
