use super::batch::Batch;
use super::check::{QueueReport, watch_queues};
use super::outcome::{PublishError, Published};
use super::queue::{Command, Entrance, Intake};
use super::reply::{Reply, lost_with_the_task};
use super::status::{Gauge, Status};
use super::task::Task;
use super::{PublisherConfig, Resend};
use crate::client::connect::probe;
use crate::client::connect_error::ConnectError;
use crate::client::event::ServerInfo;
use crate::client::far::{bounded, places};
use crate::client::options::ConnectOptions;
use crate::client::publication::Publication;
use crate::client::url::BrokerUrl;
use futures_util::Stream;
use futures_util::stream::{Iter, iter};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

/// Past a deadline: for DISCONNECT and the close.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// What [`Publisher::drain`] or [`Publisher::shutdown`] left undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Messages without an answer at the deadline. After a drain they may still get one; at a
    /// shutdown each was answered with an error.
    pub unsettled: usize,
}

/// Publishes with receipts; reconnects by itself. Clone it freely: all clones share one connection.
/// The task behind it stops at [`shutdown`](Self::shutdown), or when the last clone is dropped.
#[derive(Clone)]
pub struct Publisher {
    intake: Intake,
    status: watch::Receiver<Status>,
    stop: Arc<watch::Sender<Option<Instant>>>,
    gauge: Arc<Gauge>,
    queues: watch::Receiver<QueueReport>,
    abort: AbortHandle,
}

impl Publisher {
    /// Starts the task and returns at once; [`status`](Self::status) tells how it fares. Needs a
    /// tokio runtime.
    #[must_use = "the publisher stops when its last handle is dropped"]
    pub fn spawn(mut config: PublisherConfig) -> Self {
        config.queue_timeout = bounded(config.queue_timeout);
        config.receipt_timeout = bounded(config.receipt_timeout);
        if let Resend::Within(within) = &mut config.resend {
            *within = bounded(*within);
        }
        // Half of what may wait is in the channel, half with the task, which sees its age.
        let (commands, queue) = mpsc::channel(places(config.queue.div_ceil(2)));
        let (status_tx, status) = watch::channel(Status::Connecting {
            attempt: 1,
            last_error: None,
        });
        let (stop, stop_rx) = watch::channel(None);
        let stop = Arc::new(stop);
        let gauge: Arc<Gauge> = Arc::default();
        let entrance = Entrance::new(commands);
        let queues = watch_queues(&config, status.clone());
        // One window in flight, and the next one ready behind it: more would only grow old.
        let window = config.window.max(1);
        let intake = Intake {
            queue_timeout: config.queue_timeout,
            max_body_bytes: config.max_body_bytes,
            batch_size: window.saturating_add(window.min(config.queue)),
            entrance,
        };
        let line = intake.entrance.waiting();
        let task = Task::new(config, queue, line, status_tx, stop_rx, Arc::clone(&gauge));
        let abort = tokio::spawn(task.run()).abort_handle();
        Self {
            intake,
            status,
            stop,
            gauge,
            queues,
            abort,
        }
    }

    /// One bounded attempt to connect, with the goodbye. For a start that must say in one clear
    /// line why the broker refuses.
    ///
    /// # Errors
    /// [`ConnectError`], whose text is that line.
    pub async fn connect_once(
        url: &BrokerUrl,
        options: &ConnectOptions,
    ) -> Result<ServerInfo, ConnectError> {
        probe(url, options, |_| {}).await
    }

    /// Publishes one message and returns after the broker's RECEIPT. Messages are
    /// sent in the order in which these futures are first polled. While there is no connection it waits for one, up to
    /// the queue's time-out; a connection that ends before the receipt is followed by another SEND
    /// on the next one, as [`PublisherConfig::resend`] says.
    ///
    /// Keep polling the future until it is done: with a full queue, others wait behind it.
    /// Dropping it before the message was sent takes the message back; later it does not.
    ///
    /// # Errors
    /// [`PublishError`], by what the broker may have done with the message.
    pub async fn publish(&self, publication: Publication) -> Result<Published, PublishError> {
        publication.check(self.intake.max_body_bytes)?;
        let since = Instant::now();
        let (reply, answer) = oneshot::channel();
        let command = Command::Publish {
            publication,
            since,
            reply: Reply::Caller(reply),
        };
        let deadline = since + self.intake.queue_timeout;
        self.intake.entrance.enter(command, deadline).await?;
        answer.await.unwrap_or_else(|_| lost_with_the_task())
    }

