//! The subscription: messages that stay with the broker until they are acknowledged.

use std::time::Duration;

use anyhow::{Context, Result};
use stomp_bridge::client::{
    AckError, AckMode, BrokerUrls, ConnectOptions, Destination, Message, Requeue, Subscriber,
    SubscriberConfig,
};

/// For the goodbye: nothing is under way by then.
const GOODBYE: Duration = Duration::from_secs(1);

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
    pub(crate) async fn ack(self) {
        told(self.0.ack().await);
    }

    /// The broker gives it to the queue's dead-letter exchange, or drops it; it does not come again.
    pub(crate) async fn refuse(self) {
        told(self.0.nack(Requeue::DeadLetter).await);
    }
}

/// What the broker was not told it delivers again, and a repeat changes nothing.
fn told(answer: Result<(), AckError>) {
    if let Err(error) = answer {
        tracing::debug!(%error, "not acknowledged");
    }
}

/// A subscription that comes back by itself.
pub(crate) struct Feed(Subscriber);

impl Feed {
    /// Connects; what is published from then on is not missed.
    pub(crate) async fn open(
        brokers: &BrokerUrls,
        destination: &Destination,
        options: &ConnectOptions,
        prefetch: u16,
    ) -> Result<Self> {
        let mut config = SubscriberConfig::with_brokers(brokers.clone(), destination.clone());
        config.connect = options.clone();
        config.ack = AckMode::ClientIndividual;
        config.prefetch = Some(prefetch);
        config.buffer = prefetch.into();
        let subscriber = Subscriber::subscribe(config).await;
        Ok(Self(
            subscriber.with_context(|| format!("--broker: {brokers}"))?,
        ))
    }

    /// The next message; nothing when the subscription is over for good.
    pub(crate) async fn next(&mut self) -> Option<Delivery> {
        self.0.recv().await.map(Delivery)
    }

    /// Ends it. What was not acknowledged goes back to the broker.
    pub(crate) async fn close(self) {
        self.0.close_within(GOODBYE).await;
    }
}
