//! 10 000 pages that wait on the embedded broker.

use std::time::Instant;

use anyhow::Result;

use crate::embedded;
use crate::pages::{Pages, Route};
use crate::report::{Goal, Goals};

const PAGES: usize = 10_000;

pub(crate) fn run(goals: &mut Goals) -> Result<()> {
    let (broker, at) = embedded::start()?;
    let before = broker.process().resident_bytes()?;
    let started = Instant::now();
    let mut pages = Pages::on_embedded(at, PAGES, Route::Private)?;
    let connected = started.elapsed();
    let waiting = broker.process().resident_bytes()?;
    // They are all there, and served.
    pages.private(PAGES / 10)?;
    let after = broker.process().resident_bytes()?;
    println!(
        "\n{PAGES} pages connected and subscribed in {:.1} s; broker's memory: {:.1} MB before, {:.1} MB with them, \
         {:.1} MB after {} notices, {:.1} KiB a page",
        connected.as_secs_f64(),
        mb(before),
        mb(waiting),
        mb(after),
        PAGES / 10,
        mb(after.saturating_sub(before)) * 1024.0 / 10_000.0,
    );
    let memory = mb(waiting.max(after));
    goals.add(
        "10 000 waiting pages, embedded broker",
        Goal::Below(150.0),
        memory,
        "MB",
    );
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn mb(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
