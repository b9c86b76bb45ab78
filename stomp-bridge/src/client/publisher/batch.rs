//! Many messages, their answers in the order of submission.

use super::Publisher;
use super::handle::lost_with_the_task;
use super::outcome::{NotSent, PublishError, Published};
use super::queue::{Command, Entered, Reply};
use crate::client::publication::Publication;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::sync::oneshot;
use tokio::time::Instant;

type Answer = Result<Published, PublishError>;

enum Pending {
    Answered(PublishError),
    /// It is with the publisher.
    Waits(oneshot::Receiver<Answer>),
}

pub(super) struct Batch<'a, S> {
    publisher: &'a Publisher,
    /// `None` once it has ended.
    source: Option<Pin<Box<S>>>,
    /// The last of `pending` is on its way into a full queue.
    entering: Option<BoxFuture<'a, Result<(), NotSent>>>,
    pending: VecDeque<Pending>,
    /// Of the front of `pending`.
    index: usize,
}

impl<'a, S: Stream<Item = Publication>> Batch<'a, S> {
    pub(super) fn new(publisher: &'a Publisher, source: S) -> Self {
        Self {
            publisher,
            source: Some(Box::pin(source)),
            entering: None,
            pending: VecDeque::new(),
            index: 0,
        }
    }

    /// Hands over messages until something has to be waited for.
    fn fill(&mut self, cx: &mut Context<'_>) {
        loop {
            if let Some(entering) = &mut self.entering {
                let Poll::Ready(entered) = entering.poll_unpin(cx) else {
                    return;
                };
                self.entering = None;
                if let Err(not_sent) = entered {
                    self.pending.pop_back();
                    self.pending.push_back(Pending::Answered(not_sent.into()));
                }
            }
            if self.pending.len() >= self.publisher.batch_size {
                return;
            }
            let Some(source) = &mut self.source else {
                return;
            };
            match source.as_mut().poll_next(cx) {
                Poll::Pending => return,
                Poll::Ready(None) => self.source = None,
                Poll::Ready(Some(publication)) => self.hand_over(publication),
            }
        }
    }

    fn hand_over(&mut self, publication: Publication) {
        if let Err(not_sent) = publication.check(self.publisher.max_body_bytes) {
            return self.pending.push_back(Pending::Answered(not_sent.into()));
        }
        let (reply, answer): (Reply, _) = oneshot::channel();
        let since = Instant::now();
        let command = Command::Publish {
            publication,
            since,
            reply,
        };
        self.pending
            .push_back(match self.publisher.entrance.try_enter(command) {
                Entered::In => Pending::Waits(answer),
                Entered::Stopped => Pending::Answered(NotSent::Stopped.into()),
                Entered::Full(command) => {
                    let publisher = self.publisher;
                    let deadline = since + publisher.queue_timeout;
                    let entering = publisher.entrance.enter(command, deadline);
                    self.entering = Some(entering.boxed());
                    Pending::Waits(answer)
                }
            });
    }
}

impl<S: Stream<Item = Publication>> Stream for Batch<'_, S> {
    type Item = (usize, Answer);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.fill(cx);
        let answer = match this.pending.front_mut() {
            None if this.source.is_none() => return Poll::Ready(None),
            None => return Poll::Pending,
            Some(Pending::Waits(answer)) => {
                ready!(answer.poll_unpin(cx)).unwrap_or_else(|_| lost_with_the_task())
            }
            Some(Pending::Answered(error)) => Err(error.clone()),
        };
        this.pending.pop_front();
        let index = this.index;
        this.index += 1;
        Poll::Ready(Some((index, answer)))
    }
}
