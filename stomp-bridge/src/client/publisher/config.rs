use super::check::QueueCheck;
use super::flights::Resend;
use crate::client::{Backoff, BrokerUrl, BrokerUrls, ConnectOptions, CredentialsProvider};
use std::fmt;
use std::time::Duration;

/// Settings of a [`Publisher`](super::Publisher).
#[derive(Clone)]
#[non_exhaustive]
pub struct PublisherConfig {
    /// The broker, or several: after a failure the next one is tried.
    pub urls: BrokerUrls,
    /// Asked at each connect; without it the URL's credentials are used.
    pub credentials: Option<CredentialsProvider>,
    /// How to connect.
    pub connect: ConnectOptions,
    /// Messages that may wait for their receipt at once. 256: receipts of persistent messages can
    /// take 0.3 s, so that it allows about 850 messages a second on a slow disk. With 512 or more
    /// out, and receipts that take 16 ms or longer, receipts are left to gather for a millisecond:
    /// fewer reads and writes, for as much more latency.
    pub window: usize,
    /// Messages that may wait to be sent. 1024.
    pub queue: usize,
    /// From a SEND to its RECEIPT. A missing one ends the connection. 10 s.
    pub receipt_timeout: Duration,
    /// From the call of `publish` to the first SEND. 10 s.
    pub queue_timeout: Duration,
    /// What becomes of messages that are in flight when a connection ends.
    /// [`Resend::Within`] 60 s; the last receipt is waited for up to `receipt_timeout` more.
    pub resend: Resend,
    /// How many trials a message must fail before it is answered as
    /// [`Poison`](super::PublishError::Poison): each sends it first and alone on a new connection.
    /// 3; at least 1.
    pub poison_tries: u32,
    /// Largest body, in bytes. 1 MiB; the embedded broker takes less.
    pub max_body_bytes: usize,
    /// The waits between connects, and between the tries of a message that breaks the connection.
    pub backoff: Backoff,
    /// Looks after the queues from time to time with another account. None.
    pub check: Option<QueueCheck>,
}

impl PublisherConfig {
    /// The defaults, for this broker.
    #[must_use]
    pub fn new(url: BrokerUrl) -> Self {
        Self::with_brokers(url.into())
    }

    /// The defaults, for whichever of these brokers is there.
    #[must_use]
    pub fn with_brokers(urls: BrokerUrls) -> Self {
        Self {
            urls,
            credentials: None,
            connect: ConnectOptions::default(),
            window: 256,
            queue: 1024,
            receipt_timeout: Duration::from_secs(10),
            queue_timeout: Duration::from_secs(10),
            resend: Resend::Within(Duration::from_mins(1)),
            poison_tries: 3,
            max_body_bytes: 1024 * 1024,
            backoff: Backoff::default(),
            check: None,
        }
    }
}

impl fmt::Debug for PublisherConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublisherConfig")
            .field("urls", &self.urls)
            .finish_non_exhaustive()
    }
}
