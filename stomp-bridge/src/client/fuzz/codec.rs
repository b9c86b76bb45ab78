//! The guard around async-stomp's codec.

use super::{Inflow, Told, connected, said, told};
use crate::frame::Limits;
use crate::fuzz::Choices;

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
        if let Err(error) = inflow.push(piece, |message| messages.push(told(&message.content))) {
            return (messages, Some(said(error)));
        }
    }
    (messages, None)
}
