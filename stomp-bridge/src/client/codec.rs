//! async-stomp's `ClientCodec`, with what it leaves open closed around it.
//!
//! | `ClientCodec` alone | here |
//! |---|---|
//! | checks the frame size only while a frame is incomplete | our scanner checks it first, and header count and length too |
//! | parses an incomplete frame again from its start at every read | it is given whole frames only |
//! | ignores a `content-length` that is not a number | the scanner refuses it |
//! | after an error leaves or eats bytes, by the kind | any error ends the connection |
//! | writes a caller's `content-length` and repeated headers as they are | only the session makes frames, each with its true length |
//! | `Debug` of CONNECT prints the passcode | frames for the server are never printed |

use crate::frame::{FrameError, Limits, Scan, Scanner};
use async_stomp::client::{ClientCodec, Heartbeat};
use async_stomp::{FromServer, Message, ToServer};
use bytes::{Buf, BytesMut};
use thiserror::Error;
use tokio_util::codec::{Decoder, Encoder};

/// What came in.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Bytes: a heart-beat, or part of a frame. They show that the server lives.
    Bytes,
    /// A whole frame.
    Frame(Message<FromServer>),
}

/// What goes out.
pub(crate) enum Outgoing {
    Frame(Message<ToServer>),
    /// Whole frames that the session has encoded.
    Wire(Vec<u8>),
    Heartbeat,
}

#[derive(Debug, Error)]
pub(crate) enum CodecError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the server's frame is not understood: {0}")]
    Server(String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// `ClientCodec` behind its guard. It keeps no state of its own that an error could leave askew:
/// after an error the connection is dropped.
#[derive(Debug)]
pub(crate) struct GuardedCodec {
    inner: ClientCodec,
    scanner: Scanner,
    /// Bytes that the last call left, to tell new ones from old.
    left: usize,
}

impl GuardedCodec {
    pub(crate) fn new(limits: Limits) -> Self {
        let inner = ClientCodec::with_max_frame_size(limits.max_frame_bytes);
        Self {
            inner,
            scanner: Scanner::new(limits),
            left: 0,
        }
    }
}

impl Decoder for GuardedCodec {
    type Item = Incoming;
    type Error = CodecError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Incoming>, CodecError> {
        match self.scanner.scan(src)? {
            Scan::LineEnds(n) => {
                src.advance(n);
                self.left = src.len();
                Ok(Some(Incoming::Bytes))
            }
            Scan::Frame { len, .. } => {
                let mut whole = src.split_to(len);
                self.left = 0;
                match self.inner.decode(&mut whole) {
                    Ok(Some(message)) => Ok(Some(Incoming::Frame(message))),
                    Ok(None) => Err(CodecError::Server("incomplete".to_owned())),
                    Err(e) => Err(CodecError::Server(format!("{e:.120}"))),
                }
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
        match item {
            Outgoing::Wire(frames) => {
                dst.extend_from_slice(&frames);
                Ok(())
            }
            Outgoing::Frame(message) => self.inner.encode(message, dst),
            Outgoing::Heartbeat => self.inner.encode(Heartbeat, dst),
        }
        .map_err(|e| CodecError::Server(format!("{e:.120}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(codec: &mut GuardedCodec, src: &mut BytesMut) -> Vec<Incoming> {
        std::iter::from_fn(|| codec.decode(src).unwrap()).collect()
    }

    fn codec(max_frame_bytes: usize) -> GuardedCodec {
        GuardedCodec::new(Limits {
            max_frame_bytes,
            ..Limits::default()
        })
    }

    #[test]
    fn a_piece_of_a_frame_shows_life_once() {
        let mut codec = codec(100);
        let mut src = BytesMut::from(&b"\n"[..]);
        assert!(matches!(
            decode(&mut codec, &mut src)[..],
            [Incoming::Bytes]
        ));
        src.extend_from_slice(b"RECEIPT\nrec");
        assert!(matches!(
            decode(&mut codec, &mut src)[..],
            [Incoming::Bytes]
        ));
        assert!(decode(&mut codec, &mut src).is_empty());
        src.extend_from_slice(b"eipt-id:1\n\n\0\n");
        let got = decode(&mut codec, &mut src);
        assert!(
            matches!(&got[..], [Incoming::Frame(_), Incoming::Bytes]),
            "{got:?}"
        );
    }

    #[test]
    fn a_whole_frame_above_the_limit_is_refused_where_client_codec_takes_it() {
        let wire = b"RECEIPT\nreceipt-id:0123456789\n\n\0";
        let mut bare = ClientCodec::with_max_frame_size(10);
        assert!(
            bare.decode(&mut BytesMut::from(&wire[..]))
                .unwrap()
                .is_some()
        );
        let error = codec(10)
            .decode(&mut BytesMut::from(&wire[..]))
            .unwrap_err();
        assert!(matches!(
            error,
            CodecError::Frame(FrameError::FrameTooLarge { .. })
        ));
    }

    #[test]
    fn a_content_length_that_is_no_number_is_refused_where_client_codec_ignores_it() {
        let wire = b"ERROR\nmessage:x\ncontent-length:many\n\nabc\0";
        let mut bare = ClientCodec::new();
        assert!(
            bare.decode(&mut BytesMut::from(&wire[..]))
                .unwrap()
                .is_some()
        );
        let error = codec(100)
            .decode(&mut BytesMut::from(&wire[..]))
            .unwrap_err();
        assert!(matches!(
            error,
            CodecError::Frame(FrameError::ContentLength)
        ));
    }
}
