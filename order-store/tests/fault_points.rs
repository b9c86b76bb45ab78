//! The store dies, or loses its power, at every step that it takes on the disk, once each.
//!
//! Dying: a child process works through a script and ends itself at the n-th point, for every n; what it had said before
//! must be in the ledger, and nothing half done. Freezing: at each sync the files are remembered as they were before it and
//! after the one before it; from these two the test makes what a power cut could leave (nothing of what was not synced, all
//! of it, blocks of it by chance), and opens each.
//!
//! This is a program of its own, without the test harness: it runs itself as the process that dies.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod support;

use std::{
    collections::BTreeMap,
    env, fs,
    net::Ipv4Addr,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use order_store::{
    Fault, FaultHook, NotifyRecord, OrderStore as _, OrderStoreExt as _, Outcome, RelayId, Side,
    SledOptions, SledStore, Step, Verdict, Verify,
};
use support::{Dice, T0, create, mark_paid, said::Said, say, scratch, secs};
use tempfile::TempDir;

const FOLDER: &str = "ORDER_STORE_TEST_FOLDER";
const DIE_AT: &str = "ORDER_STORE_TEST_DIE_AT";
const BLOCK: usize = 4096;
/// Images of each sync with blocks by chance.
const MIXED: u64 = 3;

fn main() {
    if let Ok(folder) = env::var(FOLDER) {
        let die_at = env::var(DIE_AT).ok().map(|n| n.parse().unwrap());
        work_and_die(Path::new(&folder), die_at);
        return;
    }
    dying_at_any_step_loses_nothing();
    a_power_cut_at_any_sync_loses_nothing();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
}

fn options(faults: &FaultHook) -> SledOptions {
    SledOptions {
        faults: Some(Arc::clone(faults)),
        ..SledOptions::default()
    }
}

/// Counts the points, says which each is, and ends the process at the one that is asked for.
fn dying(at: Option<u64>) -> FaultHook {
    let passed = AtomicU64::new(0);
    Arc::new(move |step, side| {
        let n = passed.fetch_add(1, Ordering::SeqCst);
        if at.is_none() {
            say(&format!("point {n} {step:?} {side:?}"));
        }
        if at == Some(n) {
            std::process::abort();
        }
        Fault::None
    })
}

/// The script: a new folder, work, a clean stop, more work after an unclean one, compaction, and work after that.
fn work_and_die(folder: &Path, die_at: Option<u64>) {
    let hook = dying(die_at);
    let open = || SledStore::open(folder, options(&hook)).unwrap();
    let runtime = runtime();
    for part in ["first", "second"] {
        let store = open();
        runtime.block_on(work(&store, part));
        runtime.block_on(store.close()).unwrap();
        // As if it had not been closed.
        fs::remove_file(folder.join("clean")).unwrap();
    }
    SledStore::compact(folder, &options(&hook)).unwrap();
    let store = open();
    runtime.block_on(work(&store, "third"));
    runtime.block_on(store.close()).unwrap();
}

async fn work(store: &SledStore, part: &str) {
    let orders = if part == "first" { 2 } else { 1 };
    for n in 0..orders {
        let number = format!("{part}-{n}");
        store.create(create(&number)).await.unwrap();
        say(&format!("created {number}"));
        let paid = mark_paid(&number, &number, &format!("t-{number}"));
        store.mark_paid(paid).await.unwrap();
        say(&format!("paid {number}"));
    }
    let claims = store.claim(RelayId::new(part), secs(600), 3).await.unwrap();
    for claim in claims {
        let id = claim.token.id().clone();
        store.ack(claim.token).await.unwrap();
        say(&format!("acked {id}"));
    }
    let record = NotifyRecord {
        at: T0,
        peer: Ipv4Addr::LOCALHOST.into(),
        verdict: Verdict::Accepted {
            outcome: Outcome::Applied,
        },
        millis: 1,
        answer: "SUCCESS".to_owned(),
        body: vec![b'x'; 12_000],
    };
    let id = store.record_notify(record).await.unwrap();
    say(&format!("notify {id}"));
}

fn child(folder: &Path, die_at: Option<u64>) -> (bool, String) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.env(FOLDER, folder).stderr(Stdio::null());
    if let Some(n) = die_at {
        command.env(DIE_AT, n.to_string());
    }
    let output = command.output().unwrap();
    (
        output.status.success(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

fn verify(folder: &Path, said: &Said, when: &str) {
    let runtime = runtime();
    let store = SledStore::open(folder, SledOptions::default())
        .unwrap_or_else(|error| panic!("{when}: {error}"));
    runtime.block_on(said.verify(&store, ""));
    // It goes on from there, and is whole at the next start.
    runtime.block_on(store.create(create("after-it"))).unwrap();
    runtime.block_on(store.close()).unwrap();
    let first = SledOptions {
        verify: Verify::First,
        ..SledOptions::default()
    };
    let store = SledStore::open(folder, first).unwrap_or_else(|error| panic!("{when}: {error}"));
    drop(store);
    assert_eq!(fs::read_dir(folder.join("blobs")).unwrap().count(), 0);
    for gone in ["compact.new", "compact.ready", "unclean.new", "clean.new"] {
        assert!(!folder.join(gone).exists(), "{when}: {gone} is left");
    }
}

fn dying_at_any_step_loses_nothing() {
    let folder = scratch();
    let (ended_well, script) = child(folder.path(), None);
    assert!(ended_well);
    let points: Vec<&str> = script
        .lines()
        .filter_map(|line| line.strip_prefix("point "))
        .collect();
    let mut steps: BTreeMap<&str, u64> = BTreeMap::new();
    for point in &points {
        *steps.entry(point.split_once(' ').unwrap().1).or_default() += 1;
    }
    for step in [
        Step::Apply,
        Step::Flush,
        Step::Sync,
        Step::MarkWrite,
        Step::MarkSync,
        Step::Answer,
        Step::Checkpoint,
        Step::Uncheckpoint,
        Step::CopyAside,
        Step::Format,
        Step::CompactSlice,
        Step::CompactSync,
        Step::CompactReady,
        Step::CompactSwitch,
    ] {
        for side in [Side::Before, Side::After] {
            let name = format!("{step:?} {side:?}");
            assert!(
                steps.contains_key(name.as_str()),
                "the script has no {name}"
            );
        }
    }
    for (n, point) in (0_u64..).zip(&points) {
        let folder = scratch();
        let (ended_well, output) = child(folder.path(), Some(n));
        assert!(!ended_well, "{point} was not reached");
        let mut said = Said::default();
        output.lines().for_each(|line| said.take(line));
        verify(folder.path(), &said, point);
    }
    println!(
        "dying_at_any_step_loses_nothing ... ok ({} points)",
        points.len()
    );
}

/// The files that a power cut can tear, at one moment.
#[derive(Clone, Default)]
struct Files {
    db: Vec<u8>,
    mark: Vec<u8>,
}

impl Files {
    fn read(folder: &Path) -> Self {
        Self {
            db: fs::read(folder.join("db")).unwrap_or_default(),
            mark: fs::read(folder.join("mark")).unwrap_or_default(),
        }
    }
}

/// What a sync found: the files when the one before it had returned, the files now, and what was acknowledged by now.
struct Sync {
    durable: Files,
    written: Files,
    said: Said,
}

fn a_power_cut_at_any_sync_loses_nothing() {
    let seed = u64::from(std::process::id());
    let folder = scratch();
    let syncs = remember_syncs(folder.path());
    assert!(syncs.len() > 10, "too few to tell");
    let mut dice = Dice::new(seed);
    let mut images = 0;
    for (n, sync) in syncs.iter().enumerate() {
        for image in 0..2 + MIXED {
            let cut = cut(folder.path(), sync, image, &mut dice);
            verify(
                cut.path(),
                &sync.said,
                &format!("seed {seed}, sync {n}, image {image}"),
            );
            images += 1;
        }
    }
    println!(
        "a_power_cut_at_any_sync_loses_nothing ... ok ({} syncs, {images} images)",
        syncs.len()
    );
}

fn remember_syncs(folder: &Path) -> Vec<Sync> {
    // Opened before, so that the first sync is of a group.
    let store = SledStore::open(folder, SledOptions::default()).unwrap();
    runtime().block_on(store.close()).unwrap();
    let said = Arc::new(Mutex::new(Said::default()));
    let syncs = Arc::new(Mutex::new(Vec::new()));
    let durable = Mutex::new(Files::read(folder));
    let hook: FaultHook = {
        let (folder, said, syncs) = (folder.to_owned(), Arc::clone(&said), Arc::clone(&syncs));
        Arc::new(move |step, side| {
            match (step, side) {
                (Step::Sync, Side::Before) => syncs.lock().unwrap().push(Sync {
                    durable: durable.lock().unwrap().clone(),
                    written: Files::read(&folder),
                    said: said.lock().unwrap().clone(),
                }),
                (Step::Sync, Side::After) => *durable.lock().unwrap() = Files::read(&folder),
                _ => {}
            }
            Fault::None
        })
    };
    let store = Arc::new(SledStore::open(folder, options(&hook)).unwrap());
    let runtime = runtime();
    runtime.block_on(async {
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..8 {
            let (store, said) = (Arc::clone(&store), Arc::clone(&said));
            callers.spawn(async move {
                for n in 0..6 {
                    let number = format!("cut-{caller}-{n}");
                    store.create(create(&number)).await.unwrap();
                    said.lock().unwrap().take(&format!("created {number}"));
                    let paid = mark_paid(&number, &number, &format!("t-{number}"));
                    store.mark_paid(paid).await.unwrap();
                    said.lock().unwrap().take(&format!("paid {number}"));
                    let relay = RelayId::new("cut");
                    for claim in store.claim(relay, secs(600), 1).await.unwrap() {
                        let id = claim.token.id().clone();
                        store.ack(claim.token).await.unwrap();
                        said.lock().unwrap().take(&format!("acked {id}"));
                    }
                }
            });
        }
        callers.join_all().await;
        store.close().await.unwrap();
    });
    drop(store);
    std::mem::take(&mut syncs.lock().unwrap())
}

/// A folder as a power cut during this sync leaves it.
fn cut(folder: &Path, sync: &Sync, image: u64, dice: &mut Dice) -> TempDir {
    let cut = scratch();
    fs::create_dir(cut.path().join("blobs")).unwrap();
    fs::copy(folder.join("conf"), cut.path().join("conf")).unwrap();
    let Sync {
        durable, written, ..
    } = sync;
    let mut pick = |old: &[u8], new: &[u8]| match image {
        0 => old.to_vec(),
        1 => new.to_vec(),
        _ => mix(old, new, dice),
    };
    fs::write(cut.path().join("db"), pick(&durable.db, &written.db)).unwrap();
    fs::write(cut.path().join("mark"), pick(&durable.mark, &written.mark)).unwrap();
    cut
}

/// Each block that differs is old or new; so is the length.
fn mix(old: &[u8], new: &[u8], dice: &mut Dice) -> Vec<u8> {
    let length = if dice.below(2) == 0 {
        old.len()
    } else {
        new.len()
    };
    let mut mixed = vec![0; length];
    for (at, block) in mixed.chunks_mut(BLOCK).enumerate() {
        let from = at * BLOCK;
        let source = if dice.below(2) == 0 { old } else { new };
        let part = source.get(from..).unwrap_or_default();
        let part = &part[..part.len().min(block.len())];
        block[..part.len()].copy_from_slice(part);
    }
    mixed
}
