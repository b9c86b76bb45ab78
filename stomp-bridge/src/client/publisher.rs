//! The publisher: a cloneable handle, and one task that owns the connection.

mod task;

use super::backoff::Backoff;
use super::connect::{ConnectError, ConnectOptions, ServerInfo, probe};
use super::credentials::CredentialsProvider;
use super::event::Cut;
use super::publication::{NotSent, Publication, PublishError, Published};
use super::url::BrokerUrl;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use task::Task;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, timeout, timeout_at};

/// Past the drain's deadline: for DISCONNECT and the close.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// Settings of a [`Publisher`].
#[derive(Clone)]
#[non_exhaustive]
pub struct PublisherConfig {
    /// The broker.
    pub url: BrokerUrl,
    /// Asked at each connect; without it the URL's credentials are used.
    pub credentials: Option<CredentialsProvider>,
    /// How to connect.
    pub connect: ConnectOptions,
    /// Messages that may wait for their receipt at once. 256: receipts of persistent messages can
    /// take 0.3 s, so that it allows about 850 messages a second on a slow disk.
    pub window: usize,
    /// Messages that may wait to be sent. 1024.
    pub queue: usize,
    /// From the SEND to its RECEIPT. A missing one ends the connection. 10 s.
    pub receipt_timeout: Duration,
    /// From the call of `publish` to the SEND. 10 s.
    pub queue_timeout: Duration,
    /// Largest body, in bytes. 1 MiB; the embedded broker takes less.
    pub max_body_bytes: usize,
    /// The waits between connects.
    pub backoff: Backoff,
}

impl PublisherConfig {
    /// The defaults, for this broker.
    #[must_use]
    pub fn new(url: BrokerUrl) -> Self {
        Self {
            url,
            credentials: None,
            connect: ConnectOptions::default(),
            window: 256,
            queue: 1024,
            receipt_timeout: Duration::from_secs(10),
            queue_timeout: Duration::from_secs(10),
            max_body_bytes: 1024 * 1024,
            backoff: Backoff::default(),
        }
    }
}

impl fmt::Debug for PublisherConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublisherConfig")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// What the publisher's connection is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Trying to connect, or waiting before the next try.
    Connecting {
        /// Attempts since the last connection, from 1.
        attempt: u32,
        /// Why there is no connection; `None` before the first attempt failed.
        last_error: Option<String>,
    },
    /// Connected.
    Connected {
        /// The broker.
        server: ServerInfo,
    },
    /// Stopped for good.
    Stopped,
}

/// What [`Publisher::shutdown`] left undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Messages that were sent or queued and got no receipt by the deadline. Each was answered
    /// with an error.
    pub unsettled: usize,
}

/// Publishes with receipts; reconnects by itself. Clone it freely: all clones share one connection.
/// The task behind it stops at [`shutdown`](Self::shutdown), or when the last clone is dropped.
#[derive(Clone)]
pub struct Publisher {
    jobs: mpsc::Sender<Job>,
    turn: Arc<Turn>,
    status: watch::Receiver<Status>,
    stop: Arc<watch::Sender<Option<Instant>>>,
    unsettled: Arc<AtomicUsize>,
    abort: AbortHandle,
    queue_timeout: Duration,
    max_body_bytes: usize,
}

/// A message on its way to the task.
struct Job {
    publication: Publication,
    reply: Reply,
    /// Set by whoever is first: the task to send it, or the caller to give up.
    claimed: Arc<AtomicBool>,
}

/// The line in front of a full queue.
#[derive(Default)]
struct Turn {
    waiting: AtomicUsize,
    lock: Mutex<()>,
}

struct Waiting<'a>(&'a Turn);

impl Turn {
    fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        Waiting(self)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

type Reply = oneshot::Sender<Result<Published, PublishError>>;

impl Publisher {
    /// Starts the task and returns at once; [`status`](Self::status) tells how it fares. Needs a
    /// tokio runtime.
    #[must_use = "the publisher stops when its last handle is dropped"]
    pub fn spawn(config: PublisherConfig) -> Self {
        let (jobs, queue) = mpsc::channel(config.queue.max(1));
        let (status_tx, status) = watch::channel(Status::Connecting {
            attempt: 1,
            last_error: None,
        });
        let (stop, stop_rx) = watch::channel(None);
        let unsettled = Arc::new(AtomicUsize::new(0));
        let (queue_timeout, max_body_bytes) = (config.queue_timeout, config.max_body_bytes);
        let task = Task::new(config, queue, status_tx, stop_rx, Arc::clone(&unsettled));
        let abort = tokio::spawn(task.run()).abort_handle();
        let stop = Arc::new(stop);
        Self {
            jobs,
            turn: Arc::default(),
            status,
            stop,
            unsettled,
            abort,
            queue_timeout,
            max_body_bytes,
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
    /// the queue's time-out.
    ///
    /// Keep polling the future until it is done: with a full queue, others wait behind it.
    /// Dropping it before the message was sent takes the message back; later it does not.
    ///
    /// # Errors
    /// [`PublishError`], by what the broker may have done with the message.
    pub async fn publish(&self, publication: Publication) -> Result<Published, PublishError> {
        publication.check(self.max_body_bytes)?;
        let deadline = Instant::now() + self.queue_timeout;
        let claimed = Arc::new(AtomicBool::new(false));
        let (reply, mut answer) = oneshot::channel();
        let job = Job {
            publication,
            reply,
            claimed: Arc::clone(&claimed),
        };
        self.enqueue(job, deadline).await?;
        let answered = match timeout_at(deadline, &mut answer).await {
            Ok(answered) => answered,
            Err(_) if !claimed.swap(true, Ordering::AcqRel) => return Err(NotSent::TimedOut.into()),
            // It is sent: the receipt's time-out bounds this wait.
            Err(_) => answer.await,
        };
        answered.unwrap_or_else(|_| {
            Err(if claimed.load(Ordering::Acquire) {
                PublishError::Unknown {
                    reason: Cut::Stopped,
                }
            } else {
                NotSent::Stopped.into()
            })
        })
    }

    /// Puts a message into the queue, behind all that came before. Who finds it full waits for a
    /// turn: a place that comes free while others wait is theirs.
    async fn enqueue(&self, mut job: Job, deadline: Instant) -> Result<(), NotSent> {
        if self.turn.waiting.load(Ordering::Acquire) == 0 {
            match self.jobs.try_send(job) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Closed(_)) => return Err(NotSent::Stopped),
                Err(TrySendError::Full(back)) => job = back,
            }
        }
        let _waiting = self.turn.wait();
        let in_turn = async {
            let _turn = self.turn.lock.lock().await;
            let permit = self.jobs.reserve().await.map_err(|_| NotSent::Stopped)?;
            permit.send(job);
            Ok(())
        };
        // Out of the runtime's budget: it would send a future that is polled in its turn to the
        // end of the line, and messages out of their order.
        timeout_at(deadline, unconstrained(in_turn))
            .await
            .unwrap_or(Err(NotSent::TimedOut))
    }

    /// What the connection is doing.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Takes no more messages, sends the queued ones, waits for the receipts up to `deadline`,
    /// says goodbye and stops. What got no receipt by then is answered with an error.
    pub async fn shutdown(&self, deadline: Duration) -> Drained {
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
            unsettled: self.unsettled.load(Ordering::Acquire),
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
