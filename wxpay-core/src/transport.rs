//! How a request gets to the gateway, for a caller that brings an HTTP stack of its own.
//!
//! [`Transport`] is one POST and one answer. It demands neither `Send` nor `'static`, so a stack on a microcontroller
//! fits, and the caller owns the memory that the answer goes into. [`call_over`] is a whole call above it: prepare, send,
//! parse. Who wants no trait uses [`prepare`] and [`parse`] alone.
//!
//! A stack that has TLS streams but no HTTP gets it from [`StreamTransport`]. Code that is generic over the stack and spawns
//! its calls asks for a [`SendTransport`].
//!
//! Which host is next and whether a request may be sent again are decisions without I/O: [`Failover`] and [`RetryPolicy`].
//! The feature `client` uses the same two.
//!
//! ```
//! use wxpay_core::transport::{BodySink, Fixed, Request, Transport};
//!
//! /// A stack that always gives the same answer.
//! struct Canned(&'static [u8]);
//!
//! impl Transport for Canned {
//!     type Error = core::convert::Infallible;
//!
//!     async fn send<B: BodySink>(&mut self, _: &Request<'_>, body: &mut B) -> Result<u16, Self::Error> {
//!         // A real stack hangs up when the sink is full, and leaves the rest to the caller.
//!         let _ = body.push(self.0);
//!         Ok(200)
//!     }
//! }
//!
//! let mut memory = [0; 4096];
//! let sink = Fixed::new(&mut memory);
//! assert_eq!(sink.capacity(), 4096);
//! ```

mod failover;
mod http1;
mod retry;
mod send;
mod sink;
mod stream;

use core::future::Future;

pub use failover::{Failover, Host, HostReport};
pub use http1::HttpError;
pub use retry::{Failure, RetryPolicy};
pub use send::{SendTransport, call_over_send};
pub use sink::{BodySink, Fixed, Limited, Received, TooLarge};
pub use stream::{ByteStream, Dial, StreamError, StreamTransport};

use crate::{
    Account, NonceStr,
    api::{AnswerError, Endpoint, Prepared, RequestError, parse, prepare},
};

/// The gateway's first host.
pub const PRIMARY_HOST: &str = "api.mch.weixin.qq.com";
/// The gateway's host in another city, for when the first cannot be reached. It has every path.
pub const BACKUP_HOST: &str = "api2.mch.weixin.qq.com";
/// The content type of every request.
pub const CONTENT_TYPE: &str = "text/xml; charset=utf-8";

/// One request to send: a POST over TLS.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The host's name, such as [`PRIMARY_HOST`].
    pub host: &'a str,
    /// The path, with a slash in front.
    pub path: &'a str,
    /// The content type.
    pub content_type: &'static str,
    /// The signed XML.
    pub body: &'a [u8],
    /// Whether the connection must show the merchant's client certificate.
    pub client_cert: bool,
}

impl<'a> Request<'a> {
    /// The request of a prepared message, to a host: [`Prepared::host`] where it names one, else one of the gateway's two.
    #[must_use]
    pub const fn new(host: &'a str, prepared: &'a Prepared) -> Self {
        Self {
            host,
            path: prepared.path,
            content_type: CONTENT_TYPE,
            body: prepared.body.as_bytes(),
            client_cert: prepared.needs_cert,
        }
    }
}

/// An HTTP stack: one POST, one answer.
///
/// A future of a `Send` stack is `Send`, so a call over a stack that is named can be spawned. Code that is generic over the
/// stack and spawns asks for [`SendTransport`] instead; this trait never asks for `Send`.
pub trait Transport {
    /// Why there was no answer.
    type Error: core::fmt::Debug;

    /// Sends the request once, gives the answer's body to the sink piece by piece, and returns the HTTP status.
    ///
    /// It follows no redirect and tries nothing again. When the sink is full it stops reading, closes the connection and
    /// still returns the status.
    ///
    /// # Errors
    /// The stack's own, when there is no whole answer.
    fn send<B: BodySink>(
        &mut self,
        request: &Request<'_>,
        body: &mut B,
    ) -> impl Future<Output = Result<u16, Self::Error>>;
}

