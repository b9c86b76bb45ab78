//! The client that is measured: all that the bench uses of its face.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use stomp_bridge::client::{Destination, Publication, Publisher, PublisherConfig, Status};

use super::{BODY, Headers, JSON, LIMIT, Plan, QUEUE, Stopwatch, Taken, outbox_id};

const GOODBYE: Duration = Duration::from_secs(5);

pub(super) async fn run(url: &str, plan: Plan, headers: Headers) -> Result<Taken> {
    let mut config = PublisherConfig::new(url.parse()?);
    config.window = plan.window;
    config.receipt_timeout = LIMIT;
    config.queue_timeout = LIMIT;
    let publisher = Publisher::spawn(config);
    publisher
        .status()
        .wait_for(|status| matches!(status, Status::Connected { .. }))
        .await
        .context("the publisher ended")?;
    let order_pay = Destination::queue(QUEUE)?;
    // Made before, as the raw socket's frames are: an outbox reads them from its rows.
    let messages: Vec<Publication> = (1..=plan.messages)
        .map(|number| {
            let publication = Publication::new(order_pay.clone(), BODY);
            match headers {
                Headers::Few => publication,
                Headers::Outbox => {
                    let id = outbox_id(number);
                    let key = id.clone();
                    publication.content_type(JSON).message_id(id).key(key)
                }
            }
        })
        .collect();
    let watch = Stopwatch::start();
    let mut answers = pin!(publisher.publish_all(messages));
    while let Some((_, answer)) = answers.next().await {
        answer?;
    }
    let taken = watch.stop();
    publisher.shutdown(GOODBYE).await;
    Ok(taken)
}
