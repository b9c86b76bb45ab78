//! lapin with publisher confirms, for who may choose AMQP.

use std::future;

use anyhow::{Result, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueuePurgeOptions};
use lapin::{BasicProperties, Connection, ConnectionProperties};

use super::{BODY, Plan, QUEUE, Stopwatch, Taken};

/// AMQP's delivery mode of a persistent message.
const PERSISTENT: u8 = 2;
const GOODBYE: u16 = 200;

pub(super) async fn run(url: &str, plan: Plan) -> Result<Taken> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    let publish = |_| async {
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        let options = BasicPublishOptions::default();
        let confirm = channel
            .basic_publish(
                "".into(),
                QUEUE.into(),
                options,
                BODY.as_bytes(),
                properties,
            )
            .await?
            .await?;
        ensure!(confirm.is_ack(), "the broker refused a message");
        Ok(())
    };
    let watch = Stopwatch::start();
    stream::iter(0..plan.messages)
        .map(publish)
        .buffer_unordered(plan.window)
        .try_for_each(|()| future::ready(Ok(())))
        .await?;
    let taken = watch.stop();
    connection.close(GOODBYE, "done".into()).await?;
    Ok(taken)
}

/// Empties the queue, so that every run meets the same one.
pub(super) async fn purge(admin: &str) -> Result<()> {
    let connection = Connection::connect(admin, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel
        .queue_purge(QUEUE.into(), QueuePurgeOptions::default())
        .await?;
    connection.close(GOODBYE, "done".into()).await?;
    Ok(())
}
