//! What the clones of a client have in common, and one try of a call over it.

use core::time::Duration;

use reqwest::header::CONTENT_TYPE;

use super::{
    CallError,
    hosts::{Base, Hosts},
    limit::Limit,
    observe::Hooks,
    phase::{Late, Waits},
    take::Take,
};
use crate::{
    api::Prepared,
    transport::{self, RetryPolicy},
};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) http: Http,
    pub(super) hosts: Hosts,
    pub(super) read_timeout: Duration,
    pub(super) total_timeout: Duration,
    pub(super) download_timeout: Duration,
    pub(super) retry: RetryPolicy,
    pub(super) limit: Limit,
    pub(super) hooks: Hooks,
}

/// The HTTP stacks without and with the client certificate. Only the endpoints that demand it show it: a certificate that
/// has gone bad must not stop the others.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) without: reqwest::Client,
    pub(super) with: Option<reqwest::Client>,
    pub(super) unencrypted: PlainHttp,
}

/// What becomes of an endpoint that demands a certificate where none can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlainHttp {
    NeedsIdentity,
    NeedsNothing,
}

impl Http {
    /// The most of an answer that is no success which is read, in bytes.
    const PAGE_MAX_BYTES: usize = 4096;

    /// The stack for an endpoint at an address.
    pub(super) fn for_endpoint(
        &self,
        needs_cert: bool,
        base: &Base,
    ) -> Result<&reqwest::Client, CallError> {
        match (&self.with, needs_cert) {
            (_, false) => Ok(&self.without),
            (Some(with), true) => Ok(with),
            (None, true) if base.is_plain() && self.unencrypted == PlainHttp::NeedsNothing => {
                Ok(&self.without)
            }
            (None, true) => Err(CallError::NoCertificate),
        }
    }

    /// Sends a message once, and hands on the body of an answer with status 200. `status` is set as soon as there is one.
    ///
    /// An idle connection that the gateway has closed is left aside. One that it closes under the request breaks, and then
    /// nothing is sent again here: the gateway may have read it.
    pub(super) async fn post(
        &self,
        base: &Base,
        prepared: Prepared,
        waits: Waits,
        status: &mut Option<u16>,
        take: &mut impl Take,
    ) -> Result<(), CallError> {
        // Lets the runtime look at its sockets: what was closed while this task held it up must not be taken for open.
        tokio::task::yield_now().await;
        let send = self
            .for_endpoint(prepared.needs_cert, base)?
            .post(base.url(prepared.path))
            .header(CONTENT_TYPE, transport::CONTENT_TYPE)
            .body(prepared.body)
            .send();
        let mut response = waits
            .head(send)
            .await
            .map_err(|late| CallError::Timeout {
                after_sent: late != Late::Dialing,
            })?
            .map_err(CallError::from_send)?;
        let code = response.status().as_u16();
        *status = Some(code);
        if code != 200 {
            return Err(Self::not_ok(code, response, waits).await);
        }
        loop {
            let piece = waits.piece(response.chunk()).await;
            let piece = piece.map_err(|_| CallError::Timeout { after_sent: true })?;
            match piece.map_err(CallError::from_body)? {
                Some(piece) => take.push(&piece).map_err(|_| take.full())?,
                None => return Ok(()),
            }
        }
    }

    /// The error of a status that is not 200. Only the page of status 400 is looked at.
    async fn not_ok(status: u16, mut response: reqwest::Response, waits: Waits) -> CallError {
        let mut page = alloc::vec::Vec::new();
        if status == 400 {
            while let Ok(Ok(Some(chunk))) = waits.piece(response.chunk()).await {
                let room = Self::PAGE_MAX_BYTES - page.len();
                page.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if page.len() == Self::PAGE_MAX_BYTES {
                    break;
                }
            }
        }
        if transport::is_certificate_demand(status, &page) {
            CallError::CertificateDemanded
        } else {
            CallError::Http { status }
        }
    }
}
