//! The system's resolver, with errors that can be told from others.

use std::{boxed::Box, io, net::SocketAddr, vec::Vec};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A name has no address. It says nothing else; the name is in the configuration.
#[derive(Debug, thiserror::Error)]
#[error("the host's name cannot be resolved")]
pub(super) struct DnsError(#[source] io::Error);

/// Asks the system, and marks its errors with [`DnsError`]: the HTTP stack would make them one of many.
#[derive(Debug)]
pub(super) struct SystemDns;

impl Resolve for SystemDns {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Result<Vec<SocketAddr>, _> = tokio::net::lookup_host((name.as_str(), 0))
                .await
                .map(Iterator::collect);
            match found {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(error) => Err(DnsError(error).into()),
            }
        })
    }
}
