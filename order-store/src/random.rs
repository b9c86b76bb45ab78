//! Fresh random bytes for whoever drives [`decide`](crate::decide).

use std::io;

use crate::{NotifySecret, PageTicket, Random, StoreError};

/// The secrets of an order that may be made, from the operating system.
pub(crate) fn random() -> Result<Random, StoreError> {
    let mut bytes = [[0; 16]; 2];
    for half in &mut bytes {
        getrandom::fill(half).map_err(|error| StoreError::Io {
            what: "random bytes".to_owned(),
            error: io::Error::other(error),
        })?;
    }
    Ok(Random {
        page_ticket: PageTicket::from_bytes(bytes[0]),
        notify_secret: NotifySecret::from_bytes(bytes[1]),
    })
}
