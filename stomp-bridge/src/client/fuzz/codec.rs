//! The guard around async-stomp's codec.

use super::{Inflow, Told, connected, said, told};
use crate::client::codec::Incoming;
use crate::frame::Limits;
use crate::fuzz::Choices;
use async_stomp::FromServer;

/// Whatever a server sends and wherever it is cut, the codec reads the same messages and ends with
/// the same error, holds no more than one frame, and never panics.
pub fn client_codec(input: &[u8]) {
    let (mut choices, wire) = Choices::of(input);
    let limits = choices.limits();
    // One of four begins before the handshake.
    let mut stream = match choices.below(4) {
        0 => Vec::new(),
        _ => connected(choices.version()),
    };
    stream.extend_from_slice(wire);
    let whole = read([&stream[..]], limits);
    assert_eq!(read(stream.chunks(1), limits), whole, "by the byte");
    let pieces = choices.cut(&stream);
    assert_eq!(read(pieces, limits), whole);
}

fn read<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limits: Limits,
) -> (Vec<Told>, Option<String>) {
    let mut inflow = Inflow::new(limits);
    let mut messages = Vec::new();
    for piece in pieces {
        if let Err(error) = inflow.push(piece, |incoming| messages.extend(whole(incoming))) {
            return (messages, Some(said(error)));
        }
    }
    (messages, None)
}

/// What is told of a whole frame.
fn whole(incoming: Incoming) -> Option<Told> {
    match incoming {
        Incoming::Bytes => None,
        Incoming::Receipt(id) => {
            let receipt_id = id.to_string();
            Some(told(&FromServer::Receipt { receipt_id }))
        }
        Incoming::Frame(message) => Some(told(&message.content)),
    }
}
