//! Looks whether queues exist, which a publisher's own account often may not.

use super::{PublisherConfig, Status};
use crate::client::connect::session_config;
use crate::client::connection::Connection;
use crate::client::options::ConnectOptions;
use crate::client::session::Subscribe;
use crate::client::subscriber::{AckMode, SubscribeError, begin};
use crate::client::{BrokerUrl, Credentials, Destination};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// A look at some queues from time to time. A receipt does not tell that a queue took the message,
/// and RabbitMQ declares `/queue/NAME` only at the first SEND on a connection: a queue that is
/// deleted later is missed by nobody.
///
/// **It has side effects**, since STOMP knows no other way to ask. On a connection of its own it
/// subscribes with a prefetch of one and leaves:
/// - `/queue/NAME` is declared if it is missing, which needs the right to configure it, so that
///   this mends what it looks for;
/// - the queue's first message may be lent to the check for a moment. It comes back, in its place,
///   marked `redelivered`.
///
/// For `/amq/queue/NAME`, which is never declared, a missing queue is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueCheck {
    /// The pause between two looks, and before the first.
    pub every: Duration,
    /// An account that may read the queues.
    pub credentials: Credentials,
    /// The queues.
    pub queues: Vec<Destination>,
}

/// What the last look at the queues found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueReport {
    /// There was none yet, or none is configured.
    NotChecked,
    /// Every queue can be read.
    AllThere,
    /// Some cannot, and why.
    Faults(Vec<(Destination, SubscribeError)>),
}

/// One look at a queue, with the side effects that [`QueueCheck`] names.
///
/// # Errors
/// [`SubscribeError`] if it cannot be read: it does not exist, the account has no right, or there
/// is no connection.
pub async fn check_queue(
    url: &BrokerUrl,
    queue: &Destination,
    options: &ConnectOptions,
) -> Result<(), SubscribeError> {
    let config = session_config(url, options, options.connect_timeout, 1);
    let (mut connection, _) =
        Connection::<()>::open(url, url.credentials(), options, config).await?;
    let subscribe = Subscribe {
        destination: queue.as_str(),
        ack: AckMode::ClientIndividual,
        prefetch: Some(1),
        headers: &[],
    };
    begin(&mut connection, &subscribe).await?;
    connection.goodbye().await;
    Ok(())
}

/// Starts the check that is configured; it ends with the publisher.
pub(super) fn watch_queues(
    config: &PublisherConfig,
    status: watch::Receiver<Status>,
) -> watch::Receiver<QueueReport> {
    let (report, receiver) = watch::channel(QueueReport::NotChecked);
    if let Some(check) = config.check.clone() {
        let with = |url: &BrokerUrl| url.clone().with_credentials(check.credentials.clone());
        let urls: Vec<_> = config.urls.iter().map(with).collect();
        let options = config.connect.clone();
        tokio::spawn(async move {
            let look = look_again(&check, &urls, &options, &report);
            let mut status = status;
            tokio::select! {
                () = look => {}
                // Stopped, or gone with its task.
                _ = status.wait_for(|s| *s == Status::Stopped) => {}
            }
        });
    }
    receiver
}

async fn look_again(
    check: &QueueCheck,
    urls: &[BrokerUrl],
    options: &ConnectOptions,
    report: &watch::Sender<QueueReport>,
) {
    loop {
        sleep(check.every).await;
        let mut faults = Vec::new();
        for queue in &check.queues {
            if let Err(error) = look(urls, queue, options).await {
                tracing::warn!(%queue, %error, "the queue cannot be read");
                faults.push((queue.clone(), error));
            }
        }
        report.send_replace(if faults.is_empty() {
            QueueReport::AllThere
        } else {
            QueueReport::Faults(faults)
        });
    }
}

/// At the first broker that is there.
async fn look(
    urls: &[BrokerUrl],
    queue: &Destination,
    options: &ConnectOptions,
) -> Result<(), SubscribeError> {
    let mut last = Ok(());
    for url in urls {
        last = check_queue(url, queue, options).await;
        if !matches!(last, Err(SubscribeError::Connect(_))) {
            break;
        }
    }
    last
}
