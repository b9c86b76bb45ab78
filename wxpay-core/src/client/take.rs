//! What is done with an answer's bytes as they come.

use std::vec::Vec;

use super::{CallError, Client, Message};
use crate::{
    XmlError,
    api::AnswerError,
    transport::{BodySink, TooLarge},
};

/// Takes the answers of a call's tries, one after the other.
pub(super) trait Take: BodySink {
    type Taken;

    /// Whether another answer can still be taken from its start.
    fn is_untouched(&self) -> bool;

    /// Forgets what the last try brought.
    fn begin(&mut self);

    /// What the answer says, now that it is whole.
    fn finish(&mut self) -> Result<Self::Taken, CallError>;

    /// The error when no more can be taken.
    fn full(&self) -> CallError;

    /// The answer as an audit log may have it.
    fn masked(&self) -> Message;
}

/// Keeps an answer whole and reads it at its end.
pub(super) struct Whole<R> {
    bytes: Vec<u8>,
    read: R,
}

impl<R> Whole<R> {
    pub(super) const fn new(read: R) -> Self {
        Self {
            bytes: Vec::new(),
            read,
        }
    }
}

impl<R> BodySink for Whole<R> {
    fn push(&mut self, chunk: &[u8]) -> Result<(), TooLarge> {
        extend(&mut self.bytes, chunk)
    }
}

impl<T, R: Fn(&[u8]) -> Result<T, AnswerError>> Take for Whole<R> {
    type Taken = T;

    fn is_untouched(&self) -> bool {
        true
    }

    fn begin(&mut self) {
        self.bytes.clear();
    }

    fn finish(&mut self) -> Result<T, CallError> {
        Ok((self.read)(&self.bytes)?)
    }

    fn full(&self) -> CallError {
        TOO_LARGE
    }

    fn masked(&self) -> Message {
        Message::masked(&self.bytes)
    }
}

const TOO_LARGE: CallError = CallError::TooLarge {
    max_bytes: Client::ANSWER_MAX_BYTES,
};

fn extend(bytes: &mut Vec<u8>, chunk: &[u8]) -> Result<(), TooLarge> {
    if chunk.len() > Client::ANSWER_MAX_BYTES - bytes.len() {
        return Err(TooLarge);
    }
    bytes.extend_from_slice(chunk);
    Ok(())
}

/// Hands a text on as it comes, and keeps a message of fields, which is a refusal.
pub(super) struct Diverted<'s, B, R> {
    sink: &'s mut B,
    /// Reads what may be a refusal.
    refusal: R,
    kind: Kind,
    /// What is not handed on.
    kept: Vec<u8>,
    handed_on: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing but white space and a byte order mark so far.
    NotKnown,
    Text,
    Fields,
}

impl<'s, B, R> Diverted<'s, B, R> {
    pub(super) const fn new(sink: &'s mut B, refusal: R) -> Self {
        Self {
            sink,
            refusal,
            kind: Kind::NotKnown,
            kept: Vec::new(),
            handed_on: 0,
        }
    }
}

impl<B: BodySink, R> Diverted<'_, B, R> {
    fn hand_on(&mut self, chunk: &[u8]) -> Result<(), TooLarge> {
        self.sink.push(chunk)?;
        self.handed_on += chunk.len() as u64;
        Ok(())
    }

    fn hand_on_kept(&mut self) -> Result<(), TooLarge> {
        let kept = core::mem::take(&mut self.kept);
        if kept.is_empty() {
            return Ok(());
        }
        self.hand_on(&kept)
    }
}

impl<B: BodySink, R> BodySink for Diverted<'_, B, R> {
    fn push(&mut self, chunk: &[u8]) -> Result<(), TooLarge> {
        if self.kind == Kind::NotKnown {
            let first = chunk
                .iter()
                .find(|byte| !byte.is_ascii_whitespace() && !b"\xEF\xBB\xBF".contains(byte));
            self.kind = match first {
                None => Kind::NotKnown,
                Some(b'<') => Kind::Fields,
                Some(_) => Kind::Text,
            };
        }
        match self.kind {
            Kind::NotKnown | Kind::Fields => extend(&mut self.kept, chunk),
            Kind::Text => {
                self.hand_on_kept()?;
                self.hand_on(chunk)
            }
        }
    }
}

impl<B: BodySink, R: Fn(&[u8]) -> Result<(), AnswerError>> Take for Diverted<'_, B, R> {
    type Taken = u64;

    fn is_untouched(&self) -> bool {
        self.handed_on == 0
    }

    fn begin(&mut self) {
        self.kind = Kind::NotKnown;
        self.kept.clear();
    }

    fn finish(&mut self) -> Result<u64, CallError> {
        if self.kind == Kind::Fields {
            (self.refusal)(&self.kept)?;
        }
        self.hand_on_kept().map_err(|_| CallError::SinkFull)?;
        Ok(self.handed_on)
    }

    fn full(&self) -> CallError {
        match self.kind {
            Kind::Text => CallError::SinkFull,
            Kind::NotKnown | Kind::Fields => TOO_LARGE,
        }
    }

    fn masked(&self) -> Message {
        match self.kind {
            Kind::Fields => Message::masked(&self.kept),
            Kind::NotKnown | Kind::Text => Message::Opaque {
                bytes: usize::try_from(self.handed_on).unwrap_or(usize::MAX) + self.kept.len(),
                reason: XmlError::NotXmlRoot { at: 0 },
            },
        }
    }
}
