//! The way back: to the caller that waits for one answer, or to a batch that takes many at one wake.

use super::outcome::{NotSent, PublishError, Published};
use crate::client::event::Cut;
use futures_util::task::AtomicWaker;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::oneshot;

pub(super) type Answer = Result<Published, PublishError>;

/// Whom to answer.
pub(super) enum Reply {
    Caller(oneshot::Sender<Answer>),
    Batch(Place),
}

impl Reply {
    /// Nobody waits for it any more: then nobody needs the answer.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Caller(caller) => caller.is_closed(),
            Self::Batch(place) => place.board.left.load(Ordering::Acquire),
        }
    }

    pub(super) fn send(self, answer: Answer) {
        match self {
            Self::Caller(caller) => drop(caller.send(answer)),
            Self::Batch(mut place) => place.fill(answer),
        }
    }
}

/// The answer when the task was ended from outside, with the runtime or past a shutdown's deadline.
pub(super) fn lost_with_the_task() -> Answer {
    Err(PublishError::Unknown {
        reason: Cut::Stopped,
    })
}

/// A batch's end: its answers in the order of its messages.
pub(super) struct Answers(Arc<Board>);

#[derive(Default)]
struct Board {
    slots: Mutex<Slots>,
    waker: AtomicWaker,
    /// The batch is gone.
    left: AtomicBool,
}

#[derive(Default)]
struct Slots {
    /// The number of the first that is not taken.
    first: usize,
    answers: VecDeque<Option<Answer>>,
}

/// Where one message's answer goes. Dropped without one, it says that the task was lost.
pub(super) struct Place {
    board: Arc<Board>,
    number: usize,
    filled: bool,
}

impl Answers {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// Answers of messages that were handed over and are not taken.
    pub(super) fn len(&self) -> usize {
        self.0.slots().answers.len()
    }

    /// The next message's place.
    pub(super) fn place(&self) -> Place {
        let mut slots = self.0.slots();
        slots.answers.push_back(None);
        Place {
            board: Arc::clone(&self.0),
            number: slots.first + slots.answers.len() - 1,
            filled: false,
        }
    }

    /// The last message did not leave, whatever its place says.
    pub(super) fn last_not_sent(&self, error: NotSent) {
        if let Some(last) = self.0.slots().answers.back_mut() {
            *last = Some(Err(error.into()));
        }
    }

    /// The next answer and its number. `None` if no message waits for one.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<(usize, Answer)>> {
        self.0.waker.register(cx.waker());
        let mut slots = self.0.slots();
        match slots.answers.front_mut().map(Option::take) {
            None => Poll::Ready(None),
            Some(None) => Poll::Pending,
            Some(Some(answer)) => {
                slots.answers.pop_front();
                let number = slots.first;
                slots.first += 1;
                Poll::Ready(Some((number, answer)))
            }
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.0.left.store(true, Ordering::Release);
    }
}

impl Board {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn fill(&mut self, answer: Answer) {
        self.filled = true;
        let mut slots = self.board.slots();
        let Some(at) = self.number.checked_sub(slots.first) else {
            return;
        };
        if let Some(slot @ None) = slots.answers.get_mut(at) {
            *slot = Some(answer);
        }
        drop(slots);
        // Answers are taken in order: only the first one is waited for.
        if at == 0 {
            self.board.waker.wake();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.filled {
            self.fill(lost_with_the_task());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::task::{ArcWake, waker};
    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl ArcWake for Count {
        fn wake_by_ref(this: &Arc<Self>) {
            this.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn many_answers_are_one_wake_and_come_in_order() {
        let count = Arc::new(Count::default());
        let waker = waker(Arc::clone(&count));
        let cx = &mut Context::from_waker(&waker);
        let answers = Answers::new();
        assert_eq!(answers.poll_next(cx), Poll::Ready(None));
        let mut places: Vec<_> = (0..5).map(|_| Reply::Batch(answers.place())).collect();
        assert!(answers.poll_next(cx).is_pending());
        // The last one is lost with the task.
        drop(places.pop());
        for at in [1, 0, 0] {
            places.remove(at).send(Ok(Published));
        }
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        for number in 0..3 {
            let taken = Poll::Ready(Some((number, Ok(Published))));
            assert_eq!(answers.poll_next(cx), taken);
        }
        assert_eq!((answers.poll_next(cx), answers.len()), (Poll::Pending, 2));
        answers.place();
        answers.last_not_sent(NotSent::Stopped);
        places.remove(0).send(Ok(Published));
        let rest = [
            Ok(Published),
            lost_with_the_task(),
            Err(NotSent::Stopped.into()),
        ];
        for (number, answer) in (3..).zip(rest) {
            let taken = Poll::Ready(Some((number, answer)));
            assert_eq!(answers.poll_next(cx), taken);
        }
        let place = Reply::Batch(answers.place());
        assert!(!place.is_closed());
        drop(answers);
        assert!(place.is_closed());
    }
}
