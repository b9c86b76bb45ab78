use super::config::{AckMode, SubscriberConfig};
use super::error::SubscribeError;
use super::message::Message;
use super::status::SubscriberStatus;
use super::task::{Close, Reconnect, Stop, Task};
use crate::client::destination::Destination;
use crate::client::event::Cut;
use crate::client::far::{bounded, places};
use crate::client::options::ConnectOptions;
use crate::client::url::BrokerUrl;
use futures_util::Stream;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// For what [`Subscriber::close`] waits.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Past a close's deadline: for DISCONNECT and the socket's close.
const GOODBYE_GRACE: Duration = Duration::from_secs(2);

/// What [`Subscriber::close_within`] gave back to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// Messages that were not acknowledged; the broker delivers them again. 0 in mode auto.
    pub unsettled: usize,
}

/// Reads one destination: a [`Stream`] of [`Message`]s over a connection of its own. After a cut it
/// connects and subscribes again, with the backoff of its configuration; it ends only when it is
/// closed.
///
/// In the modes that acknowledge, messages that a cut took back are not given to the caller any
/// more if they still waited here: the broker delivers them again, marked
/// [`redelivered`](Message::redelivered). One that the caller holds by then answers its
/// acknowledgement with [`StaleConnection`](super::AckError::StaleConnection).
///
/// What an exchange or topic sent while there was no connection is lost, unless the subscription
/// has a queue that outlives it ([`SubscriberConfig::header`]).
///
/// ```no_run
/// # async fn mark_paid(_: &str) -> Result<(), std::io::Error> { Ok(()) }
/// # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
/// use stomp_bridge::client::{Destination, Requeue, Subscriber, SubscriberConfig};
///
/// let url = "stomp://listener:secret@127.0.0.1:61613".parse()?;
/// let config = SubscriberConfig::new(url, Destination::queue("order_pay")?);
/// let mut subscriber = Subscriber::subscribe(config).await?;
/// while let Some(message) = subscriber.recv().await {
///     let Some(order) = message.text() else {
///         message.nack(Requeue::DeadLetter).await.ok();
///         continue;
///     };
///     mark_paid(order).await?; // first the work, which must stand a repeat,
///     message.ack().await.ok(); // then the acknowledgement
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Subscriber {
    messages: mpsc::Receiver<Message>,
    connection: Arc<AtomicU64>,
    status: watch::Receiver<SubscriberStatus>,
    cut: Arc<OnceLock<Cut>>,
    stop: Option<oneshot::Sender<Stop>>,
    task: JoinHandle<usize>,
}

impl Subscriber {
    /// Starts the task and returns at once; [`status`](Self::status) tells how it fares. Needs a
    /// tokio runtime.
    #[must_use = "the subscription ends when its handle is dropped"]
    pub fn spawn(config: SubscriberConfig) -> Self {
        Self::start(config, Reconnect::Always, None)
    }

    /// As [`spawn`](Self::spawn), and returns after the first subscription's RECEIPT: what is
    /// published from then on is not missed.
    ///
    /// # Errors
    /// [`SubscribeError`] if the first attempt fails.
    pub async fn subscribe(config: SubscriberConfig) -> Result<Self, SubscribeError> {
        Self::confirmed(config, Reconnect::Always).await
    }

    /// Reads one destination in mode `auto` over one connection, and returns after the
    /// subscription's RECEIPT. For tests and small tools: when the connection ends,
    /// [`recv`](Self::recv) gives `None` after the messages that came before, and
    /// [`cut`](Self::cut) says why.
    ///
    /// # Errors
    /// [`SubscribeError`].
    pub async fn open(
        url: &BrokerUrl,
        destination: &Destination,
        options: &ConnectOptions,
    ) -> Result<Self, SubscribeError> {
        let mut config = SubscriberConfig::new(url.clone(), destination.clone());
        config.connect = options.clone();
        config.ack = AckMode::Auto;
        Self::confirmed(config, Reconnect::Never).await
    }

