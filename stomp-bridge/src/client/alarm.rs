//! A timer that is set anew only when it must ring earlier: deadlines of a busy connection move
//! later with every frame, and the timer need not follow each.

use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep, sleep_until};

#[derive(Debug, Default)]
pub(crate) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready once `due` has passed; never without one.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, due: Option<Instant>) -> Poll<()> {
        let Some(due) = due else { return Poll::Pending };
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if due < sleep.deadline() {
            sleep.as_mut().reset(due);
        }
        loop {
            std::task::ready!(sleep.as_mut().poll(cx));
            if due <= Instant::now() {
                return Poll::Ready(());
            }
            // It rang for an earlier deadline that has moved since.
            sleep.as_mut().reset(due);
        }
    }

    /// [`poll`](Self::poll) as a future.
    pub(crate) async fn wait(&mut self, due: Option<Instant>) {
        std::future::poll_fn(|cx| self.poll(cx, due)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn it_rings_at_what_is_due_and_not_at_what_was() {
        let (start, s) = (Instant::now(), Duration::from_secs(1));
        let mut alarm = Alarm::default();
        for (first, then) in [(9, 5), (6, 8), (12, 12)] {
            let poll = |alarm: &mut Alarm, due| {
                let mut cx = Context::from_waker(std::task::Waker::noop());
                alarm.poll(&mut cx, Some(start + s * due))
            };
            assert!(poll(&mut alarm, first).is_pending());
            assert!(poll(&mut alarm, then).is_pending());
            alarm.wait(Some(start + s * then)).await;
            assert_eq!((Instant::now() - start).as_secs(), u64::from(then));
        }
    }
}
