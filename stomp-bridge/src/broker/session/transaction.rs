//! Transactions: frames that wait for their COMMIT.

use super::refusal::Refusal;
use crate::broker::config::BrokerLimits;
use crate::frame::Frame;
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct Transactions(BTreeMap<String, Vec<Frame>>);

fn bytes(frame: &Frame) -> usize {
    let headers = frame.headers.iter().map(|(n, v)| n.len() + v.len());
    frame.body.len() + headers.sum::<usize>()
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

    /// Keeps a SEND, ACK or NACK.
    pub(super) fn extend(&mut self, frame: Frame, limits: &BrokerLimits) -> Result<(), Refusal> {
        let held: usize = self.0.values().flatten().map(bytes).sum();
        let id = id(&frame)?;
        let frames = self.0.get_mut(id).ok_or_else(|| unknown(id))?;
        if frames.len() >= limits.max_transaction_frames
            || held + bytes(&frame) > limits.max_transaction_bytes
        {
            let body = "RESOURCE_ERROR - no more frames in this transaction";
            return Err(Refusal::new("resource_error", body));
        }
        frames.push(frame);
        Ok(())
    }

    /// Takes what waits in a transaction that is committed or aborted.
    pub(super) fn end(&mut self, frame: &Frame) -> Result<Vec<Frame>, Refusal> {
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
