//! Killed at unpredictable moments, the ledger loses nothing that it acknowledged and shows nothing half done; and while one
//! process has a folder open, another is told so.
//!
//! This is a program of its own, without the test harness: it runs itself as the process to be killed.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod support;

use std::{
    env,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use order_store::{
    OrderStore as _, OrderStoreExt as _, OutboxKind, RelayId, SledOptions, SledStore, StoreError,
};
use support::{create, mark_paid, said::Said, say, secs};

const FOLDER: &str = "ORDER_STORE_TEST_FOLDER";
const ROUND: &str = "ORDER_STORE_TEST_ROUND";
/// How many writers are killed; `ORDER_STORE_KILLS` sets another number.
const KILLS: &str = "ORDER_STORE_KILLS";
const KILLS_DEFAULT: u64 = 20;
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

fn killed_writers_lose_nothing() {
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .subsec_nanos();
    let folder = tempfile::tempdir().unwrap();
    let mut said = Said::default();
    let mut wait_ms = u64::from(seed);
    let kills = env::var(KILLS).map_or(KILLS_DEFAULT, |kills| kills.parse().unwrap());
    for round in 0..kills {
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
        let this_round = format!("round{round}-");
        runtime.block_on(said.verify(&store, &this_round));
        runtime.block_on(store.close()).unwrap();
    }
    let blobs = std::fs::read_dir(folder.path().join("blobs")).unwrap();
    assert_eq!(blobs.count(), 0);
    println!(
        "killed_writers_lose_nothing ... ok ({kills} kills, seed {seed}, {} created, {} paid, {} acked)",
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
        said.take(&line.unwrap());
        if !killed && Instant::now() >= until {
            writer.kill().unwrap();
            killed = true;
        }
    }
    writer.wait().unwrap();
    assert!(killed, "the writer ended by itself");
}
