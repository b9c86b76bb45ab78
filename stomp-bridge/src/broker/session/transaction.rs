//! Transactions: frames that wait for their COMMIT.

use super::refusal::Refusal;
use crate::broker::config::BrokerLimits;
use crate::broker::held::{Charge, Held};
use crate::frame::Frame;
use bytes::Bytes;
use std::collections::BTreeMap;

/// What a frame takes beside its texts: itself, and what the heap adds.
const FIXED_BYTES: usize = size_of::<(Frame, Charge)>() + 64;
/// A header's place, and what the heap adds to its texts.
const HEADER_BYTES: usize = size_of::<(String, String)>() + 16;

#[derive(Debug, Default)]
pub(super) struct Transactions(BTreeMap<String, Vec<(Frame, Charge)>>);

fn bytes(frame: &Frame) -> usize {
    let headers = frame.headers.iter();
    let headers: usize = headers.map(|(n, v)| HEADER_BYTES + n.len() + v.len()).sum();
    FIXED_BYTES + headers + frame.body.len()
}

impl Transactions {
    /// As in RabbitMQ, to begin one that is open empties it.
    pub(super) fn begin(&mut self, frame: &Frame, limits: &BrokerLimits) -> Result<(), Refusal> {
        let id = id(frame)?;
        if !self.0.contains_key(id) && self.0.len() >= limits.max_transactions {
            let body = "RESOURCE_ERROR - no more open transactions on one connection";
            return Err(Refusal::new("resource_error", body));
        }
        self.0.insert(id.to_owned(), Vec::new());
        Ok(())
    }

    /// Whether the frame names an open transaction.
    pub(super) fn check(&self, frame: &Frame) -> Result<(), Refusal> {
        let id = id(frame)?;
        let is_open = self.0.contains_key(id);
        is_open.then_some(()).ok_or_else(|| unknown(id))
    }

    /// Keeps a SEND, ACK or NACK.
    pub(super) fn extend(
        &mut self,
        mut frame: Frame,
        limits: &BrokerLimits,
        held: &Held,
    ) -> Result<(), Refusal> {
        let kept: usize = self.0.values().flatten().map(|(_, c)| c.bytes()).sum();
        let id = id(&frame)?;
        let frames = self.0.get_mut(id).ok_or_else(|| unknown(id))?;
        let bytes = bytes(&frame);
        if frames.len() >= limits.max_transaction_frames
            || kept + bytes > limits.max_transaction_bytes
        {
            let body = "RESOURCE_ERROR - no more frames in this transaction";
            return Err(Refusal::new("resource_error", body));
        }
        let charge = held.charge(bytes).ok_or_else(Refusal::no_room)?;
        // A body may be a small part of a large buffer.
        frame.body = Bytes::copy_from_slice(&frame.body);
        frame.headers.shrink_to_fit();
        frames.push((frame, charge));
        Ok(())
    }

    /// Takes what waits in a transaction that is committed or aborted.
    pub(super) fn end(&mut self, frame: &Frame) -> Result<Vec<(Frame, Charge)>, Refusal> {
        let id = id(frame)?;
        self.0.remove(id).ok_or_else(|| unknown(id))
    }
}

fn id(frame: &Frame) -> Result<&str, Refusal> {
    frame
        .header("transaction")
        .ok_or_else(|| Refusal::missing("Missing transaction", frame.command, "transaction"))
}

fn unknown(id: &str) -> Refusal {
    let body = format!("Invalid transaction identifier: \"{id}\"\n");
    Refusal::new("Bad transaction", body)
}
