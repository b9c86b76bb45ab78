//! A small reader of one destination. It does not reconnect.

use super::connect::{ConnectError, ConnectOptions, session_config};
use super::connection::{Connection, Reading};
use super::destination::Destination;
use super::event::{Cut, Event, Outcome, Received};
use super::url::BrokerUrl;
use bytes::Bytes;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// Messages that wait for [`Subscriber::recv`] before the socket is no longer read.
const MAX_WAITING_MESSAGES: usize = 256;

/// For the goodbye at [`Subscriber::close`].
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// A message of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Where it was sent to, as the broker tells it.
    pub destination: String,
    /// All headers, in their order; the first of a repeated name counts.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Message {
    /// The value of the first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// The body as text, if it is UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }
}

impl From<Received> for Message {
    fn from(
        Received {
            destination,
            headers,
            body,
        }: Received,
    ) -> Self {
        Self {
            destination,
            headers,
            body,
        }
    }
}

/// Why there is no subscription.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The broker said no. RabbitMQ says so over TCP only.
    #[error("the broker refused the subscription: {message}: {body}")]
    Refused {
        /// The ERROR frame's `message` header.
        message: String,
        /// Its body.
        body: String,
    },
    /// The connection ended before the receipt.
    #[error("no receipt for the subscription: {0}")]
    Cut(Cut),
}

/// Reads one destination in ack mode `auto`: what was handed to this process counts as consumed.
///
/// It is made for tests and small tools. It does not reconnect: when the connection ends,
/// [`recv`](Self::recv) gives `None` after the messages that came before, and [`cut`](Self::cut)
/// says why.
#[derive(Debug)]
pub struct Subscriber {
    messages: mpsc::Receiver<Message>,
    cut: Arc<OnceLock<Cut>>,
    task: Option<JoinHandle<()>>,
}

impl Subscriber {
    /// Connects, subscribes, and returns after the subscription's RECEIPT: what is published from
    /// then on is not missed.
    ///
    /// # Errors
    /// [`SubscribeError`].
    pub async fn open(
        url: &BrokerUrl,
        destination: &Destination,
        options: &ConnectOptions,
    ) -> Result<Self, SubscribeError> {
        let config = session_config(url, options, options.connect_timeout, 1);
        let (mut connection, _) =
            Connection::<()>::open(url, url.credentials(), options, config).await?;
        let now = Instant::now().into_std();
        connection
            .session
            .subscribe(now, destination.as_str(), "0", ());
        // A message may come before the receipt.
        let mut early = Vec::new();
        loop {
            connection.turn(Reading::On).await;
            match connection.session.poll_event() {
                Some(Event::Settled {
                    outcome: Outcome::Confirmed,
                    ..
                }) => break,
                Some(Event::Settled {
                    outcome: Outcome::Refused { message, body },
                    ..
                }) => {
                    return Err(SubscribeError::Refused { message, body });
                }
                Some(
                    Event::Settled {
                        outcome: Outcome::Unknown(cut),
                        ..
                    }
                    | Event::Ended(cut),
                ) => {
                    return Err(SubscribeError::Cut(cut));
                }
                Some(Event::Received(message)) => early.push(message),
                Some(Event::Connected(_)) | None => {}
            }
        }
        let (sender, messages) = mpsc::channel(MAX_WAITING_MESSAGES);
        let cut = Arc::new(OnceLock::new());
        let reader = read(connection, early, sender, Arc::clone(&cut));
        Ok(Self {
            messages,
            cut,
            task: Some(tokio::spawn(reader)),
        })
    }

    /// The next message; `None` when the connection has ended. Can be dropped without loss.
    pub async fn recv(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// Why the connection ended, once it has.
    #[must_use]
    pub fn cut(&self) -> Option<&Cut> {
        self.cut.get()
    }

    /// Says goodbye and ends; messages that were not received are dropped. Dropping the subscriber
    /// does the same without waiting for it.
    pub async fn close(mut self) {
        self.messages.close();
        if let Some(mut task) = self.task.take()
            && timeout(CLOSE_TIMEOUT, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

async fn read(
    mut connection: Connection<()>,
    early: Vec<Received>,
    sender: mpsc::Sender<Message>,
    cut: Arc<OnceLock<Cut>>,
) {
    let mut waiting = std::collections::VecDeque::from(early);
    let why = loop {
        match connection.session.poll_event() {
            Some(Event::Received(message)) => waiting.push_back(message),
            Some(Event::Ended(cut)) => break cut,
            Some(_) => {}
            None if waiting.is_empty() => tokio::select! {
                () = connection.turn(Reading::On) => {}
                () = sender.closed() => {
                    connection.goodbye().await;
                    return;
                }
            },
            None => tokio::select! {
                () = connection.turn(Reading::Paused) => {}
                permit = sender.reserve() => {
                    let Ok(permit) = permit else {
                        connection.goodbye().await;
                        return;
                    };
                    if let Some(message) = waiting.pop_front() {
                        permit.send(message.into());
                    }
                }
            },
        }
    };
    // Set before the channel closes, so that who sees `None` finds it.
    cut.set(why).ok();
    for message in waiting {
        if sender.send(message.into()).await.is_err() {
            break;
        }
    }
}
