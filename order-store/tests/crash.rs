//! Killed at unpredictable moments, the ledger loses nothing that it acknowledged and shows nothing half done; and while one
//! process has a folder open, another is told so.
//!
//! This is a program of its own, without the test harness: it runs itself as the process to be killed.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod support;

use std::{
    collections::{HashMap, HashSet},
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use order_store::{
    OrderQuery, OrderState, OrderStore, OrderStoreExt as _, OutboxId, OutboxKind, PAGE_MAX,
    RelayId, SledOptions, SledStore, StoreError,
};
use support::{create, mark_paid, secs};

const FOLDER: &str = "ORDER_STORE_TEST_FOLDER";
const ROUND: &str = "ORDER_STORE_TEST_ROUND";
const ROUNDS: u64 = 20;
const WRITERS: usize = 16;

fn main() {
    let Ok(folder) = env::var(FOLDER) else {
        a_second_process_is_locked_out();
        killed_writers_lose_nothing();
        return;
    };
    match env::var(ROUND) {
        Ok(round) => write_until_killed(Path::new(&folder), &round),
        Err(_) => say_whether_locked(Path::new(&folder)),
    }
}

fn child(folder: &Path, round: Option<u64>) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.env(FOLDER, folder).stdout(Stdio::piped());
    if let Some(round) = round {
        command.env(ROUND, round.to_string());
    }
    command.spawn().unwrap()
}

fn say_whether_locked(folder: &Path) {
    match SledStore::open(folder, SledOptions::default()) {
        Err(error @ StoreError::Locked { .. }) => println!("locked: {error}"),
        other => println!("{other:?}"),
    }
}

fn a_second_process_is_locked_out() {
    let folder = tempfile::tempdir().unwrap();
    let _store = SledStore::open(folder.path(), SledOptions::default()).unwrap();
    let output = child(folder.path(), None).wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        said.trim_end(),
        format!(
            "locked: {} is in use by another process",
            folder.path().display()
        )
    );
    println!("a_second_process_is_locked_out ... ok");
}

/// Says each command that was acknowledged, as it is.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn write_until_killed(folder: &Path, round: &str) {
    let store = Arc::new(SledStore::open(folder, SledOptions::default()).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let (store, round) = (Arc::clone(&store), round.to_owned());
            writers.spawn(async move {
                for n in 0.. {
                    let number = format!("round{round}-{writer}-{n}");
                    store.create(create(&number)).await.unwrap();
                    say(&format!("created {number}"));
                    if n % 4 == 3 {
                        continue;
                    }
                    let paid = mark_paid(&number, &number, &format!("t-{number}"));
                    store.mark_paid(paid).await.unwrap();
                    say(&format!("paid {number}"));
                }
            });
        }
        // Takes the pages' rows out; those for other services stay, to be counted.
        writers.spawn(async move {
            loop {
                let relay = RelayId::new("crash");
                for claim in store.claim(relay, secs(600), 64).await.unwrap() {
                    if claim.row.kind == OutboxKind::PayNotify {
                        let id = claim.token.id().clone();
                        store.ack(claim.token).await.unwrap();
                        say(&format!("acked {id}"));
                    }
                }
                tokio::task::yield_now().await;
            }
        });
        writers.join_next().await.unwrap().unwrap();
    });
}

#[derive(Default)]
struct Said {
    created: HashSet<String>,
    paid: HashSet<String>,
    acked: HashSet<OutboxId>,
}

impl Said {
    fn take(&mut self, line: &str) {
        match line.split_once(' ').unwrap() {
            ("created", number) => self.created.insert(number.to_owned()),
            ("paid", number) => self.paid.insert(number.to_owned()),
            ("acked", id) => self.acked.insert(OutboxId::from_text(id)),
            _ => panic!("{line}"),
        };
    }
}

fn killed_writers_lose_nothing() {
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .subsec_nanos();
    let folder = tempfile::tempdir().unwrap();
    let mut said = Said::default();
    let mut wait_ms = u64::from(seed);
    for round in 0..ROUNDS {
        wait_ms = wait_ms
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let wait = Duration::from_millis((wait_ms >> 33) % 120);
        kill_after(folder.path(), round, wait, &mut said);
        let store = SledStore::open(folder.path(), SledOptions::default()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(verify(&store, round, &said));
        runtime.block_on(store.close()).unwrap();
    }
    let blobs = std::fs::read_dir(folder.path().join("blobs")).unwrap();
    assert_eq!(blobs.count(), 0);
    println!(
        "killed_writers_lose_nothing ... ok ({ROUNDS} kills, seed {seed}, {} created, {} paid, {} acked)",
        said.created.len(),
        said.paid.len(),
        said.acked.len()
    );
    assert!(said.paid.len() > 100, "too few to tell");
}

/// Lets a writer run for `wait` after its first words, kills it, and notes all that it said.
fn kill_after(folder: &Path, round: u64, wait: Duration, said: &mut Said) {
    let mut writer = child(folder, Some(round));
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    said.take(&lines.next().unwrap().unwrap());
    let until = Instant::now() + wait;
    let mut killed = false;
    for line in lines {
        let line = line.unwrap();
        // A kill can cut the last line short: that one was not acknowledged whole.
        if line.starts_with("created ") || line.starts_with("paid ") || line.starts_with("acked ") {
            said.take(&line);
        }
        if !killed && Instant::now() >= until {
            writer.kill().unwrap();
            killed = true;
        }
    }
    writer.wait().unwrap();
    assert!(killed, "the writer ended by itself");
}

async fn verify(store: &SledStore, round: u64, said: &Said) {
    let mut rows: HashMap<String, Vec<OutboxId>> = HashMap::new();
    loop {
        let claims = store
            .claim(RelayId::new("verify"), secs(600), PAGE_MAX)
            .await
            .unwrap();
        if claims.is_empty() {
            break;
        }
        for claim in claims {
            assert!(
                !said.acked.contains(&claim.row.id),
                "{} came back",
                claim.row.id
            );
            let number = claim.row.key.out_trade_no.as_str().to_owned();
            rows.entry(number).or_default().push(claim.row.id);
        }
    }
    let mut found = HashMap::new();
    let mut query = OrderQuery {
        limit: PAGE_MAX,
        ..OrderQuery::default()
    };
    loop {
        let page = store.list(query.clone()).await.unwrap();
        for order in page.orders {
            found.insert(order.key.out_trade_no.as_str().to_owned(), order);
        }
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    for number in &said.created {
        assert!(found.contains_key(number), "{number} is lost");
    }
    for number in &said.paid {
        assert_eq!(found[number].state(), OrderState::Paid, "{number}");
    }
    let this_round = format!("round{round}-");
    for (number, order) in &found {
        let rows = rows.get(number).map_or(0, Vec::len);
        match order.state() {
            OrderState::Unpaid => assert_eq!(rows, 0, "{number}"),
            // The page's row may be out, said or not.
            _ => assert!((1..=2).contains(&rows), "{number} has {rows} rows"),
        }
        if !number.starts_with(&this_round) {
            continue;
        }
        let log = store.log(&order.key).await.unwrap();
        let paid = log
            .iter()
            .filter(|entry| entry.to == OrderState::Paid)
            .count();
        let expected = usize::from(order.state() == OrderState::Paid);
        assert_eq!((log.len(), paid), (1 + expected, expected), "{number}");
        let by_number = store
            .find_attempt(&order.key.mch_id, &order.key.out_trade_no)
            .await
            .unwrap();
        assert_eq!(by_number.as_ref(), Some(order));
    }
}
