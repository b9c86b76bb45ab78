//! A closed ledger whose files were damaged gives an error or all its data, never less.
//!
//! Each trial copies a ledger of some thousand commands, damages the copy in one of the ways that disks and copies do, and
//! has a child process open and read it: sled may panic, or never come back. `ORDER_STORE_DAMAGE_TRIALS` sets the number of
//! trials, `ORDER_STORE_DAMAGE_SEED` repeats a run.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod support;

use std::{
    collections::BTreeMap,
    env,
    fs::{self, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use order_store::{
    OrderQuery, OrderState, OrderStore as _, OrderStoreExt as _, PAGE_MAX, RelayId, SledOptions,
    SledStore, Verification,
};
use support::{Dice, create, mark_paid, scratch, secs};

const FOLDER: &str = "ORDER_STORE_TEST_FOLDER";
const TRIALS: &str = "ORDER_STORE_DAMAGE_TRIALS";
const SEED: &str = "ORDER_STORE_DAMAGE_SEED";
const TRIALS_DEFAULT: u64 = 60;
const ORDERS: usize = 1_500;
const PAID_STEP: usize = 2;
/// Opening a damaged file takes well under a second.
const PATIENCE: Duration = Duration::from_secs(30);
/// The child found all data there.
const ALL_THERE: i32 = 0;
/// The child was told that it cannot have it.
const TOLD: i32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Damage {
    CutTail64K,
    CutTail600K,
    GarbleTail,
    ZeroTail,
    FlipBit,
    GarbleBlock,
    GarbleSnapshot,
    DeleteSnapshot,
    FlipBitInMark,
    DeleteMark,
    GarbleNote,
}

const KINDS: [Damage; 11] = [
    Damage::CutTail64K,
    Damage::CutTail600K,
    Damage::GarbleTail,
    Damage::ZeroTail,
    Damage::FlipBit,
    Damage::GarbleBlock,
    Damage::GarbleSnapshot,
    Damage::DeleteSnapshot,
    Damage::FlipBitInMark,
    Damage::DeleteMark,
    Damage::GarbleNote,
];

fn main() {
    if let Ok(folder) = env::var(FOLDER) {
        std::process::exit(read_all(Path::new(&folder)));
    }
    let number = |name| env::var(name).ok().map(|text| text.parse().unwrap());
    let trials = number(TRIALS).unwrap_or(TRIALS_DEFAULT);
    let seed = number(SEED).unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::from(now.subsec_nanos())
    });
    println!("seed {seed}");
    let mut dice = Dice::new(seed);
    let whole = scratch();
    fill(whole.path());

    let mut results: BTreeMap<Damage, [u64; 3]> = BTreeMap::new();
    for trial in 0..trials {
        let kind = KINDS[usize::try_from(trial).unwrap() % KINDS.len()];
        let copy = scratch();
        copy_folder(whole.path(), copy.path());
        let what = damage(copy.path(), kind, &mut dice);
        let status = open_in_child(copy.path());
        let place = match status.and_then(|status| status.code()) {
            Some(ALL_THERE) => 0,
            Some(TOLD) => 1,
            // A panic or a hang is no answer, but it serves nothing either.
            None => 2,
            Some(code) => panic!("trial {trial}, {kind:?}: {what}: the child ended with {code}"),
        };
        results.entry(kind).or_default()[place] += 1;
    }
    for (kind, [all, told, ended]) in &results {
        println!("{kind:?}: {all} all there, {told} told, {ended} ended without a word");
        assert_eq!(*ended, 0, "every damage is answered");
    }
    println!("damage_is_never_silent ... ok ({trials} trials)");
}

/// Pays every second order, and sends half of what is to be sent.
fn fill(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .build()
        .unwrap();
    let store = Arc::new(SledStore::open(folder, SledOptions::default()).unwrap());
    runtime.block_on(async {
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..32 {
            let store = Arc::clone(&store);
            callers.spawn(async move {
                for n in (caller..ORDERS).step_by(32) {
                    let number = format!("order-{n}");
                    store.create(create(&number)).await.unwrap();
                    if n % PAID_STEP == 0 {
                        let paid = mark_paid(&number, &number, &format!("t-{number}"));
                        store.mark_paid(paid).await.unwrap();
                    }
                }
            });
        }
        callers.join_all().await;
        let claims = store
            .claim(RelayId::new("r"), secs(60), PAGE_MAX)
            .await
            .unwrap();
        for claim in claims {
            store.ack(claim.token).await.unwrap();
        }
        store.close().await.unwrap();
    });
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn snapshot(folder: &Path) -> Option<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains("snap."))
}

