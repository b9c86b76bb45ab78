//! `pub`: sends, and prints a line for each receipt.

use std::{
    cell::Cell,
    future::ready,
    io::{self, Read},
    pin::pin,
    time::Duration,
};

use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use serde_json::json;
use stomp_bridge::client::{Destination, Publication, PublishError, Published};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    broker::{self, Broker},
    cli::PubArgs,
    exit::{self, Exit, Reader},
};

/// For the goodbye in the end: every message has its answer by then.
const GOODBYE: Duration = Duration::from_secs(3);

/// How the messages ended.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    confirmed: usize,
    refused: usize,
    unknown: usize,
    not_sent: usize,
}

impl Tally {
    fn add(&mut self, answer: &Result<Published, PublishError>) -> &'static str {
        let (count, name) = match answer {
            Ok(_) => (&mut self.confirmed, "confirmed"),
            Err(PublishError::Refused { .. }) => (&mut self.refused, "refused"),
            Err(PublishError::NotSent(_)) => (&mut self.not_sent, "not_sent"),
            // Whatever a later version adds: nothing is known of the message.
            Err(_) => (&mut self.unknown, "unknown"),
        };
        *count += 1;
        name
    }

    fn has_failures(&self) -> bool {
        self.refused + self.unknown + self.not_sent > 0
    }
}

pub(crate) async fn run(args: PubArgs) -> Result<Exit> {
    let destination: Destination = args.destination.parse().context("DESTINATION")?;
    let broker = Broker::new(&args.target, None)?;
    let headers = headers(&args.header)?;
    let body = body(&args)?;
    broker.greet().await?;

    let (count, window) = (args.count.get(), args.window.get());
    let publisher = broker.publisher(window);
    let started = Instant::now();
    let one = |n: usize| {
        let publication = publication(&args, &destination, &body, n);
        let publication = headers
            .iter()
            .fold(publication, |publication, (name, value)| {
                publication.header(name, value)
            });
        let publisher = &publisher;
        async move {
            let sent = Instant::now();
            let answer = publisher.publish(publication).await;
            (n, sent.elapsed(), answer)
        }
    };
    let stop = Cell::new(false);
    let numbers = paced(count, args.rate).take_while(|_| ready(!stop.get()));
    let numbers = pin!(numbers);
    let mut answers = numbers.map(one).buffer_unordered(window);
    let (mut tally, mut reader) = (Tally::default(), Reader::Listens);
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    let mut ended_by = None;
    loop {
        let answer = tokio::select! {
            answer = answers.next() => answer,
            signal = &mut interrupted => {
                ended_by = Some(signal);
                break;
            }
        };
        let Some((n, took, answer)) = answer else {
            break;
        };
        let name = tally.add(&answer);
        let reason = answer.err().map(|error| error.to_string());
        if !args.quiet {
            reader = exit::write(line(&args, n, name, took, reason.as_deref()).as_bytes())?;
        } else if let Some(reason) = &reason {
            eprintln!("stomp-bridge: message {n}: {reason}");
        }
        // What would come next meets the same fate. What is under way gets its answer.
        stop.set(tally.has_failures() || reader == Reader::Gone);
    }
    drop(answers);
    // The tally tells what has no receipt.
    let left = publisher.shutdown(GOODBYE).await;
    if let Some(signal) = ended_by {
        signal.context("Ctrl-C")?;
        eprintln!(
            "stomp-bridge: interrupted; {} more may have arrived",
            left.unsettled
        );
    }
    eprintln!(
        "{} confirmed, {} refused, {} unknown, {} not sent, of {count} in {:.3} s",
        tally.confirmed,
        tally.refused,
        tally.unknown,
        tally.not_sent,
        started.elapsed().as_secs_f64()
    );
    Ok(if tally.confirmed == count {
        Exit::Clean
    } else {
        Exit::Found
    })
}

fn headers(lines: &[String]) -> Result<Vec<(String, String)>> {
    let pair = |line: &String| {
        let (name, value) = line.split_once(':').context("--header: not NAME:VALUE")?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    lines.iter().map(pair).collect()
}

fn body(args: &PubArgs) -> Result<Vec<u8>> {
    if let Some(path) = &args.file {
        return broker::read(path, "--file");
    }
    if let Some(body) = &args.body {
        return Ok(body.clone().into_bytes());
    }
    let mut body = Vec::new();
    io::stdin()
        .read_to_end(&mut body)
        .context("standard input")?;
    Ok(body)
}

fn publication(args: &PubArgs, destination: &Destination, body: &[u8], n: usize) -> Publication {
    let mut publication = Publication::new(destination.clone(), body.to_vec());
    if let Some(content_type) = &args.content_type {
        publication = publication.content_type(content_type);
    }
    if let Some(id) = &args.id {
        let one = args.count.get() == 1;
        publication = publication.message_id(if one { id.clone() } else { format!("{id}-{n}") });
    }
    if args.transient {
        publication = publication.transient();
    }
    publication
}

fn line(args: &PubArgs, n: usize, name: &str, took: Duration, reason: Option<&str>) -> String {
    let ms = took.as_secs_f64() * 1e3;
    if args.json {
        let line = json!({"n": n, "outcome": name, "ms": ms, "reason": reason});
        return format!("{line}\n");
    }
    let reason = reason.map_or_else(String::new, |reason| format!("  {reason}"));
    format!("{name} {n}  {ms:.3} ms{reason}\n")
}

/// The numbers from 1, at most `rate` a second.
fn paced(count: usize, rate: Option<u32>) -> impl futures_util::Stream<Item = usize> {
    let ticks = rate.map(|rate| {
        let mut ticks = interval(Duration::from_secs(1) / rate);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    });
    stream::unfold((1, ticks), move |(n, mut ticks)| async move {
        if n > count {
            return None;
        }
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        Some((n, (n + 1, ticks)))
    })
}
