//! The same for code that is generic over the stack and spawns.

use core::{fmt, future::Future};

use super::{BodySink, OverError, Received, Request, Watched};
use crate::{
    Account, NonceStr,
    api::{Endpoint, prepare},
};

/// A [`Transport`](super::Transport) whose futures are `Send`, for code that spawns a call over a stack that it does not
/// know.
///
/// A stack of which that is true says so in an `impl` that calls the other trait; the compiler checks it there:
///
/// ```
/// use wxpay_core::{
///     Account, NonceStr, SignType,
///     api::{OrderQuery, OrderQueryResponse},
///     transport::{
///         BodySink, Limited, OverError, PRIMARY_HOST, Request, SendTransport, Transport, call_over_send,
///     },
/// };
///
/// struct Stack;
///
/// impl Transport for Stack {
///     type Error = std::io::Error;
///
///     async fn send<B: BodySink>(&mut self, _: &Request<'_>, body: &mut B) -> std::io::Result<u16> {
///         // …
///         let _ = body.push(b"<html></html>");
///         Ok(200)
///     }
/// }
///
/// impl SendTransport for Stack {
///     type Error = std::io::Error;
///
///     async fn send<B: BodySink + Send>(&mut self, request: &Request<'_>, body: &mut B) -> std::io::Result<u16> {
///         Transport::send(self, request, body).await
///     }
/// }
///
/// /// As `tokio::spawn` asks.
/// fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) {
///     # drop(future);
/// }
///
/// /// Knows nothing of `T` but the trait.
/// fn query_beside<T: SendTransport + 'static>(mut stack: T, account: Account, query: OrderQuery, nonce: NonceStr) {
///     spawn(async move {
///         let mut answer = Vec::new();
///         let mut sink = Limited::new(&mut answer, 64 * 1024);
///         let result = call_over_send(
///             &mut stack, PRIMARY_HOST, &query, &account, SignType::HmacSha256, &nonce, &mut sink,
///         );
///         let result: Result<OrderQueryResponse, OverError<T::Error>> = result.await;
///         result.is_ok()
///     });
/// }
/// # let _ = query_beside::<Stack>;
/// ```
pub trait SendTransport: Send {
    /// Why there was no answer.
    type Error: fmt::Debug + Send;

    /// As [`Transport::send`](super::Transport::send).
    ///
    /// # Errors
    /// The stack's own, when there is no whole answer.
    fn send<B: BodySink + Send>(
        &mut self,
        request: &Request<'_>,
        body: &mut B,
    ) -> impl Future<Output = Result<u16, Self::Error>> + Send;
}

impl<T: SendTransport> SendTransport for &mut T {
    type Error = T::Error;

    fn send<B: BodySink + Send>(
        &mut self,
        request: &Request<'_>,
        body: &mut B,
    ) -> impl Future<Output = Result<u16, T::Error>> + Send {
        (**self).send(request, body)
    }
}

/// As [`call_over`](super::call_over), with a future that is `Send` whatever the stack is.
///
/// # Errors
/// [`OverError`].
#[allow(
    clippy::manual_async_fn,
    reason = "the bound on the future is the promise"
)]
pub fn call_over_send<
    E: Endpoint<Sign: Send + Sync> + Sync,
    T: SendTransport,
    R: Received + Send,
>(
    transport: &mut T,
    host: &str,
    request: &E,
    account: &Account,
    sign: E::Sign,
    nonce: &NonceStr,
    sink: &mut R,
) -> impl Future<Output = Result<E::Response, OverError<T::Error>>> + Send {
    async move {
        let prepared = prepare(request, account, sign, nonce)?;
        let mut watched = Watched::begin(sink);
        let status = transport
            .send(&Request::new(host, &prepared), &mut watched)
            .await
            .map_err(OverError::Transport)?;
        watched.answer::<E, _>(status, account, sign)
    }
}
