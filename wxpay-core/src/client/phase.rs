//! A time-out for each phase of a try: connecting, waiting for the answer's head, and each wait for more of its body.
//!
//! The HTTP stack has one for connecting, which it keeps; its others begin before there is a connection. So the wait for
//! the head is timed here, and does not pass while a connection is being made.

use core::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};
use std::boxed::Box;

use tokio::time::{Instant, sleep_until, timeout_at};
use tower::{Layer, Service};

tokio::task_local! {
    /// Whether the request of this task has just worked on a connection of its own.
    static DIALING: Cell<bool>;
}

/// How a wait ended that was too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// There was no connection yet, so nothing left.
    Dialing,
    /// The gateway was silent.
    Silent,
}

/// How long a try may wait for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    /// For the head, once there is a connection, and for each piece of the body.
    pub(super) silence: Duration,
    /// For all.
    pub(super) until: Instant,
}

impl Waits {
    /// The end of a time-out that begins now.
    fn next(&self) -> Instant {
        match Instant::now().checked_add(self.silence) {
            Some(end) => end.min(self.until),
            None => self.until,
        }
    }

    /// Waits for the head of an answer.
    pub(super) async fn head<F: Future>(&self, send: F) -> Result<F::Output, Late> {
        DIALING.scope(Cell::new(false), self.watched(send)).await
    }

    async fn watched<F: Future>(&self, send: F) -> Result<F::Output, Late> {
        let mut send = pin!(send);
        let mut late = pin!(sleep_until(self.next()));
        poll_fn(|cx| {
            DIALING.with(|dialing| dialing.set(false));
            if let Poll::Ready(output) = send.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            // A connection that is being made takes part in every poll of the request that waits for it.
            let is_dialing = DIALING.with(Cell::get);
            if is_dialing {
                late.as_mut().reset(self.next());
            }
            late.as_mut().poll(cx).map(|()| {
                Err(if is_dialing {
                    Late::Dialing
                } else {
                    Late::Silent
                })
            })
        })
        .await
    }

    /// Waits for a piece of the body.
    pub(super) async fn piece<F: Future>(&self, piece: F) -> Result<F::Output, Late> {
        timeout_at(self.next(), piece)
            .await
            .map_err(|_| Late::Silent)
    }
}

/// Goes around the HTTP stack's connector, to tell a request that it is connecting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialing;

impl<S> Layer<S> for Dialing {
    type Service = Dialer<S>;

    fn layer(&self, connector: S) -> Dialer<S> {
        Dialer(connector)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Dialer<S>(S);

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<R, S: Service<R>> Service<R> for Dialer<S>
where
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Boxed<Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let mut connect = Box::pin(self.0.call(request));
        Box::pin(poll_fn(move |cx| {
            // Elsewhere, when the request has got another connection and this one is for the next.
            let _ = DIALING.try_with(|dialing| dialing.set(true));
            connect.as_mut().poll(cx)
        }))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;
    use tower::service_fn;

    use super::*;

    const SILENCE: Duration = Duration::from_secs(8);

    /// A request that connects for so long and then waits for its answer for so long: when it ended, and how.
    async fn request(connecting: u64, waiting: u64, within: u64) -> (u64, Result<(), Late>) {
        let started = Instant::now();
        let waits = Waits {
            silence: SILENCE,
            until: started + Duration::from_secs(within),
        };
        let mut connector = Dialing.layer(service_fn(|seconds| async move {
            sleep(Duration::from_secs(seconds)).await;
            Ok::<_, Late>(())
        }));
        let ended = waits
            .head(async {
                if connecting > 0 {
                    connector.call(connecting).await.expect("it connects");
                }
                sleep(Duration::from_secs(waiting)).await;
            })
            .await;
        (started.elapsed().as_secs(), ended)
    }

    #[tokio::test(start_paused = true)]
    async fn connecting_does_not_count_as_silence() {
        for (connecting, waiting, within, wanted) in [
            (0, 7, 60, (7, Ok(()))),
            (0, 9, 60, (8, Err(Late::Silent))),
            (5, 7, 60, (12, Ok(()))),
            (5, 9, 60, (13, Err(Late::Silent))),
            // Longer than any silence, until the stack's own time-out ends it.
            (20, 7, 60, (27, Ok(()))),
            // All together has its own end, and says what it cut off.
            (20, 7, 10, (10, Err(Late::Dialing))),
            (5, 7, 10, (10, Err(Late::Silent))),
        ] {
            let ended = request(connecting, waiting, within).await;
            assert_eq!(ended, wanted, "{connecting} {waiting} {within}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_piece_has_its_own_wait() {
        let waits = Waits {
            silence: SILENCE,
            until: Instant::now() + Duration::from_secs(20),
        };
        let piece = |seconds| waits.piece(sleep(Duration::from_secs(seconds)));
        assert_eq!(piece(7).await, Ok(()));
        assert_eq!(piece(7).await, Ok(()));
        // But there is an end to all.
        assert_eq!(piece(7).await, Err(Late::Silent));
    }
}