fn damage(folder: &Path, kind: Damage, dice: &mut Dice) -> String {
    let db = folder.join("db");
    let length = fs::metadata(&db).unwrap().len();
    let tail = |dice: &mut Dice, max: u64| 1 + dice.below(max.min(length - 1));
    match kind {
        Damage::CutTail64K | Damage::CutTail600K => {
            let max = if kind == Damage::CutTail64K {
                64 << 10
            } else {
                600 << 10
            };
            let cut = tail(dice, max);
            let file = OpenOptions::new().write(true).open(&db).unwrap();
            file.set_len(length - cut).unwrap();
            format!("{cut} bytes cut off {length}")
        }
        Damage::GarbleTail => {
            let bytes = tail(dice, 4 << 10);
            change(&db, length - bytes, bytes, |_| dice.byte())
        }
        Damage::ZeroTail => {
            let bytes = tail(dice, 16 << 10);
            change(&db, length - bytes, bytes, |_| 0)
        }
        Damage::FlipBit => {
            let bit = 1 << dice.below(8);
            change(&db, dice.below(length), 1, |byte| byte ^ bit)
        }
        Damage::GarbleBlock => {
            let block = dice.below(length / 4096) * 4096;
            change(&db, block, 4096, |_| dice.byte())
        }
        Damage::GarbleSnapshot => match snapshot(folder) {
            Some(path) => {
                let length = fs::metadata(&path).unwrap().len();
                change(&path, length / 2, length / 4, |_| dice.byte())
            }
            None => "no snapshot".to_owned(),
        },
        Damage::DeleteSnapshot => {
            if let Some(path) = snapshot(folder) {
                fs::remove_file(path).unwrap();
            }
            "snapshot deleted".to_owned()
        }
        Damage::FlipBitInMark => {
            let bit = 1 << dice.below(8);
            let slot = dice.below(2) * 4096;
            change(&folder.join("mark"), slot + dice.below(130), 1, |byte| {
                byte ^ bit
            })
        }
        Damage::DeleteMark => {
            fs::remove_file(folder.join("mark")).unwrap();
            "mark deleted".to_owned()
        }
        Damage::GarbleNote => {
            let note = folder.join("clean");
            let at = dice.below(fs::metadata(&note).unwrap().len());
            change(&note, at, 1, |byte| byte ^ 1)
        }
    }
}

fn change(path: &Path, at: u64, bytes: u64, mut new: impl FnMut(u8) -> u8) -> String {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut part = vec![0; usize::try_from(bytes).unwrap()];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut part).unwrap();
    for byte in &mut part {
        *byte = new(*byte);
    }
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&part).unwrap();
    format!("{bytes} bytes at {at} of {}", path.display())
}

fn open_in_child(folder: &Path) -> Option<ExitStatus> {
    let mut child: Child = Command::new(env::current_exe().unwrap())
        .env(FOLDER, folder)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

/// Exits with what became of it; anything else than all data or an error is a panic of this program.
fn read_all(folder: &Path) -> i32 {
    let Ok(store) = SledStore::open(folder, SledOptions::default()) else {
        return TOLD;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut verification = store.verification();
        let end = verification
            .wait_for(|now| !matches!(now, Verification::Running(_)))
            .await
            .unwrap()
            .clone();
        if matches!(end, Verification::Failed { .. }) {
            return TOLD;
        }
        let mut states = BTreeMap::new();
        let mut query = OrderQuery {
            limit: PAGE_MAX,
            ..OrderQuery::default()
        };
        loop {
            let page = store.list(query.clone()).await.unwrap();
            for order in page.orders {
                let log = store.log(&order.key).await.unwrap();
                states.insert(
                    order.key.out_trade_no.as_str().to_owned(),
                    (order.state(), log.len()),
                );
            }
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(states.len(), ORDERS);
        for n in 0..ORDERS {
            let expected = if n % PAID_STEP == 0 {
                (OrderState::Paid, 2)
            } else {
                (OrderState::Unpaid, 1)
            };
            assert_eq!(states[&format!("order-{n}")], expected);
        }
        let outbox = store.outbox_status().await.unwrap();
        assert_eq!(outbox.waiting, ORDERS / PAID_STEP * 2 - PAGE_MAX);
        ALL_THERE
    })
}
