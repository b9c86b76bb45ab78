//! Callers, and what they saw.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use crate::{engine::Payments, machine::processor_time};

/// What one phase saw.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Processor time of the whole process for one payment, in microseconds.
    pub(crate) processor_us: f64,
}

impl Seen {
    /// The median of each figure.
    pub(crate) fn median(rounds: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure).collect());
        Self {
            per_second: of(|seen| seen.per_second),
            p50_ms: of(|seen| seen.p50_ms),
            p99_ms: of(|seen| seen.p99_ms),
            processor_us: of(|seen| seen.processor_us),
        }
    }
}

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Milliseconds at a percentile of these times.
pub(crate) fn percentile_ms(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    times
        .get(times.len() * percent / 100)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

/// Lets `callers` pay the next orders from `next` on, at most `most` of them and no longer than `limit`.
pub(crate) async fn pay<P: Payments + 'static>(
    payments: &Arc<P>,
    callers: u32,
    next: &mut u32,
    most: u32,
    limit: Duration,
) -> Result<Seen> {
    let end = *next + most;
    let counter = Arc::new(AtomicU32::new(*next));
    let processor_before = processor_time();
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (payments, counter) = (Arc::clone(payments), Arc::clone(&counter));
        tasks.spawn(async move {
            let mut took = Vec::new();
            while started.elapsed() < limit {
                let n = counter.fetch_add(1, Ordering::Relaxed);
                if n >= end {
                    break;
                }
                let began = Instant::now();
                payments.pay(n).await?;
                took.push(began.elapsed());
            }
            anyhow::Ok(took)
        });
    }
    let mut took = Vec::new();
    while let Some(caller) = tasks.join_next().await {
        took.extend(caller??);
    }
    let seconds = started.elapsed().as_secs_f64();
    let processor = processor_time().saturating_sub(processor_before);
    *next = counter.load(Ordering::Relaxed).min(end);
    ensure!(!took.is_empty(), "no payment was made");
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let count = took.len() as f64;
    Ok(Seen {
        per_second: count / seconds,
        p50_ms: percentile_ms(&mut took, 50),
        p99_ms: percentile_ms(&mut took, 99),
        processor_us: processor.as_secs_f64() * 1e6 / count,
    })
}

/// Does `work` for each number, `callers` at a time.
pub(crate) async fn each<S, W>(
    store: &Arc<S>,
    callers: u32,
    numbers: Range<u32>,
    work: impl Fn(Arc<S>, u32) -> W + Copy + Send + 'static,
) -> Result<()>
where
    S: Send + Sync + 'static,
    W: Future<Output = Result<()>> + Send,
{
    let counter = Arc::new(AtomicU32::new(numbers.start));
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (store, counter) = (Arc::clone(store), Arc::clone(&counter));
        tasks.spawn(async move {
            loop {
                let n = counter.fetch_add(1, Ordering::Relaxed);
                if n >= numbers.end {
                    return anyhow::Ok(());
                }
                work(Arc::clone(&store), n).await?;
            }
        });
    }
    while let Some(caller) = tasks.join_next().await {
        caller??;
    }
    Ok(())
}
