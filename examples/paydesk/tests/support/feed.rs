//! Reads what the service publishes, as another service and as a page would.

use std::time::Duration;

use stomp_bridge::client::{ConnectOptions, Destination, Message, Subscriber};

use super::{PASSCODE, PATIENCE};

/// Longer than the relay waits before it tries again.
const QUIET: Duration = Duration::from_millis(700);

/// A subscription that is in force when this returns.
pub struct Feed(Subscriber);

impl Feed {
    pub async fn open(url: &str, destination: Destination) -> Self {
        Self(
            Subscriber::open(
                &url.parse().unwrap(),
                &destination,
                &ConnectOptions::default(),
            )
            .await
            .unwrap(),
        )
    }

    /// On the embedded broker, with the service's own account.
    pub async fn embedded(http_url: &str, destination: Destination) -> Self {
        let address = http_url.trim_start_matches("http://");
        Self::open(
            &format!("ws://paydesk:{PASSCODE}@{address}/ws"),
            destination,
        )
        .await
    }

    pub async fn next(&mut self) -> Message {
        tokio::time::timeout(PATIENCE, self.0.recv())
            .await
            .expect("a message in time")
            .expect("the subscription lasts")
    }

    /// Asserts that nothing more comes. Absence can only be shown by waiting for a while.
    pub async fn assert_quiet(&mut self) {
        if let Ok(message) = tokio::time::timeout(QUIET, self.0.recv()).await {
            panic!("one message too many: {message:?}");
        }
    }
}

pub fn order_pay() -> Destination {
    Destination::queue("order_pay").unwrap()
}

pub fn fanout() -> Destination {
    Destination::exchange("paynotify", None).unwrap()
}
