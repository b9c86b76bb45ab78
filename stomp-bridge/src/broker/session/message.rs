//! The part of a MESSAGE that is one consumer's own; the rest is shared by all who get it.

use super::ack::session_name;
use crate::broker::router::{AckMode, ConnId, Delivery};
use crate::frame::Version;
use crate::frame::escape::{Part, escape};
use std::io::Write;

/// Appends the head up to where the shared part begins. `None` if the version cannot say it.
pub(super) fn write_head(
    conn: ConnId,
    version: Version,
    delivery: &Delivery,
    out: &mut Vec<u8>,
) -> Option<()> {
    let consumer = &*delivery.consumer;
    let value =
        |text: &str, out: &mut Vec<u8>| escape(text, Some(version), Part::Value, out).then_some(());
    out.extend_from_slice(b"MESSAGE\n");
    // One without an id, as 1.0 may have it, is told by its destination.
    if let Some(id) = consumer.strip_prefix("T_") {
        out.extend_from_slice(b"subscription:");
        value(id, out)?;
        out.push(b'\n');
    }
    let start = out.len() + b"message-id:".len();
    out.extend_from_slice(b"message-id:");
    value(consumer, out)?;
    // A Vec takes all that is written.
    write!(out, "@@{}@@{}", session_name(conn), delivery.tag).ok()?;
    let id = start..out.len();
    out.extend_from_slice(if delivery.redelivered {
        b"\nredelivered:true\n"
    } else {
        b"\nredelivered:false\n"
    });
    if delivery.mode != AckMode::Auto && version == Version::V1_2 {
        out.extend_from_slice(b"ack:");
        out.extend_from_within(id);
        out.push(b'\n');
    }
    Some(())
}
