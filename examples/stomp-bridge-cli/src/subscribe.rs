//! `sub`: prints the messages of a destination.

use std::pin::pin;

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};
use stomp_bridge::client::{AckMode, Destination, Message, Subscriber, SubscriberConfig};

use tokio::task::block_in_place;

use crate::{
    broker::Broker,
    cli::{Ack, SubArgs},
    exit::{self, Exit, Reader},
};

pub(crate) async fn run(args: SubArgs) -> Result<Exit> {
    let destination: Destination = args.destination.parse().context("DESTINATION")?;
    let broker = Broker::new(&args.target, None)?;
    let mut config = SubscriberConfig::new(broker.url.clone(), destination);
    config.connect = broker.options.clone();
    config.ack = match args.ack {
        Ack::Auto => AckMode::Auto,
        Ack::Client => AckMode::Client,
        Ack::ClientIndividual => AckMode::ClientIndividual,
    };
    config.prefetch = Some(args.prefetch);
    config.buffer = args.prefetch.into();
    let mut subscriber = Subscriber::subscribe(config)
        .await
        .with_context(|| format!("{} (try: stomp-bridge doctor)", broker.url))?;
    let wanted = args.count.map_or(usize::MAX, std::num::NonZero::get);
    let mut printed = 0;
    // One for the whole run: it has heard a signal that comes while a message is printed.
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    while printed < wanted {
        let message = tokio::select! {
            biased;
            stopped = &mut interrupted => {
                stopped?;
                break;
            }
            message = subscriber.recv() => message,
        };
        let Some(message) = message else {
            let why = subscriber
                .cut()
                .map(ToString::to_string)
                .unwrap_or_default();
            anyhow::bail!("after {printed} messages: {why}");
        };
        // A reader that is slow must not keep heart-beats waiting.
        let line = line(&message, args.json);
        if block_in_place(|| exit::write(&line))? == Reader::Gone {
            // Nobody has read this one: it goes back.
            break;
        }
        printed += 1;
        // A message that is not acknowledged, since its connection was cut, is printed again.
        if args.ack != Ack::Auto
            && let Err(error) = message.ack().await
        {
            eprintln!("stomp-bridge: message {printed} is not acknowledged: {error}");
        }
    }
    subscriber.close().await;
    Ok(Exit::Clean)
}

/// A message as it is printed: its body, or all of it as JSON.
fn line(message: &Message, as_json: bool) -> Vec<u8> {
    if !as_json {
        return [&message.body[..], b"\n"].concat();
    }
    let mut headers = Map::new();
    for (name, value) in &message.headers {
        // The first of a repeated name counts.
        headers
            .entry(name.as_str())
            .or_insert_with(|| Value::from(value.as_str()));
    }
    let mut line = json!({"destination": message.destination, "headers": headers});
    match message.text() {
        Some(text) => line["body"] = text.into(),
        None => line["body_base64"] = BASE64_STANDARD.encode(&message.body).into(),
    }
    format!("{line}\n").into_bytes()
}