impl<T: Transport> Transport for &mut T {
    type Error = T::Error;

    fn send<B: BodySink>(
        &mut self,
        request: &Request<'_>,
        body: &mut B,
    ) -> impl Future<Output = Result<u16, T::Error>> {
        (**self).send(request, body)
    }
}

/// One call over a caller's own stack: prepares and signs the request, sends it once, and reads the answer.
///
/// `nonce` must be fresh for each call. `sink` is emptied first; its size is the longest answer that is taken.
///
/// # Errors
/// [`OverError`].
pub async fn call_over<E: Endpoint, T: Transport, R: Received>(
    transport: &mut T,
    host: &str,
    request: &E,
    account: &Account,
    sign: E::Sign,
    nonce: &NonceStr,
    sink: &mut R,
) -> Result<E::Response, OverError<T::Error>> {
    let prepared = prepare(request, account, sign, nonce)?;
    let mut watched = Watched::begin(sink);
    let status = transport
        .send(&Request::new(host, &prepared), &mut watched)
        .await
        .map_err(OverError::Transport)?;
    watched.answer::<E, _>(status, account, sign)
}

/// Remembers that the answer did not fit, also when the stack forgets to say so.
struct Watched<'s, R> {
    sink: &'s mut R,
    overflowed: bool,
}

impl<'s, R: Received> Watched<'s, R> {
    fn begin(sink: &'s mut R) -> Self {
        sink.clear();
        Self {
            sink,
            overflowed: false,
        }
    }

    fn answer<E: Endpoint, T>(
        self,
        status: u16,
        account: &Account,
        sign: E::Sign,
    ) -> Result<E::Response, OverError<T>> {
        let received = self.sink.received();
        if is_certificate_demand(status, received) {
            return Err(OverError::CertificateDemanded);
        }
        if status != 200 {
            return Err(OverError::Http { status });
        }
        if self.overflowed {
            return Err(OverError::TooLarge);
        }
        Ok(parse::<E>(received, account, sign)?)
    }
}

impl<R: BodySink> BodySink for Watched<'_, R> {
    fn push(&mut self, chunk: &[u8]) -> Result<(), TooLarge> {
        if self.overflowed {
            return Err(TooLarge);
        }
        self.sink
            .push(chunk)
            .inspect_err(|_| self.overflowed = true)
    }
}

/// Whether an answer is the gateway's page that the TLS handshake lacked a client certificate, or had one that it does
/// not take. It is HTML with status 400, not a message.
pub(crate) fn is_certificate_demand(status: u16, body: &[u8]) -> bool {
    const NONE: &[u8] = b"No required SSL certificate was sent";
    const BAD: &[u8] = b"The SSL certificate error";
    status == 400
        && [NONE, BAD]
            .iter()
            .any(|text| memchr::memmem::find(body, text).is_some())
}

/// Why a call over a caller's own stack gave no typed answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OverError<E> {
    /// The request breaks a rule of its endpoint; nothing was sent.
    #[error("the request was not made: {0}")]
    Request(#[from] RequestError),
    /// The stack gave no whole answer. Unless it says that nothing left, what became of the request is not known.
    #[error("the transport gave no answer")]
    Transport(E),
    /// The gateway wants the merchant's client certificate and did not get one that it takes.
    #[error("the gateway demands a client certificate and got none that it takes")]
    CertificateDemanded,
    /// The answer's HTTP status is not 200.
    #[error("HTTP status {status}, not 200")]
    Http {
        /// The status.
        status: u16,
    },
    /// The answer does not fit the sink.
    #[error("the answer is longer than the memory for it")]
    TooLarge,
    /// There was an answer, but none that can be acted on; or it is the gateway's proven refusal.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_page_that_demands_a_certificate() {
        let page = b"<html>\r\n<head><title>400 No required SSL certificate was sent</title></head></html>";
        assert!(is_certificate_demand(400, page));
        assert!(is_certificate_demand(
            400,
            b"<title>400 The SSL certificate error</title>"
        ));
        assert!(!is_certificate_demand(200, page));
        assert!(!is_certificate_demand(
            400,
            b"<title>400 Bad Request</title>"
        ));
    }
}
