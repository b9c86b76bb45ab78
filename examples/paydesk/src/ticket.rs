//! From a page's ticket to its key on the broker.

use order_store::PageTicket;
use sha2::{Digest, Sha256};

use crate::hex;

/// The routing key of a page: a hash of its ticket. Whoever reads the fanout sees the key in each message, and must not
/// learn the ticket, which opens the page.
pub(crate) fn routing_key(ticket: &PageTicket) -> String {
    let digest = Sha256::new()
        .chain_update(b"paydesk page route\0")
        .chain_update(ticket.as_bytes())
        .finalize();
    hex::lower(&digest[..16])
}
