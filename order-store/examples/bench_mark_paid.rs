//! Durable payments per second: `cargo run --release --example bench_mark_paid [FOLDER]`.
//!
//! Beside each figure stands what the same disk does at the same time with one small append and one `fdatasync`.

use std::{
    env,
    error::Error,
    fs::File,
    io::Write as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use order_store::{
    By, Confirmation, Create, MarkPaid, OrderKey, OrderStore as _, OrderStoreExt as _, SledOptions,
    SledStore, Timestamp,
};
use tokio::task::JoinSet;
use wxpay_core::{FeeType, Fen, SignType};

type Failure = Box<dyn Error + Send + Sync>;

const NOW: Timestamp = Timestamp::from_millis(1_553_063_806_000);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let parent = env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let folder = tempfile::tempdir_in(parent)?;
    println!("callers  payments/s  p50 ms  p99 ms  fdatasync p50 ms");
    for (callers, payments) in [(1, 1_000), (64, 30_000), (256, 50_000)] {
        let floor = floor(folder.path())?;
        let path = folder.path().join(format!("ledger-{callers}"));
        let store = Arc::new(SledStore::open(path, SledOptions::default())?);
        let each = payments / callers;
        run(&store, 64, payments / 64 + 1, |store, n| async move {
            store.create(create(n)?).await?;
            Ok(())
        })
        .await?;
        let started = Instant::now();
        let mut took = run(&store, callers, each, |store, n| async move {
            store.mark_paid(mark_paid(n)?).await?;
            Ok(())
        })
        .await?;
        let seconds = started.elapsed().as_secs_f64();
        took.sort_unstable();
        let ms = |at: usize| took[took.len() * at / 100].as_secs_f64() * 1e3;
        println!(
            "{callers:7}  {:10.0}  {:6.2}  {:6.2}  {:16.2}",
            f64::from(u32::try_from(took.len())?) / seconds,
            ms(50),
            ms(99),
            floor.as_secs_f64() * 1e3
        );
        store.close().await?;
    }
    Ok(())
}

/// Lets each of `callers` do `each` pieces of work, and gives how long each took.
async fn run<W>(
    store: &Arc<SledStore>,
    callers: usize,
    each: usize,
    work: impl Fn(Arc<SledStore>, usize) -> W + Copy + Send + 'static,
) -> Result<Vec<Duration>, Failure>
where
    W: Future<Output = Result<(), Failure>> + Send,
{
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            let mut took = Vec::with_capacity(each);
            for n in 0..each {
                let started = Instant::now();
                work(Arc::clone(&store), caller * each + n).await?;
                took.push(started.elapsed());
            }
            Ok::<_, Failure>(took)
        });
    }
    let mut all = Vec::new();
    while let Some(took) = tasks.join_next().await {
        all.extend(took??);
    }
    Ok(all)
}

/// The median of 200 appends of 4 KiB, each with its own sync.
fn floor(folder: &Path) -> Result<Duration, Failure> {
    let mut file = File::create(folder.join("floor"))?;
    let mut took = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        took.push(started.elapsed());
    }
    took.sort_unstable();
    Ok(took[100])
}

fn key(n: usize) -> Result<OrderKey, Failure> {
    Ok(OrderKey {
        mch_id: "1473426802".parse()?,
        out_trade_no: format!("bench-{n:09}").parse()?,
    })
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
        now: NOW,
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
        now: NOW,
    })
}
