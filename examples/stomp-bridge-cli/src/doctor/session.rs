//! What an open session can do: a receipt, and heart-beats.

use std::{pin::pin, time::Duration};

use stomp_bridge::client::{
    AckMode, Backoff, ConnectOptions, Cut, Destination, Lost, Publication, Publisher,
    PublisherConfig, Resend, Status, Subscriber, SubscriberConfig,
};
use tokio::time::{Instant, timeout};

use super::{
    Done, Trial,
    diagnosis::{self, Diagnosis},
};
use crate::broker::Broker;

/// RabbitMQ's floor for heart-beats: the sooner one is missed, the sooner it is seen.
const HEARTBEAT: Duration = Duration::from_secs(1);
const GOODBYE: Duration = Duration::from_secs(1);
/// A wait that nobody sees the end of.
const NEVER: Duration = Duration::from_hours(24 * 365);
/// How much later than its connection's end a message may have its answer.
const ANSWER_GRACE: Duration = Duration::from_millis(500);
const BODY: &str = "stomp-bridge doctor";

pub(crate) async fn examine(
    broker: &Broker,
    trial: &Trial,
    watch: Duration,
    tell: &mut impl FnMut(Done),
) -> Result<(), Diagnosis> {
    if let Trial::Subscribe(destination) = trial {
        subscribe(broker, destination, tell).await?;
    }
    if matches!(trial, Trial::Subscribe(_)) && watch.is_zero() {
        return Ok(());
    }
    let publisher = publisher(broker);
    let found = through(broker, &publisher, trial, watch, tell).await;
    // Each message had its answer.
    let _ = publisher.shutdown(GOODBYE).await;
    found
}

fn publisher(broker: &Broker) -> Publisher {
    let mut config = PublisherConfig::new(broker.url.clone());
    config.connect = ConnectOptions {
        heartbeat: HEARTBEAT,
        ..broker.options.clone()
    };
    config.receipt_timeout = broker.patience;
    config.queue_timeout = broker.patience;
    // The first answer is the one that tells, and so is the first connection's end.
    config.resend = Resend::Never;
    config.backoff = Backoff {
        base: NEVER,
        cap: NEVER,
    };
    Publisher::spawn(config)
}

async fn through(
    broker: &Broker,
    publisher: &Publisher,
    trial: &Trial,
    watch: Duration,
    tell: &mut impl FnMut(Done),
) -> Result<(), Diagnosis> {
    match trial {
        // Two: under an alarm RabbitMQ still confirms the first message of a connection.
        Trial::Nowhere => {
            let means = "confirmed and dropped: no such queue";
            send(broker, publisher, &nowhere(), means, tell).await?;
            send(broker, publisher, &nowhere(), means, tell).await?;
        }
        Trial::Send(destination) => {
            send(broker, publisher, destination, "confirmed", tell).await?;
            look_for_alarm(broker, tell).await?;
        }
        Trial::Subscribe(_) => {}
    }
    if watch.is_zero() {
        return Ok(());
    }
    let started = Instant::now();
    if let Ok(why) = timeout(watch, lost(publisher)).await {
        return Err(diagnosis::of_watch(started.elapsed(), &why));
    }
    let every = HEARTBEAT.as_secs();
    tell(Done {
        step: "watch",
        took: started.elapsed(),
        detail: format!("the connection lasts, with a heart-beat each {every} s"),
    });
    Ok(())
}

async fn send(
    broker: &Broker,
    publisher: &Publisher,
    destination: &Destination,
    means: &str,
    tell: &mut impl FnMut(Done),
) -> Result<(), Diagnosis> {
    let started = Instant::now();
    let message = Publication::new(destination.clone(), BODY).content_type("text/plain");
    let mut publish = pin!(publisher.publish(message));
    let answer = tokio::select! {
        answer = &mut publish => answer,
        // A refusal ends the connection too, and says more.
        why = lost(publisher) => match timeout(ANSWER_GRACE, publish).await {
            Ok(answer) => answer,
            Err(_) => return Err(diagnosis::of_watch(started.elapsed(), &why)),
        },
    };
    match answer {
        Ok(_) => {
            tell(Done {
                step: "receipt",
                took: started.elapsed(),
                detail: format!("{destination} {means}"),
            });
            Ok(())
        }
        Err(error) => Err(diagnosis::of_publish(&broker.url, destination, &error)),
    }
}

/// Sends twice to nowhere, since under an alarm the first message of a connection is still confirmed, and what arrives
/// shall arrive once. On a connection of its own: RabbitMQ ends it where the account may not.
async fn look_for_alarm(broker: &Broker, tell: &mut impl FnMut(Done)) -> Result<(), Diagnosis> {
    let publisher = publisher(broker);
    let means = "confirmed and dropped: no alarm";
    let mut found = Ok(());
    for _ in 0..2 {
        found = send(broker, &publisher, &nowhere(), means, tell).await;
        if found.is_err() {
            break;
        }
    }
    let _ = publisher.shutdown(GOODBYE).await;
    match found {
        Err(found) if found.is_refusal() => {
            tell(Done {
                step: "alarm",
                took: Duration::ZERO,
                detail: format!(
                    "not looked for: it takes the right to write to {}",
                    nowhere()
                ),
            });
            Ok(())
        }
        found => found,
    }
}

/// Why the connection is lost, once it is.
async fn lost(publisher: &Publisher) -> Lost {
    let mut status = publisher.status();
    loop {
        if let Status::Connecting {
            last_error: Some(why),
            ..
        } = &*status.borrow_and_update()
        {
            return why.clone();
        }
        if status.changed().await.is_err() {
            return Lost::Cut(Cut::Stopped);
        }
    }
}

/// A queue that nobody has: RabbitMQ confirms what it is sent and drops it, and declares nothing.
fn nowhere() -> Destination {
    Destination::amq_queue("stomp-bridge-doctor").expect("a fixed name makes a destination")
}

async fn subscribe(
    broker: &Broker,
    destination: &Destination,
    tell: &mut impl FnMut(Done),
) -> Result<(), Diagnosis> {
    let started = Instant::now();
    let mut config = SubscriberConfig::new(broker.url.clone(), destination.clone());
    config.connect = broker.options.clone();
    // What comes is not acknowledged, and goes back.
    config.ack = AckMode::ClientIndividual;
    config.prefetch = Some(1);
    match Subscriber::subscribe(config).await {
        Ok(subscriber) => {
            subscriber.close().await;
            tell(Done {
                step: "receipt",
                took: started.elapsed(),
                detail: format!("subscribed to {destination}"),
            });
            Ok(())
        }
        Err(error) => Err(diagnosis::of_subscribe(&broker.url, destination, &error)),
    }
}
