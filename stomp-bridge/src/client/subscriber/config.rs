use crate::client::{
    Backoff, BrokerUrl, BrokerUrls, ConnectOptions, CredentialsProvider, Destination,
};
use std::fmt;
use thiserror::Error;

/// Headers that the subscriber writes itself.
const RESERVED: [&str; 7] = [
    "ack",
    "content-length",
    "destination",
    "id",
    "prefetch-count",
    "receipt",
    "transaction",
];

/// Who says that a message is consumed (STOMP 1.2, "SUBSCRIBE ack Header").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AckMode {
    /// Nobody: what the broker has sent counts as consumed, so that a cut loses what was under way.
    Auto,
    /// An acknowledgement counts for its message and all that came before it on the connection.
    Client,
    /// Each message is acknowledged alone.
    ClientIndividual,
}

impl AckMode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Client => "client",
            Self::ClientIndividual => "client-individual",
        }
    }
}

/// Settings of a [`Subscriber`](super::Subscriber).
#[derive(Clone)]
#[non_exhaustive]
pub struct SubscriberConfig {
    /// The broker, or several: after a failure the next one is tried.
    pub urls: BrokerUrls,
    /// What to read.
    pub destination: Destination,
    /// Asked at each connect; without it the URL's credentials are used.
    pub credentials: Option<CredentialsProvider>,
    /// How to connect. Its `connect_timeout` bounds the wait for the subscription's receipt too.
    pub connect: ConnectOptions,
    /// Who says that a message is consumed. [`AckMode::ClientIndividual`].
    pub ack: AckMode,
    /// Messages that may be out without an acknowledgement: RabbitMQ's `prefetch-count`. `None`
    /// leaves it to the broker, which at RabbitMQ is no bound. It is not sent in mode
    /// [`Auto`](AckMode::Auto). 100.
    pub prefetch: Option<u16>,
    /// Messages that may wait for [`recv`](super::Subscriber::recv) before the socket is no longer
    /// read. 256.
    pub buffer: usize,
    /// The waits between connects.
    pub backoff: Backoff,
    pub(super) headers: Vec<(String, String)>,
}

/// Why a header cannot be set on a SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The subscriber writes it itself, it has no name, or its name has a colon.
    #[error("the header {header:?} cannot be set")]
    Reserved {
        /// Its name.
        header: String,
    },
    /// It is there already, in large or small letters.
    #[error("the header {header:?} is there twice")]
    Repeated {
        /// Its name.
        header: String,
    },
    /// Its name or value holds a control character.
    #[error("the header {header:?} holds a control character")]
    ControlCharacter {
        /// Its name.
        header: String,
    },
}

impl SubscriberConfig {
    /// The defaults, for this destination.
    #[must_use]
    pub fn new(url: BrokerUrl, destination: Destination) -> Self {
        Self::with_brokers(url.into(), destination)
    }

    /// The defaults, for this destination on whichever of these brokers is there.
    #[must_use]
    pub fn with_brokers(urls: BrokerUrls, destination: Destination) -> Self {
        Self {
            urls,
            destination,
            credentials: None,
            connect: ConnectOptions::default(),
            ack: AckMode::ClientIndividual,
            prefetch: Some(100),
            buffer: 256,
            backoff: Backoff::default(),
            headers: Vec::new(),
        }
    }

    /// Adds a header to the SUBSCRIBE, as RabbitMQ takes them where the subscription declares its
    /// queue: `x-queue-name`, `durable` and `auto-delete` (a queue that outlives the subscription),
    /// `x-queue-type`, `x-message-ttl`, `x-dead-letter-exchange` and `x-dead-letter-routing-key`
    /// (where [`Requeue::DeadLetter`](super::Requeue::DeadLetter) sends).
    ///
    /// # Errors
    /// [`HeaderError`] for one that is written anyway, that is there already, or that could forge another.
    pub fn header(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, HeaderError> {
        let (name, value) = (name.into(), value.into());
        let header = || name.escape_debug().to_string();
        // STOMP 1.0 cannot say a colon in a name.
        if name.is_empty()
            || name.contains(':')
            || RESERVED.contains(&name.to_ascii_lowercase().as_str())
        {
            return Err(HeaderError::Reserved { header: header() });
        }
        if name.contains(char::is_control) || value.contains(char::is_control) {
            return Err(HeaderError::ControlCharacter { header: header() });
        }
        if self
            .headers
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(&name))
        {
            return Err(HeaderError::Repeated { header: header() });
        }
        self.headers.push((name, value));
        Ok(self)
    }
}

impl fmt::Debug for SubscriberConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriberConfig")
            .field("urls", &self.urls)
            .field("destination", &self.destination)
            .field("ack", &self.ack)
            .finish_non_exhaustive()
    }
}
