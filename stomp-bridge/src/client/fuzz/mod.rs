//! Fuzz bodies of the client: its codec alone, beside async-stomp's, and its session behind it.

mod codec;
mod differential;
mod session;

pub use codec::client_codec;
pub use differential::differential;
pub use session::client_session;

use super::codec::{GuardedCodec, Incoming};
use super::message::CodecError;
use crate::frame::{Limits, Version};
use crate::fuzz::essence;
use async_stomp::FromServer;
use bytes::BytesMut;
use tokio_util::codec::Decoder;

/// A server's message in a form that can be compared.
#[derive(Debug, PartialEq)]
struct Told {
    /// The variant and its texts.
    content: Vec<Option<String>>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// `extra_headers` are left out: async-stomp has them without the known ones and as they stood on
/// the wire.
fn told(message: &FromServer) -> Told {
    let own = |text: &str| Some(text.to_owned());
    let (content, headers, body) = match message {
        FromServer::Connected {
            version,
            session,
            server,
            heartbeat,
        } => {
            let known = [own(version), session.clone(), server.clone()];
            let mut content = vec![own("CONNECTED"), heartbeat.clone()];
            content.extend(known);
            (content, &[][..], None)
        }
        FromServer::Message {
            destination,
            message_id,
            subscription,
            ack,
            headers,
            body,
        } => {
            let known = [destination, message_id, subscription].map(|text| own(text));
            let mut content = vec![own("MESSAGE"), ack.clone()];
            content.extend(known);
            (content, &headers[..], body.as_ref())
        }
        FromServer::Receipt { receipt_id } => {
            (vec![own("RECEIPT"), own(receipt_id)], &[][..], None)
        }
        FromServer::Error { message, body } => {
            (vec![own("ERROR"), message.clone()], &[][..], body.as_ref())
        }
    };
    Told {
        content,
        headers: headers.to_vec(),
        // An empty body is told as none or as an empty one.
        body: body.cloned().unwrap_or_default(),
    }
}

/// A server's stream in pieces through the client's codec, as `Framed` drives it.
struct Inflow {
    codec: GuardedCodec,
    limits: Limits,
    buffer: BytesMut,
}

impl Inflow {
    fn new(limits: Limits) -> Self {
        Self {
            codec: GuardedCodec::new(limits),
            limits,
            buffer: BytesMut::new(),
        }
    }

    /// Hands each thing that a piece completes to `take`.
    fn push(&mut self, piece: &[u8], mut take: impl FnMut(Incoming)) -> Result<(), CodecError> {
        self.buffer.extend_from_slice(piece);
        let mut idle = 0;
        while let Some(incoming) = self.codec.decode(&mut self.buffer)? {
            match incoming {
                Incoming::Bytes => idle += 1,
                whole => (idle, ()) = (0, take(whole)),
            }
            assert!(idle < 3, "it tells of bytes again and again");
        }
        let held = self.buffer.len();
        assert!(held <= self.limits.max_frame_bytes, "{held} bytes are held");
        Ok(())
    }
}

/// A CONNECTED that names a version.
fn connected(version: Version) -> Vec<u8> {
    format!("CONNECTED\nversion:{version}\nheart-beat:1000,1000\n\n\0").into_bytes()
}

/// An error's text, without what depends on how far the first line had come.
fn said(error: CodecError) -> String {
    match error {
        CodecError::Frame(error) => essence(error).to_string(),
        other => other.to_string(),
    }
}
