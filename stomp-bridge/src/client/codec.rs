//! async-stomp's `ClientCodec`, with what it leaves open closed around it, and the versions that it
//! does not speak. `docs/async-stomp.md` lists each of its limits, how it is contained and the test
//! that holds it.
//!
//! Every frame is delimited by our scanner, within the limits, before anything is parsed.
//! `ClientCodec` then parses the common kind: STOMP 1.2, and a head of plain ASCII without escapes.
//! CONNECTED, a head with an escape or a letter beyond ASCII, and all of 1.0 and 1.1 are parsed by
//! [`crate::frame`]. A RECEIPT of our own is read here, since it comes for every message, and where it
//! is there as a whole, before anything is scanned. What goes out as a message is checked, then written
//! by `ClientCodec` in 1.2 and by [`crate::frame`] in 1.0 and 1.1; what the session has encoded goes out
//! as it is.

use super::message::{CodecError, check, from_frame, to_frame};
use crate::frame::{Frame, Limits, Scan, Scanner, Version, leading_line_ends};
use async_stomp::client::{ClientCodec, Heartbeat};
use async_stomp::{FromServer, Message, ToServer};
use bytes::{Buf, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

/// What came in.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Bytes: a heart-beat, or part of a frame. They show that the server lives.
    Bytes,
    /// A RECEIPT of one of our ids, the frame that comes most often.
    Receipt(u64),
    /// Any other whole frame, with all escapes undone.
    Frame(Message<FromServer>),
}

/// What goes out. It has no `Debug`: a passcode may be in it.
pub(crate) enum Outgoing {
    Frame(Message<ToServer>),
    /// Whole frames that the session has encoded.
    Wire(Vec<u8>),
    Heartbeat,
}

/// `ClientCodec` behind its guard. After an error the position in the stream is lost: the
/// connection is dropped.
#[derive(Debug)]
pub(crate) struct GuardedCodec {
    inner: ClientCodec,
    /// How often `inner` was asked to decode.
    #[cfg(test)]
    asked: usize,
    scanner: Scanner,
    admits_receipts: bool,
    /// Bytes that the last call left, to tell new ones from old.
    left: usize,
    /// What CONNECTED named.
    version: Option<Version>,
}

impl GuardedCodec {
    pub(crate) fn new(limits: Limits) -> Self {
        let inner = ClientCodec::with_max_frame_size(limits.max_frame_bytes);
        Self {
            inner,
            #[cfg(test)]
            asked: 0,
            scanner: Scanner::new(limits),
            admits_receipts: admit_receipts(&limits),
            left: 0,
            version: None,
        }
    }

    fn parse(
        &mut self,
        mut whole: BytesMut,
        body_start: usize,
    ) -> Result<Message<FromServer>, CodecError> {
        if self.version == Some(Version::V1_2) && is_plain(&whole[..body_start]) {
            #[cfg(test)]
            {
                self.asked += 1;
            }
            return match self.inner.decode(&mut whole) {
                Ok(Some(message)) => Ok(message),
                Ok(None) => Err(CodecError::Server("incomplete".to_owned())),
                Err(e) => Err(CodecError::Server(format!("{e:.120}"))),
            };
        }
        // Before CONNECTED no version is agreed on; then nothing counts as an escape, so that an
        // ERROR that refuses the session is read whatever it holds.
        let version = self.version.unwrap_or(Version::V1_0);
        let frame = Frame::from_wire(whole.freeze(), body_start, version)?;
        let message = from_frame(frame, version)?;
        if let (None, FromServer::Connected { version, .. }) = (self.version, &message.content) {
            self.version = Version::named(version);
        }
        Ok(message)
    }
}

const RECEIPT: &[u8] = b"RECEIPT\nreceipt-id:";
const RECEIPT_END: &[u8] = b"\n\n\0";
/// As many always fit.
const MAX_ID_DIGITS: usize = 19;

/// Whether no receipt of ours is above the limits.
fn admit_receipts(limits: &Limits) -> bool {
    let most = RECEIPT.len() + MAX_ID_DIGITS + RECEIPT_END.len();
    limits.max_frame_bytes >= most && limits.max_header_bytes >= most && limits.max_headers >= 1
}

/// The id and the length of a RECEIPT with an id of ours and nothing else, if `bytes` begin with it.
/// `ClientCodec` would read it with three allocations.
fn receipt(bytes: &[u8]) -> Option<(u64, usize)> {
    let rest = bytes.strip_prefix(RECEIPT)?;
    // As we write it: no sign, and no more than fits.
    let most = &rest[..rest.len().min(MAX_ID_DIGITS)];
    let (mut id, mut digits) = (0, 0);
    for digit in most.iter().take_while(|b| b.is_ascii_digit()) {
        id = id * 10 + u64::from(digit - b'0');
        digits += 1;
    }
    let ends = digits > 0 && rest[digits..].starts_with(RECEIPT_END);
    ends.then_some((id, RECEIPT.len() + digits + RECEIPT_END.len()))
}

/// Whether a head has nothing that `ClientCodec` reads in a way of its own.
fn is_plain(head: &[u8]) -> bool {
    head.iter()
        .all(|b| b.is_ascii() && !matches!(b, 0 | b'\r' | b'\\'))
}

impl Decoder for GuardedCodec {
    type Item = Incoming;
    type Error = CodecError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Incoming>, CodecError> {
        if self.version.is_some()
            && self.admits_receipts
            && let Some((id, len)) = receipt(src)
        {
            self.scanner.restart();
            // The line end that RabbitMQ sends behind each frame goes with it.
            src.advance(len + leading_line_ends(&src[len..]));
            self.left = 0;
            return Ok(Some(Incoming::Receipt(id)));
        }
        match self.scanner.scan(src)? {
            Scan::LineEnds(n) => {
                src.advance(n);
                self.left = src.len();
                Ok(Some(Incoming::Bytes))
            }
            Scan::Frame { len, body_start } => {
                self.left = 0;
                let whole = src.split_to(len);
                let message = self.parse(whole, body_start)?;
                Ok(Some(Incoming::Frame(message)))
            }
            Scan::NeedMore if src.len() > self.left => {
                self.left = src.len();
                Ok(Some(Incoming::Bytes))
            }
            Scan::NeedMore => Ok(None),
        }
    }

    /// A frame that the end cuts off counts for nothing: the close is what matters.
    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Incoming>, CodecError> {
        let item = self.decode(src)?;
        if item.is_none() {
            src.clear();
        }
        Ok(item)
    }
}

impl Encoder<Outgoing> for GuardedCodec {
    type Error = CodecError;

    fn encode(&mut self, item: Outgoing, dst: &mut BytesMut) -> Result<(), CodecError> {
        let version = self.version.unwrap_or(Version::V1_2);
        let written = match item {
            Outgoing::Wire(frames) => {
                dst.extend_from_slice(&frames);
                return Ok(());
            }
            Outgoing::Heartbeat => self.inner.encode(Heartbeat, dst),
            Outgoing::Frame(message) => {
                check(&message)?;
                if version != Version::V1_2 {
                    dst.extend_from_slice(&to_frame(message)?.encode(version)?);
                    return Ok(());
                }
                self.inner.encode(message, dst)
            }
        };
        written.map_err(|e| CodecError::Server(format!("{e:.120}")))
    }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