    async fn confirmed(
        config: SubscriberConfig,
        reconnect: Reconnect,
    ) -> Result<Self, SubscribeError> {
        let (first, answer) = oneshot::channel();
        let subscriber = Self::start(config, reconnect, Some(first));
        match answer.await {
            Ok(first) => first.map(|()| subscriber),
            Err(_) => Err(SubscribeError::Cut(Cut::Stopped)),
        }
    }

    fn start(
        config: SubscriberConfig,
        reconnect: Reconnect,
        first: Option<oneshot::Sender<Result<(), SubscribeError>>>,
    ) -> Self {
        let (sender, messages) = mpsc::channel(places(config.buffer));
        let (status_tx, status) = watch::channel(SubscriberStatus::Connecting {
            attempt: 1,
            last_error: None,
        });
        let (stop, stop_rx) = oneshot::channel();
        let cut: Arc<OnceLock<Cut>> = Arc::default();
        let connection: Arc<AtomicU64> = Arc::default();
        let task = Task::new(
            config,
            reconnect,
            sender,
            status_tx,
            Arc::clone(&connection),
            Arc::clone(&cut),
        );
        Self {
            messages,
            connection,
            status,
            cut,
            stop: Some(stop),
            task: tokio::spawn(task.run(first, stop_rx)),
        }
    }

    /// The next message; `None` when the subscription has ended. Can be dropped without loss.
    pub async fn recv(&mut self) -> Option<Message> {
        std::future::poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        loop {
            let message = ready!(self.messages.poll_recv(cx));
            let current = self.connection.load(Ordering::Acquire);
            let tag = message.as_ref().and_then(|m| m.delivery.tag);
            if tag.is_none_or(|tag| tag.connection == current) {
                return Poll::Ready(message);
            }
            // The broker has taken it back.
        }
    }

    /// What the subscription is doing.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<SubscriberStatus> {
        self.status.clone()
    }

    /// Why the connection ended, once [`recv`](Self::recv) has given `None` for that.
    #[must_use]
    pub fn cut(&self) -> Option<&Cut> {
        self.cut.get()
    }

    /// Asks the broker to send no more. What it sent before is still given in mode auto, and then
    /// `None`: so nothing is lost that counts as consumed. In the other modes nothing more is given,
    /// and what is not acknowledged is the broker's again; [`close_within`](Self::close_within)
    /// leaves time for that.
    pub fn unsubscribe(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Without a task it has ended already.
            stop.send(Stop::Unsubscribe).ok();
        }
    }

    /// [`close_within`](Self::close_within) a second.
    pub async fn close(self) {
        self.close_within(CLOSE_TIMEOUT).await;
    }

    /// Takes no more messages and ends. Messages that the caller holds can be acknowledged up to
    /// `deadline`; nothing is waited for once all are, or once all are dropped. Then says goodbye. What is not acknowledged
    /// by then, or was not yet received, is the broker's again. In mode auto, messages that were not
    /// received are lost.
    ///
    /// Dropping the subscriber ends it at once.
    pub async fn close_within(mut self, deadline: Duration) -> Closed {
        let deadline = bounded(deadline);
        self.messages.close();
        let mut unread = Vec::new();
        // A closed channel gives what is in it and ends.
        while let Some(message) = self.messages.recv().await {
            unread.extend(message.delivery.tag);
        }
        if let Some(stop) = self.stop.take() {
            // Without a task there is nothing to stop; after `unsubscribe` it stops by itself.
            let until = Instant::now() + deadline;
            stop.send(Stop::Close(Close { until, unread })).ok();
        }
        let ended = timeout(deadline + GOODBYE_GRACE, &mut self.task).await;
        if ended.is_err() {
            self.task.abort();
        }
        let unsettled = ended.map_or(0, |ended| ended.unwrap_or(0));
        Closed { unsettled }
    }
}

impl Stream for Subscriber {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.poll_recv(cx)
    }
}
