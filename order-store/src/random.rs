//! Fresh random bytes for whoever drives [`decide`](crate::decide).

use std::io;

use crate::{NotifySecret, PageTicket, Random, StoreError};

/// How many orders' secrets [`Randoms`] asks for at once.
const POOLED: usize = 64;

/// The secrets of an order that may be made, from the operating system.
pub(crate) fn random() -> Result<Random, StoreError> {
    let [bytes] = fresh()?;
    Ok(secrets(bytes))
}

/// The same, for who makes many: the operating system is asked once for several. Each is given once.
#[derive(Default)]
pub(crate) struct Randoms {
    pool: Vec<Random>,
}

impl Randoms {
    pub(crate) fn next(&mut self) -> Result<Random, StoreError> {
        if let Some(random) = self.pool.pop() {
            return Ok(random);
        }
        let [first, rest @ ..] = fresh::<POOLED>()?;
        self.pool.extend(rest.map(secrets));
        Ok(secrets(first))
    }
}

/// The bytes of a ticket, and those of a secret.
type Bytes = [[u8; 16]; 2];

fn fresh<const ORDERS: usize>() -> Result<[Bytes; ORDERS], StoreError> {
    let mut bytes = [[[0; 16]; 2]; ORDERS];
    getrandom::fill(bytes.as_flattened_mut().as_flattened_mut()).map_err(|error| {
        StoreError::Io {
            what: "random bytes".to_owned(),
            error: io::Error::other(error),
        }
    })?;
    Ok(bytes)
}

fn secrets([page_ticket, notify_secret]: Bytes) -> Random {
    Random {
        page_ticket: PageTicket::from_bytes(page_ticket),
        notify_secret: NotifySecret::from_bytes(notify_secret),
    }
}
