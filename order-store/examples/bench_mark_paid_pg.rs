//! Durable payments per second in PostgreSQL:
//! `POSTGRES_URL=… cargo run --release --features postgres --example bench_mark_paid_pg [COMMITTERS]`.
//!
//! 64 callers pay orders, each its own: once through the store, which writes them in groups, and once with a statement and so a commit
//! of its own for each order, that writes the same rows over the same tables, on 64 connections and on 8. The three take turns in
//! one run; what is compared are their medians.

use std::{
    env,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use order_store::{
    By, Confirmation, Create, MarkPaid, OrderKey, OrderStore as _, OrderStoreExt as _,
    PostgresOptions, PostgresStore, Timestamp,
};
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls, Statement};
use wxpay_core::{FeeType, Fen, SignType};

type Failure = Box<dyn Error + Send + Sync>;

const NOW: Timestamp = Timestamp::from_millis(1_553_063_806_000);
const MCH_ID: &str = "1473426802";
const CALLERS: usize = 64;
const EACH: usize = 60;
const ROUNDS: usize = 7;

/// One order, one statement, one commit: guarded, with the same rows as a group's. It spares itself the read.
const ONE: &str = "
WITH u AS (
  UPDATE {s}.orders SET version = version + 1, logged = logged + 1, sent = 2, state = 'paid', doc = $4
  WHERE shard = (SELECT shard FROM {s}.numbers WHERE shard = $1 AND mch_id = $2 AND number = $3)
    AND mch_id = $2 AND out_trade_no = $3 AND state = 'unpaid'
  RETURNING shard, mch_id, out_trade_no, version, created_at
), l AS (
  INSERT INTO {s}.log (shard, mch_id, out_trade_no, n, commit_id, doc)
  SELECT shard, mch_id, out_trade_no, 1, 'bench', $5 FROM u
), b AS (
  INSERT INTO {s}.outbox (shard, mch_id, out_trade_no, n, id, kind, created_at, doc)
  SELECT shard, mch_id, out_trade_no, k.n, out_trade_no, k.n, created_at, $6 FROM u, (VALUES (0), (1)) AS k(n)
), t AS (
  INSERT INTO {s}.transactions (shard, transaction_id, mch_id, out_trade_no)
  SELECT shard, $7, mch_id, out_trade_no FROM u
), y AS (
  INSERT INTO {s}.tally (shard, mch_id, out_trade_no, n, day, payments, paid, refunds, refunded)
  SELECT shard, mch_id, out_trade_no, version, 0, 1, 1990, 0, 0 FROM u
)
SELECT count(*) FROM u";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let url = env::var("POSTGRES_URL").map_err(|_| "POSTGRES_URL names no database")?;
    let options = PostgresOptions {
        schema: "bench_mark_paid".parse()?,
        committers: env::args().nth(1).map_or(Ok(2), |count| count.parse())?,
        ..PostgresOptions::default()
    };
    let (admin, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    let drop_schema = "DROP SCHEMA IF EXISTS bench_mark_paid CASCADE";
    admin.batch_execute(drop_schema).await?;
    let store = Arc::new(PostgresStore::open(&url.parse()?, options).await?);
    let per_round = CALLERS * EACH;
    let all = 3 * ROUNDS * per_round;
    let made = Arc::clone(&store);
    run(256, all / 256 + 1, move |n| {
        let store = Arc::clone(&made);
        async move {
            store.create(create(n)?).await?;
            Ok(())
        }
    })
    .await?;
    admin.batch_execute("ANALYZE; CHECKPOINT").await?;

    // The rows of one paid order, for the statement of the other two to write.
    let sample = store.mark_paid(mark_paid(all)?).await?.order;
    let rows = Arc::new(Rows {
        order: serde_json::to_string(&sample)?,
        log: serde_json::to_string(&store.log(&sample.key).await?[1])?,
        outbox: serde_json::to_string(&sample.terms)?,
    });
    let few = Arc::new(clients(&url, 8).await?);
    let many = Arc::new(clients(&url, CALLERS).await?);

    let mut speeds = [Vec::new(), Vec::new(), Vec::new()];
    println!("payments/s     in groups   64 connections   8 connections");
    for round in 0..ROUNDS {
        for (kind, speeds) in speeds.iter_mut().enumerate() {
            let first = (round * 3 + kind) * per_round;
            let started = Instant::now();
            let mut took = if kind == 0 {
                let store = Arc::clone(&store);
                run(CALLERS, EACH, move |n| {
                    let store = Arc::clone(&store);
                    async move {
                        store.mark_paid(mark_paid(first + n)?).await?;
                        Ok(())
                    }
                })
                .await?
            } else {
                let clients = Arc::clone(if kind == 1 { &many } else { &few });
                let rows = Arc::clone(&rows);
                run(CALLERS, EACH, move |n| {
                    let (clients, rows) = (Arc::clone(&clients), Arc::clone(&rows));
                    async move { rows.pay(&clients, n / EACH, first + n).await }
                })
                .await?
            };
            let per_second =
                f64::from(u32::try_from(took.len())?) / started.elapsed().as_secs_f64();
            took.sort_unstable();
            speeds.push((
                per_second,
                took[took.len() / 2],
                took[took.len() * 99 / 100],
            ));
        }
        println!(
            "round {round}  {:14.0}  {:15.0}  {:14.0}",
            speeds[0][round].0, speeds[1][round].0, speeds[2][round].0
        );
    }
    let medians = speeds.map(|mut speeds| {
        speeds.sort_by(|a, b| a.0.total_cmp(&b.0));
        speeds[ROUNDS / 2]
    });
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    for (name, (per_second, p50, p99)) in ["in groups", "64 connections", "8 connections"]
        .iter()
        .zip(medians)
    {
        println!(
            "median {name:15} {per_second:8.0}/s  p50 {:6.2} ms  p99 {:6.2} ms  groups are {:.2} x",
            ms(p50),
            ms(p99),
            medians[0].0 / per_second
        );
    }
    store.close().await?;
    admin.batch_execute(drop_schema).await?;
    Ok(())
}

