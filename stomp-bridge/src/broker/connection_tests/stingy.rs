//! A stream that takes and gives a few bytes at a time, and now and then none.

use crate::fuzz::Choices;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(super) struct Stingy<S> {
    stream: S,
    choices: Choices,
}

impl<S> Stingy<S> {
    pub(super) fn new(stream: S, seed: u8) -> Self {
        let (choices, _) = Choices::of(&[seed]);
        Self { stream, choices }
    }

    /// How much it does now. `None`: come again.
    fn portion(&mut self, context: &mut Context<'_>) -> Option<usize> {
        if self.choices.below(4) == 0 {
            context.waker().wake_by_ref();
            return None;
        }
        let most = [1, 10, 1000][self.choices.below(3)];
        Some(1 + self.choices.below(most))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stingy<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(most) = self.portion(context) else {
            return Poll::Pending;
        };
        let mut some = into.take(most);
        let polled = Pin::new(&mut self.stream).poll_read(context, &mut some);
        let read = some.filled().len();
        ready!(polled)?;
        let whole = into.filled().len() + read;
        into.set_filled(whole);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stingy<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(most) = self.portion(context) else {
            return Poll::Pending;
        };
        let some = &bytes[..bytes.len().min(most)];
        Pin::new(&mut self.stream).poll_write(context, some)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
