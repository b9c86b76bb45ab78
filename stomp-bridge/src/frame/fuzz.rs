//! The codec of both sides' frames, under arbitrary bytes.

use super::{Frame, FrameError, Limits, Parser, Version};
use crate::fuzz::{Choices, TIGHT, WIDE, essence};

/// What a stream was read as.
#[derive(Debug, PartialEq)]
struct Reading {
    frames: Vec<Frame>,
    end: Option<FrameError>,
}

/// However the bytes are cut into pieces they are read alike and within the limits, and what was
/// read is written and read again as it was.
pub fn frames(input: &[u8]) {
    let (mut choices, wire) = Choices::of(input);
    let version = choices.version();
    for limits in [TIGHT, Limits::default(), WIDE] {
        let whole = read([wire], limits, version);
        assert_eq!(read(wire.chunks(1), limits, version), whole, "by the byte");
        let pieces = choices.cut(wire);
        assert_eq!(
            read(pieces.iter().copied(), limits, version),
            whole,
            "as {pieces:?}"
        );
        for frame in &whole.frames {
            assert_within(frame, limits);
            assert_comes_back(frame, version);
        }
    }
}

fn read<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limits: Limits,
    version: Version,
) -> Reading {
    let mut parser = Parser::new(limits);
    parser.set_version(version);
    let mut frames = Vec::new();
    for piece in pieces {
        parser.push(piece);
        loop {
            match parser.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => {
                    let end = Some(essence(error));
                    return Reading { frames, end };
                }
            }
        }
        let held = parser.buffer.len();
        assert!(held <= limits.max_frame_bytes, "{held} bytes are held");
    }
    Reading { frames, end: None }
}

fn assert_within(frame: &Frame, limits: Limits) {
    assert!(frame.headers.len() <= limits.max_headers);
    let head: usize = frame.headers.iter().map(|(n, v)| n.len() + v.len()).sum();
    assert!(head + frame.body.len() < limits.max_frame_bytes);
    for (name, value) in &frame.headers {
        assert!(name.len() + value.len() < limits.max_header_bytes);
    }
}

fn assert_comes_back(frame: &Frame, version: Version) {
    let wire = frame.encode(version).unwrap();
    let again = read([&wire[..]], WIDE, version);
    let [again] = &again.frames[..] else {
        panic!("{again:?} of {frame:?}")
    };
    assert_eq!(untold(again), untold(frame));
    if frame.command.may_have_body() {
        let length = again.header("content-length").unwrap();
        assert_eq!(length.parse(), Ok(frame.body.len()));
    }
}

/// Without the length, which is told anew.
fn untold(frame: &Frame) -> Frame {
    let mut frame = frame.clone();
    frame.headers.retain(|(name, _)| name != "content-length");
    frame
}
