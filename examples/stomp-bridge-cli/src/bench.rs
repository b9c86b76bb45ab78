//! `bench`: messages a second with receipts, and how long a receipt takes.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, stream};
use serde_json::json;
use stomp_bridge::client::{Destination, Publication, Publisher};
use tokio::time::Instant;

use crate::{
    broker::Broker,
    cli::BenchArgs,
    exit::{self, Exit},
};

/// Sent before the clock runs, at most: for the connection, and for caches on both sides.
const WARM_UP: usize = 100;
const GOODBYE: Duration = Duration::from_secs(3);

/// One run.
struct Run {
    took: Duration,
    /// From the call of `publish` to its receipt, shortest first.
    waits: Vec<Duration>,
}

pub(crate) async fn run(args: BenchArgs) -> Result<Exit> {
    let destination: Destination = args.destination.parse().context("DESTINATION")?;
    let broker = Broker::new(&args.target, None)?;
    let server = broker.greet().await?;
    if !args.json {
        let server = server
            .server
            .as_deref()
            .unwrap_or("a broker without a name");
        let head = format!(
            "{server}, {} messages of {} bytes to {destination}, each with its receipt\n\
             {:>7} {:>11} {:>9} {:>9} {:>9} {:>9}\n",
            args.count, args.size, "window", "messages/s", "p50 ms", "p90 ms", "p99 ms", "max ms"
        );
        exit::write(head.as_bytes())?;
    }
    for window in &args.window {
        let window = window.get();
        let publisher = broker.publisher(window);
        let run = measure(&publisher, &args, &destination, window).await;
        // Every message has its answer.
        let _ = publisher.shutdown(GOODBYE).await;
        let run = run.with_context(|| format!("window {window}"))?;
        exit::write(run.line(&args, window).as_bytes())?;
    }
    Ok(Exit::Clean)
}

async fn measure(
    publisher: &Publisher,
    args: &BenchArgs,
    destination: &Destination,
    window: usize,
) -> Result<Run> {
    let count = args.count.get();
    let mut publication = Publication::new(destination.clone(), vec![b'x'; args.size as usize]);
    if args.transient {
        publication = publication.transient();
    }
    send(publisher, &publication, count.min(WARM_UP), window).await?;
    let started = Instant::now();
    let mut waits = send(publisher, &publication, count, window).await?;
    let took = started.elapsed();
    waits.sort_unstable();
    Ok(Run { took, waits })
}

async fn send(
    publisher: &Publisher,
    publication: &Publication,
    count: usize,
    window: usize,
) -> Result<Vec<Duration>> {
    let mut waits = Vec::with_capacity(count);
    let one = |_| async {
        let called = Instant::now();
        let answer = publisher.publish(publication.clone()).await;
        answer.map(|_| called.elapsed())
    };
    let mut answers = stream::iter(0..count).map(one).buffer_unordered(window);
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(wait) => waits.push(wait),
            Err(error) => bail!("after {} receipts: {error}", waits.len()),
        }
    }
    Ok(waits)
}

impl Run {
    fn line(&self, args: &BenchArgs, window: usize) -> String {
        #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = self.waits.len() as f64 / self.took.as_secs_f64();
        let [p50, p90, p99, max] =
            [50, 90, 99, 100].map(|p| percentile(&self.waits, p).as_secs_f64() * 1e3);
        if args.json {
            let line = json!({
                "window": window, "count": args.count, "size": args.size, "seconds": self.took.as_secs_f64(),
                "messages_per_second": rate, "p50_ms": p50, "p90_ms": p90, "p99_ms": p99, "max_ms": max,
            });
            return format!("{line}\n");
        }
        format!("{window:>7} {rate:>11.0} {p50:>9.3} {p90:>9.3} {p99:>9.3} {max:>9.3}\n")
    }
}

/// The nearest rank: the smallest value that `percent` of all do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let ms = |n| Duration::from_millis(n);
        let waits: Vec<_> = (1..=200).map(ms).collect();
        assert_eq!(percentile(&waits, 50), ms(100));
        assert_eq!(percentile(&waits, 99), ms(198));
        assert_eq!(percentile(&waits, 100), ms(200));
        assert_eq!(percentile(&[ms(7)], 50), ms(7));
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }
}
