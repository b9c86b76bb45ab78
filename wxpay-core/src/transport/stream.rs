//! HTTP/1.1 over any stream of bytes, for a device that has TLS and no HTTP.

use alloc::string::ToString;
use core::{fmt, future::Future};

use super::{
    BodySink, HttpError, Request, Transport,
    http1::{Answer, Progress},
};

/// An open connection. It fits `embedded-io-async`, a blocking `Read + Write` in an `async` block, and others.
pub trait ByteStream {
    /// Why it broke.
    type Error: fmt::Debug;

    /// Waits for bytes and says how many it put at the front of `buffer`; none when the other side has closed.
    ///
    /// # Errors
    /// The stream's own.
    fn read(&mut self, buffer: &mut [u8]) -> impl Future<Output = Result<usize, Self::Error>>;

    /// Writes all bytes, and sees to it that they leave.
    ///
    /// # Errors
    /// The stream's own.
    fn write_all(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), Self::Error>>;
}

/// Opens connections with TLS to a host's port 443.
pub trait Dial {
    /// What it opens. Dropping it closes it.
    type Stream: ByteStream<Error = Self::Error>;
    /// Why there is no connection, or why one broke.
    type Error: fmt::Debug;

    /// Connects, checks that the certificate is the host's, and shows the merchant's own when `client_cert` says so.
    ///
    /// # Errors
    /// The stack's own.
    fn dial(
        &mut self,
        host: &str,
        client_cert: bool,
    ) -> impl Future<Output = Result<Self::Stream, Self::Error>>;
}

/// A [`Transport`] over a [`Dial`]: a connection for each request, closed behind it. It takes answers with
/// `content-length`, in chunks, or until the close, in any pieces, with 512 bytes of memory besides the sink.
///
/// It has no time-out: who drives it puts one around the call.
///
/// ```
/// use wxpay_core::transport::{ByteStream, Dial, StreamTransport};
///
/// /// A blocking stream, such as a TLS session on a device with one task.
/// struct Blocking<S>(S);
///
/// impl<S: std::io::Read + std::io::Write> ByteStream for Blocking<S> {
///     type Error = std::io::Error;
///
///     async fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
///         self.0.read(buffer)
///     }
///
///     async fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
///         self.0.write_all(bytes)?;
///         self.0.flush()
///     }
/// }
///
/// struct Gateway;
///
/// impl Dial for Gateway {
///     type Stream = Blocking<std::net::TcpStream>;
///     type Error = std::io::Error;
///
///     async fn dial(&mut self, host: &str, client_cert: bool) -> std::io::Result<Self::Stream> {
///         // A real one wraps the socket in TLS, with the merchant's certificate if `client_cert` is set.
///         # let _ = client_cert;
///         Ok(Blocking(std::net::TcpStream::connect((host, 443))?))
///     }
/// }
///
/// let stack = StreamTransport::new(Gateway);
/// # let _ = stack;
/// ```
#[derive(Debug)]
pub struct StreamTransport<D> {
    dial: D,
}

impl<D: Dial> StreamTransport<D> {
    /// A stack over these connections.
    pub const fn new(dial: D) -> Self {
        Self { dial }
    }
}

impl<D: Dial> Transport for StreamTransport<D> {
    type Error = StreamError<D::Error>;

    async fn send<B: BodySink>(
        &mut self,
        request: &Request<'_>,
        body: &mut B,
    ) -> Result<u16, Self::Error> {
        let dialed = self.dial.dial(request.host, request.client_cert).await;
        let mut stream = dialed.map_err(StreamError::Dial)?;
        let head = [
            "POST ",
            request.path,
            " HTTP/1.1\r\nhost: ",
            request.host,
            "\r\ncontent-type: ",
            request.content_type,
            "\r\nconnection: close\r\ncontent-length: ",
            &request.body.len().to_string(),
            "\r\n\r\n",
        ]
        .concat();
        for part in [head.as_bytes(), request.body] {
            let written = stream.write_all(part).await;
            written.map_err(StreamError::Broken)?;
        }
        let mut answer = Answer::new();
        let mut buffer = [0; 512];
        loop {
            let len = stream.read(&mut buffer).await;
            let len = len.map_err(StreamError::Broken)?.min(buffer.len());
            if len == 0 {
                return Ok(answer.end()?);
            }
            if let Progress::Done(status) = answer.take(&buffer[..len], body)? {
                return Ok(status);
            }
        }
    }
}

/// Why a stream gave no whole answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError<E> {
    /// There was no connection: nothing left.
    #[error("no connection")]
    Dial(E),
    /// The connection broke: the request may have arrived.
    #[error("the connection broke")]
    Broken(E),
    /// What came back is no whole HTTP answer: the request may have arrived.
    #[error(transparent)]
    Http(#[from] HttpError),
}
