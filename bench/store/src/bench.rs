//! Payments per second, engine beside engine.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use order_store::OrderStore as _;

use crate::{
    engine::{Grouped, Payments},
    ledger::Ledger,
    machine::floor,
    peers::{Bare, Fjall, Redb, Sqlite},
    report::{Goal, Goals},
    run::{Seen, pay, percentile_ms},
};

/// Callers, and the most payments of a phase.
const PHASES: [(u32, u32); 3] = [(1, 500), (64, 8_000), (256, 12_000)];
const NAMES: [&str; 5] = ["order-store", "redb", "SQLite", "fjall", "bare log"];
const LEDGER: usize = 0;
const REDB: usize = 1;
const SQLITE: usize = 2;
const FJALL: usize = 3;
const BARE: usize = 4;
/// No phase is longer.
const PHASE_LIMIT: Duration = Duration::from_millis(1_500);
/// Syncs in a row before each round.
const FLOOR_SYNCS: usize = 40;

/// What each engine saw in each phase, by round.
type Rounds = [[Vec<Seen>; PHASES.len()]; NAMES.len()];

/// The ledger's figures alone.
pub(crate) async fn alone(folder: &Path, rounds: u32) -> Result<()> {
    let orders = orders(rounds);
    let ledger = Arc::new(Ledger::open(&folder.join("order-store"))?);
    ledger.load(0, orders).await?;
    let mut next = 0;
    let mut seen: [Vec<Seen>; PHASES.len()] = Default::default();
    for _ in 0..rounds {
        for (phase, (callers, most)) in PHASES.into_iter().enumerate() {
            seen[phase].push(Turn { callers, most }.take(&ledger, &mut next).await?);
        }
    }
    ledger.store.close().await?;
    for ((callers, _), seen) in PHASES.into_iter().zip(&seen) {
        let Seen {
            per_second,
            p50_ms,
            p99_ms,
            processor_us,
        } = Seen::median(seen);
        println!(
            "{callers} callers: {per_second:.0}/s, p50 {p50_ms:.2} ms, p99 {p99_ms:.2} ms, {processor_us:.0} us of processor"
        );
    }
    Ok(())
}

/// As many as are paid.
fn orders(rounds: u32) -> u32 {
    rounds * PHASES.iter().map(|(_, most)| most).sum::<u32>()
}

pub(crate) async fn run(folder: &Path, rounds: u32) -> Result<()> {
    let orders = orders(rounds);
    let started = Instant::now();
    let ledger = Arc::new(Ledger::open(&folder.join("order-store"))?);
    ledger.load(0, orders).await?;
    let redb = Arc::new(Grouped::start(Redb::open(folder)?, orders)?);
    let sqlite = Arc::new(Grouped::start(Sqlite::open(folder)?, orders)?);
    let fjall = Arc::new(Grouped::start(Fjall::open(folder)?, orders)?);
    let bare = Arc::new(Grouped::start(Bare::open(folder)?, orders)?);
    println!(
        "{orders} orders in each engine after {:.0} s; {rounds} rounds",
        started.elapsed().as_secs_f64()
    );

    let mut seen = Rounds::default();
    let mut next = [0; NAMES.len()];
    let mut floors = Vec::new();
    for _ in 0..rounds {
        floors.extend(floor(folder, FLOOR_SYNCS)?);
        for (phase, (callers, most)) in PHASES.into_iter().enumerate() {
            let turn = Turn { callers, most };
            seen[LEDGER][phase].push(turn.take(&ledger, &mut next[LEDGER]).await?);
            seen[REDB][phase].push(turn.take(&redb, &mut next[REDB]).await?);
            seen[SQLITE][phase].push(turn.take(&sqlite, &mut next[SQLITE]).await?);
            seen[FJALL][phase].push(turn.take(&fjall, &mut next[FJALL]).await?);
            seen[BARE][phase].push(turn.take(&bare, &mut next[BARE]).await?);
        }
    }
    ledger.store.close().await?;
    for engine in [redb, sqlite, fjall, bare] {
        Arc::into_inner(engine)
            .context("an engine is still in use")?
            .stop()?;
    }
    print(&seen, percentile_ms(&mut floors, 50));
    println!("\n{:.0} s in all", started.elapsed().as_secs_f64());
    Ok(())
}

/// One phase of one round.
struct Turn {
    callers: u32,
    most: u32,
}

impl Turn {
    async fn take<P: Payments + 'static>(&self, payments: &Arc<P>, next: &mut u32) -> Result<Seen> {
        pay(payments, self.callers, next, self.most, PHASE_LIMIT).await
    }
}

fn print(seen: &Rounds, floor_ms: f64) {
    println!("append and fdatasync, p50: {floor_ms:.2} ms\n");
    println!(
        "| engine | callers | payments/s | p50 ms | p99 ms | of the bare log | processor us |"
    );
    println!("|---|---|---|---|---|---|---|");
    let median = |engine: usize, phase: usize| Seen::median(&seen[engine][phase]);
    for (phase, (callers, _)) in PHASES.into_iter().enumerate() {
        for (engine, name) in NAMES.into_iter().enumerate() {
            let figures = median(engine, phase);
            println!(
                "| {name} | {callers} | {:.0} | {:.2} | {:.2} | {:.2} | {:.0} |",
                figures.per_second,
                figures.p50_ms,
                figures.p99_ms,
                figures.per_second / median(BARE, phase).per_second,
                figures.processor_us,
            );
        }
    }
    let mut goals = Goals::default();
    for (phase, (callers, _)) in PHASES.into_iter().enumerate().skip(1) {
        let ours = median(LEDGER, phase).per_second;
        for (engine, least) in [(SQLITE, 1.5), (REDB, 2.0), (BARE, 0.3), (FJALL, 1.0)] {
            goals.add(
                &format!("{callers} callers, of {}", NAMES[engine]),
                Goal::AtLeast(least),
                ours / median(engine, phase).per_second,
                "times",
            );
        }
    }
    goals.add(
        "64 callers, p99",
        Goal::AtMost(25.0),
        median(LEDGER, 1).p99_ms / floor_ms,
        "floors",
    );
    goals.add(
        "1 caller, p50 of the bare log",
        Goal::AtMost(2.2),
        median(LEDGER, 0).p50_ms / median(BARE, 0).p50_ms,
        "times",
    );
    goals.print();
}