struct Rows {
    order: String,
    log: String,
    outbox: String,
}

impl Rows {
    async fn pay(
        &self,
        clients: &[(Client, Statement)],
        caller: usize,
        n: usize,
    ) -> Result<(), Failure> {
        let (client, statement) = &clients[caller % clients.len()];
        let number = number(n);
        let row = client
            .query_one(
                statement,
                &[
                    &shard(&number),
                    &MCH_ID,
                    &number,
                    &self.order,
                    &self.log,
                    &self.outbox,
                    &transaction(n),
                ],
            )
            .await?;
        if row.get::<_, i64>(0) == 1 {
            Ok(())
        } else {
            Err("the order was not to be paid".into())
        }
    }
}

async fn clients(url: &str, count: usize) -> Result<Vec<(Client, Statement)>, Failure> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client
            .batch_execute("SET synchronous_commit TO on; SET enable_seqscan TO off")
            .await?;
        let statement = client
            .prepare(&ONE.replace("{s}", "bench_mark_paid"))
            .await?;
        clients.push((client, statement));
    }
    Ok(clients)
}

/// Lets each of `callers` do `each` pieces of work, and gives how long each took.
async fn run<W>(
    callers: usize,
    each: usize,
    work: impl Fn(usize) -> W + Send + Sync + 'static,
) -> Result<Vec<Duration>, Failure>
where
    W: Future<Output = Result<(), Failure>> + Send,
{
    let mut tasks = JoinSet::new();
    let work = Arc::new(work);
    for caller in 0..callers {
        let work = Arc::clone(&work);
        tasks.spawn(async move {
            let mut took = Vec::with_capacity(each);
            for n in 0..each {
                let started = Instant::now();
                work(caller * each + n).await?;
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

fn number(n: usize) -> String {
    format!("bench-{n:09}")
}

/// As the store shards: FNV-1a of merchant and number, each closed by 0xff.
fn shard(number: &str) -> i16 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in [MCH_ID, number] {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    i16::from(hash.to_le_bytes()[0])
}

fn transaction(n: usize) -> String {
    format!("42000002642019032{n:09}")
}

fn key(n: usize) -> Result<OrderKey, Failure> {
    Ok(OrderKey {
        mch_id: MCH_ID.parse()?,
        out_trade_no: number(n).parse()?,
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
        attempt: number(n).parse()?,
        transaction_id: transaction(n).parse()?,
        total_fee: Fen::new(1990)?,
        fee_type: FeeType::cny(),
        time_end: "20190320143700".parse()?,
        confirmation: Confirmation::Confirmed,
        by: By::Notify,
        now: NOW,
    })
}
