//! How the ledger does when it has grown: speed, memory, disk, time to open, and what a page costs.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use order_store::{OrderQuery, OrderState, OrderStore as _, RelayId, SledOptions, SledStore};
use tokio::task::JoinSet;

use crate::{
    ledger::Ledger,
    machine::{folder_bytes, free_bytes, resident_bytes},
    report::{Goal, Goals},
    run::{Seen, median, pay},
};

/// Orders of the small ledger.
const SMALL: u32 = 10_000;
/// A process that loads much keeps much of sled's memory; so the ledger is opened anew after so many orders.
const SLICE: u32 = 100_000;
/// Callers of the phases that are measured.
const CALLERS: u32 = 64;
/// Rounds of small beside large.
const ROUNDS: u32 = 5;
/// Payments of one such round: what the small ledger has, in all.
const PER_ROUND: u32 = SMALL / ROUNDS;
/// Payments before the memory is read.
const AFTER_REOPEN: u32 = 100_000;
/// Orders of a page, and pages.
const PAGE: usize = 50;
const PAGES: usize = 101;
/// Rows that a relay claims at once.
const CLAIM: usize = 500;
const LEASE: Duration = Duration::from_mins(1);
const NO_LIMIT: Duration = Duration::from_hours(1);
/// The fields of an order that was paid and published, without names: its record and key, two rows of the log, and the
/// indexes of its number and of its transaction.
const RAW_BYTES: u64 = 220 + 25 + 2 * 160 + 2 * 25 + 29 + 25;
/// The least that must be free for an order: what the largest ledger seen took, and room to compact it.
const ROOM_BYTES: u64 = 5_000;

/// Grows a ledger to `orders`, half of them paid and published.
pub(crate) async fn run(folder: &Path, orders: u32) -> Result<()> {
    ensure!(
        orders >= 4 * SMALL,
        "it grows to {} orders at least",
        4 * SMALL
    );
    let needed = u64::from(orders) * ROOM_BYTES;
    let free = free_bytes(folder)?;
    ensure!(
        free >= needed,
        "{orders} orders want {} MB of disk and {} are free: give --orders or --dir",
        needed >> 20,
        free >> 20
    );
    let path = folder.join("large");
    let half = orders / 2;
    let mut goals = Goals::default();

    for from in (0..half).step_by(SLICE as usize) {
        let to = half.min(from + SLICE);
        let slice = Instant::now();
        let ledger = Arc::new(Ledger::open(&path)?);
        ledger.load(from, to).await?;
        let loaded = slice.elapsed();
        let mut next = from;
        pay(&ledger, 256, &mut next, to - from, NO_LIMIT).await?;
        let paid = slice.elapsed();
        publish(&ledger).await?;
        let published = slice.elapsed();
        ledger.store.close().await?;
        println!(
            "{to} orders: made in {:.1} s, paid in {:.1} s, published in {:.1} s, closed in {:.1} s, {} MB memory",
            loaded.as_secs_f64(),
            paid.saturating_sub(loaded).as_secs_f64(),
            published.saturating_sub(paid).as_secs_f64(),
            slice.elapsed().saturating_sub(published).as_secs_f64(),
            resident_bytes()? >> 20,
        );
    }
    let opened = Instant::now();
    let ledger = Ledger::open(&path)?;
    goals.add(
        &format!("open after a clean stop, {half} orders"),
        Goal::AtMost(2.0),
        opened.elapsed().as_secs_f64(),
        "s",
    );
    ledger.store.close().await?;
    drop(ledger);
    disk(&path, half, &mut goals)?;

    for from in (half..orders).step_by(SLICE as usize) {
        let ledger = Arc::new(Ledger::open(&path)?);
        ledger.load(from, orders.min(from + SLICE)).await?;
        ledger.store.close().await?;
    }
    println!("{orders} orders: {} MB on disk", folder_bytes(&path)? >> 20);
    let mut next = half;
    let small = folder.join("small");
    speed(&small, &path, &mut next, &mut goals).await?;
    pages(&small, &path, &mut goals).await?;
    memory(&path, next, orders, &mut goals)?;
    goals.print();
    Ok(())
}

/// Sends every row of the outbox away.
async fn publish(ledger: &Arc<Ledger>) -> Result<()> {
    loop {
        let claims = ledger
            .store
            .claim(RelayId::new("bench"), LEASE, CLAIM)
            .await?;
        if claims.is_empty() {
            return Ok(());
        }
        let mut acks = JoinSet::new();
        for claim in claims {
            let ledger = Arc::clone(ledger);
            acks.spawn(async move { ledger.store.ack(claim.token).await });
        }
        while let Some(ack) = acks.join_next().await {
            ack??;
        }
    }
}

