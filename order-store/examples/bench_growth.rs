//! What growth costs: `cargo run --release --example bench_growth FOLDER ORDERS`.
//!
//! It fills a ledger up to so many orders, paid and sent, measuring payments at 10 000 and at the end, then closes it, opens it
//! in a process of its own, pays 100 000 more there, and compacts it. Set the folder on the disk that is to be measured.

use std::{
    env,
    error::Error,
    fs,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use order_store::{
    By, Confirmation, Create, MarkPaid, OrderKey, OrderQuery, OrderState, OrderStore as _,
    OrderStoreExt as _, PAGE_MAX, RelayId, SledOptions, SledStore, Timestamp, Verification,
};
use tokio::task::JoinSet;
use wxpay_core::{FeeType, Fen, SignType};

type Failure = Box<dyn Error + Send + Sync>;

const CALLERS: usize = 256;
const SAMPLE: usize = 50_000;
const MORE: usize = 100_000;
/// What one order with its payment is: the record twice, a log row twice, two outbox rows, three keys.
const RAW_BYTES: usize = 1_000;
/// A process that fills a ledger grows; so it is closed and opened again between such slices.
const SLICE: usize = 200_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, orders, rest @ ..] = arguments.as_slice() else {
        return Err("bench_growth FOLDER ORDERS".into());
    };
    let (path, orders) = (Path::new(folder), orders.parse()?);
    if rest.first().is_some_and(|part| part == "reopen") {
        return reopen(path, orders).await;
    }
    fill(path, orders).await?;
    let status = Command::new(env::current_exe()?)
        .args([folder.as_str(), &orders.to_string(), "reopen"])
        .status()?;
    if !status.success() {
        return Err("the second process failed".into());
    }
    Ok(())
}

async fn fill(path: &Path, orders: usize) -> Result<(), Failure> {
    let mut store = Arc::new(SledStore::open(path, SledOptions::default())?);
    let mut done = 0;
    while done < orders {
        let next = if done == 0 {
            10_000
        } else {
            (done + SLICE).min(orders)
        };
        pay(&store, done, next).await?;
        done = next;
        if done == 10_000 {
            let rate = pay(&store, done, done + SAMPLE).await?;
            done += SAMPLE;
            println!("payments at 10 000: {rate:.0}/s");
        }
        let rss = rss_mib();
        store.close().await?;
        println!(
            "{done} orders: {} MiB on disk, {rss} MiB in memory",
            mib(path)?
        );
        store = Arc::new(SledStore::open(path, SledOptions::default())?);
    }
    let rate = pay(&store, done, done + SAMPLE).await?;
    println!("payments at {orders}: {rate:.0}/s");
    let started = Instant::now();
    store.close().await?;
    println!("closing: {:.2?}", started.elapsed());
    let raw = (orders + SAMPLE) * RAW_BYTES;
    println!("on disk: {} MiB, raw {} MiB", mib(path)?, raw >> 20);
    Ok(())
}

async fn reopen(path: &Path, orders: usize) -> Result<(), Failure> {
    let started = Instant::now();
    let store = Arc::new(SledStore::open(path, SledOptions::default())?);
    println!(
        "opening after a clean stop: {:.2?}, {} MiB in memory",
        started.elapsed(),
        rss_mib()
    );
    let started = Instant::now();
    let query = OrderQuery {
        state: Some(OrderState::Paid),
        limit: PAGE_MAX,
        ..OrderQuery::default()
    };
    let page = store.list(query).await?;
    println!(
        "a page of {} paid orders: {:.2?}",
        page.orders.len(),
        started.elapsed()
    );
    let mut verification = store.verification();
    let end = verification
        .wait_for(|now| !matches!(now, Verification::Running(_)))
        .await?
        .clone();
    println!(
        "verified in the background: {end:?}, {} MiB in memory",
        rss_mib()
    );
    let from = orders + SAMPLE;
    let rate = pay(&store, from, from + MORE).await?;
    println!(
        "{MORE} more payments: {rate:.0}/s, {} MiB in memory",
        rss_mib()
    );
    store.close().await?;
    drop(store);
    let started = Instant::now();
    let compacted = SledStore::compact(path, &SledOptions::default())?;
    println!(
        "compaction: {:.2?}, {} MiB to {} MiB, {} records",
        started.elapsed(),
        compacted.bytes_before >> 20,
        compacted.bytes_after >> 20,
        compacted.records
    );
    Ok(())
}

/// Creates orders, pays them, and has a relay send their rows; gives the payments per second.
async fn pay(store: &Arc<SledStore>, from: usize, to: usize) -> Result<f64, Failure> {
    each(store, from, to, |store, n| async move {
        store.create(create(n)?).await?;
        Ok(())
    })
    .await?;
    let started = Instant::now();
    each(store, from, to, |store, n| async move {
        store.mark_paid(mark_paid(n)?).await?;
        Ok(())
    })
    .await?;
    let seconds = started.elapsed().as_secs_f64();
    loop {
        let claims = store
            .claim(RelayId::new("bench"), Duration::from_mins(1), PAGE_MAX)
            .await?;
        if claims.is_empty() {
            break;
        }
        let mut acks = JoinSet::new();
        for claim in claims {
            let store = Arc::clone(store);
            acks.spawn(async move { store.ack(claim.token).await });
        }
        while let Some(acked) = acks.join_next().await {
            acked??;
        }
    }
    Ok(f64::from(u32::try_from(to - from)?) / seconds)
}

async fn each<W>(
    store: &Arc<SledStore>,
    from: usize,
    to: usize,
    work: impl Fn(Arc<SledStore>, usize) -> W + Copy + Send + 'static,
) -> Result<(), Failure>
where
    W: Future<Output = Result<(), Failure>> + Send,
{
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            for n in (from + caller..to).step_by(CALLERS) {
                work(Arc::clone(&store), n).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

fn mib(path: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        let found = entry?.metadata()?;
        bytes += if found.is_file() { found.len() } else { 0 };
    }
    Ok(bytes >> 20)
}

/// What this process has in memory; 0 where there is no `/proc`.
fn rss_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) >> 10
}

fn key(n: usize) -> Result<OrderKey, Failure> {
    Ok(OrderKey {
        mch_id: "1473426802".parse()?,
        out_trade_no: format!("bench-{n:09}").parse()?,
    })
}

fn now(n: usize) -> Result<Timestamp, Failure> {
    Ok(Timestamp::from_millis(
        1_553_063_806_000 + i64::try_from(n)?,
    ))
}

fn create(n: usize) -> Result<Create, Failure> {
    Ok(Create {
        key: key(n)?,
        appid: "wx8397f8696b538317".parse()?,
        sign_type: SignType::HmacSha256,
        body: "Longjing tea".parse()?,
        total_fee: Fen::new(1990)?,
        fee_type: FeeType::cny(),
        attach: None,
        product_id: "tea-1".parse()?,
        spbill_create_ip: "192.0.2.1".parse()?,
        notify_base: "https://desk.example/wxpay/notify".parse()?,
        expires_after: None,
        by: By::Shop,
        now: now(n)?,
    })
}

fn mark_paid(n: usize) -> Result<MarkPaid, Failure> {
    Ok(MarkPaid {
        key: key(n)?,
        attempt: format!("bench-{n:09}").parse()?,
        transaction_id: format!("42000002642019032{n:09}").parse()?,
        total_fee: Fen::new(1990)?,
        fee_type: FeeType::cny(),
        time_end: "20190320143700".parse()?,
        confirmation: Confirmation::Confirmed,
        by: By::Notify,
        now: now(n)?,
    })
}
