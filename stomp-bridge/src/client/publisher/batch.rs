//! Many messages, their answers in the order of submission.

use super::outcome::{NotSent, PublishError, Published};
use super::queue::{Command, Entered, Intake};
use super::reply::{Answers, Reply};
use crate::client::publication::Publication;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::Instant;

pub(super) struct Batch<'a, S> {
    intake: &'a Intake,
    /// `None` once it has ended.
    source: Option<Pin<Box<S>>>,
    /// The last message is on its way into a full queue.
    entering: Option<BoxFuture<'a, Result<(), NotSent>>>,
    answers: Answers,
}

impl<'a, S: Stream<Item = Publication>> Batch<'a, S> {
    pub(super) fn new(intake: &'a Intake, source: S) -> Self {
        Self {
            intake,
            source: Some(Box::pin(source)),
            entering: None,
            answers: Answers::new(),
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
                    self.answers.last_not_sent(not_sent);
                }
            }
            if self.answers.len() >= self.intake.batch_size {
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
        let place = self.answers.place();
        if let Err(not_sent) = publication.check(self.intake.max_body_bytes) {
            return self.answers.last_not_sent(not_sent);
        }
        let since = Instant::now();
        let command = Command::Publish {
            publication,
            since,
            reply: Reply::Batch(place),
        };
        let entrance = &self.intake.entrance;
        match entrance.try_enter(command) {
            Entered::In => {}
            Entered::Stopped => self.answers.last_not_sent(NotSent::Stopped),
            Entered::Full(command) => {
                let deadline = since + self.intake.queue_timeout;
                self.entering = Some(entrance.enter(command, deadline).boxed());
            }
        }
    }
}

impl<S: Stream<Item = Publication>> Stream for Batch<'_, S> {
    type Item = (usize, Result<Published, PublishError>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.fill(cx);
        match this.answers.poll_next(cx) {
            // The source has nothing now.
            Poll::Ready(None) if this.source.is_some() => Poll::Pending,
            next => next,
        }
    }
}