/// What the ledger takes on disk for what it holds.
fn disk(path: &Path, orders: u32, goals: &mut Goals) -> Result<()> {
    let raw = u64::from(orders) * RAW_BYTES;
    goals.add(
        &format!("disk, {orders} orders paid and published"),
        Goal::AtMost(3.0),
        ratio(folder_bytes(path)?, raw),
        "times raw",
    );
    SledStore::compact(path, &SledOptions::default())?;
    goals.add(
        "disk after compaction",
        Goal::AtMost(1.5),
        ratio(folder_bytes(path)?, raw),
        "times raw",
    );
    Ok(())
}

/// The large ledger beside a small one, turn and turn about.
async fn speed(small: &Path, large: &Path, next: &mut u32, goals: &mut Goals) -> Result<()> {
    let small = Arc::new(Ledger::open(small)?);
    small.load(0, SMALL).await?;
    let large = Arc::new(Ledger::open(large)?);
    let (mut of_small, mut of_large) = (Vec::new(), Vec::new());
    let mut next_small = 0;
    for _ in 0..ROUNDS {
        of_small.push(pay(&small, CALLERS, &mut next_small, PER_ROUND, NO_LIMIT).await?);
        of_large.push(pay(&large, CALLERS, next, PER_ROUND, NO_LIMIT).await?);
    }
    small.store.close().await?;
    large.store.close().await?;
    let (small, large) = (Seen::median(&of_small), Seen::median(&of_large));
    println!(
        "payments/s: {:.0} of {SMALL} orders, {:.0} of all; processor us: {:.0} and {:.0}",
        small.per_second, large.per_second, small.processor_us, large.processor_us
    );
    goals.add(
        "payments/s, large of small",
        Goal::AtLeast(0.75),
        large.per_second / small.per_second,
        "times",
    );
    Ok(())
}

/// A page costs what it returns: one of the large ledger as much as one of the small.
async fn pages(small: &Path, large: &Path, goals: &mut Goals) -> Result<()> {
    let (small, large) = (Ledger::open(small)?, Ledger::open(large)?);
    let (mut of_small, mut of_large) = (Vec::new(), Vec::new());
    for _ in 0..PAGES {
        of_small.push(page_us(&small).await?);
        of_large.push(page_us(&large).await?);
    }
    small.store.close().await?;
    large.store.close().await?;
    let (small, large) = (median(of_small), median(of_large));
    println!("a page of {PAGE} paid orders: {small:.0} us of {SMALL}, {large:.0} us of all");
    goals.add(
        &format!("page of {PAGE}, large of small"),
        Goal::AtMost(2.0),
        large / small,
        "times",
    );
    Ok(())
}

async fn page_us(ledger: &Ledger) -> Result<f64> {
    let query = OrderQuery {
        state: Some(OrderState::Paid),
        limit: PAGE,
        ..OrderQuery::default()
    };
    let began = Instant::now();
    let page = ledger.store.list(query).await?;
    ensure!(page.orders.len() == PAGE, "too few orders");
    Ok(began.elapsed().as_secs_f64() * 1e6)
}

/// The memory of a process that opens the large ledger and takes payments: this one, run anew.
fn memory(path: &Path, next: u32, orders: u32, goals: &mut Goals) -> Result<()> {
    let most = AFTER_REOPEN.min(orders - next);
    let output = std::process::Command::new(std::env::current_exe()?)
        .args([
            "--resident",
            &next.to_string(),
            "--orders",
            &most.to_string(),
        ])
        .arg("--dir")
        .arg(path)
        .output()?;
    ensure!(output.status.success(), "the child failed: {output:?}");
    let bytes: u64 = String::from_utf8(output.stdout)?.trim().parse()?;
    goals.add(
        &format!("memory, reopened and {most} payments more"),
        Goal::AtMost(500.0),
        ratio(bytes, 1 << 20),
        "MB",
    );
    Ok(())
}

/// In the child: opens the ledger in `path`, pays `most` orders from `next` on, and prints what memory it then has.
pub(crate) async fn resident(path: &Path, mut next: u32, most: u32) -> Result<()> {
    let ledger = Arc::new(Ledger::open(path)?);
    pay(&ledger, CALLERS, &mut next, most, NO_LIMIT).await?;
    println!("{}", resident_bytes()?);
    ledger.store.close().await?;
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b as f64
}