    /// Publishes many messages and gives their answers in the order of submission, each with its
    /// index from 0. Messages are taken from the iterator as the window allows and only while the
    /// stream is polled; a bounded number waits for its answer, however many there are.
    ///
    /// An error is about its own message: the stream goes on. After a message of a key has failed,
    /// those of its key that were on their way are answered
    /// [`KeyBlocked`](PublishError::KeyBlocked).
    ///
    /// ```no_run
    /// # async fn demo(publisher: &stomp_bridge::client::Publisher) -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt;
    /// use stomp_bridge::client::{Destination, Publication};
    ///
    /// let queue = Destination::queue("order_pay")?;
    /// let orders = (0..100_000).map(|n| Publication::new(queue.clone(), format!("order {n}")));
    /// let mut answers = std::pin::pin!(publisher.publish_all(orders));
    /// while let Some((index, answer)) = answers.next().await {
    ///     if let Err(error) = answer {
    ///         eprintln!("message {index}: {error}: {:?}", error.advice());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn publish_all<I>(
        &self,
        publications: I,
    ) -> impl Stream<Item = (usize, Result<Published, PublishError>)> + use<'_, I>
    where
        I: IntoIterator<Item = Publication>,
    {
        Batch::<Iter<I::IntoIter>>::new(&self.intake, iter(publications))
    }

    /// [`publish_all`](Self::publish_all) for messages that come one after the other. Answers are
    /// given while the stream waits for its next message.
    pub fn publish_stream<S>(
        &self,
        publications: S,
    ) -> impl Stream<Item = (usize, Result<Published, PublishError>)> + use<'_, S>
    where
        S: Stream<Item = Publication>,
    {
        Batch::new(&self.intake, publications)
    }

    /// What the connection is doing.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// What the last look at the queues found; see [`PublisherConfig::check`].
    #[must_use]
    pub fn queues(&self) -> watch::Receiver<QueueReport> {
        self.queues.clone()
    }

    /// Waits until every message that was handed over before this call has its answer, at most
    /// `deadline`. The publisher goes on, and so do messages that are unsettled by then.
    pub async fn drain(&self, deadline: Duration) -> Drained {
        let until = Instant::now() + bounded(deadline);
        let (reply, answer) = oneshot::channel();
        let entered = self
            .intake
            .entrance
            .enter(Command::Drain { until, reply }, until)
            .await;
        let answered = match entered {
            // The task answers at `until` by itself; the grace is for one that has no time.
            Ok(()) => timeout_at(until + STOP_GRACE, answer).await.ok(),
            Err(_) => None,
        };
        let unsettled = match answered {
            Some(Ok(unsettled)) => unsettled,
            Some(Err(_)) | None => self.open(),
        };
        Drained { unsettled }
    }

    /// Messages that were handed over and have no answer.
    fn open(&self) -> usize {
        if *self.status.borrow() == Status::Stopped {
            return 0;
        }
        self.gauge.open.load(Ordering::Acquire) + self.intake.entrance.queued()
    }

    /// Takes no more messages, sends the queued ones, waits for the receipts up to `deadline`,
    /// says goodbye and stops. What got no receipt by then is answered with an error.
    pub async fn shutdown(&self, deadline: Duration) -> Drained {
        let deadline = bounded(deadline);
        let at = Instant::now() + deadline;
        self.stop.send_if_modified(|stop| {
            let sooner = stop.is_none_or(|old| at < old);
            *stop = if sooner { Some(at) } else { *stop };
            sooner
        });
        let mut status = self.status.clone();
        let stopped = status.wait_for(|s| *s == Status::Stopped);
        if timeout(deadline + STOP_GRACE, stopped).await.is_err() {
            self.abort.abort();
        }
        Drained {
            unsettled: self.gauge.unsettled.load(Ordering::Acquire),
        }
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("status", &*self.status.borrow())
            .finish_non_exhaustive()
    }
}
