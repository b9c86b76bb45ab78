//! The power goes, and the ledger has all that it acknowledged.
//!
//! A file system of its own, ext4 on a loop device over memory, is shut down at a random moment as a power cut does: what was
//! not synced is gone, journal and all (the ioctl `EXT4_IOC_SHUTDOWN`, flag 2). A child process writes there and says what is
//! acknowledged to a pipe outside; then the file system is mounted again and the ledger held to what was said. Four kinds of
//! work take turns, each on a ledger that lives through all its cuts. A control follows: with the sync left out, a cut must lose
//! something. The ledger has no switch for that; `strace` answers `fdatasync` of its file in the kernel's place.
//!
//! It needs Linux, root, loop devices, `mkfs.ext4`, `mount`, `perl` and `strace`, and fails without them, unless
//! `ORDER_STORE_POWER_CUTS` is 0. That variable sets the number of cuts; `ORDER_STORE_POWER_CUT_SEED` repeats the moments.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod support;

use std::{
    env,
    fs::File,
    io::{BufRead as _, BufReader},
    net::Ipv4Addr,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use order_store::{
    CODE_URL_LIFE, NotifyRecord, OrderStore as _, OrderStoreExt as _, OutboxKind, Outcome, RelayId,
    SledOptions, SledStore, Verdict,
};
use support::{
    Dice, T0, attach_prepay, begin_attempt, create, mark_paid, said::Said, say, scratch, secs,
};
use tempfile::TempDir;

const FOLDER: &str = "ORDER_STORE_TEST_FOLDER";
const WORK: &str = "ORDER_STORE_TEST_WORK";
const ROUND: &str = "ORDER_STORE_TEST_ROUND";
const CUTS: &str = "ORDER_STORE_POWER_CUTS";
const SEED: &str = "ORDER_STORE_POWER_CUT_SEED";
const CUTS_DEFAULT: usize = 6;
/// The control must fail by then.
const CONTROL_CUTS: usize = 10;
const DISK_BYTES: u64 = 1 << 30;
/// The kernel lets go of the files of a killed process a moment after it is gone.
const UNMOUNT_PATIENCE: Duration = Duration::from_secs(10);
/// The longest time from the first answer to the cut.
const WAIT_MAX_MS: u64 = 400;
const SHUTDOWN: &str = r#"open(my $f, "<", $ARGV[0]) or die "$ARGV[0]: $!";
my $flag = pack("L", 2);
ioctl($f, 0x8004587d, $flag) or die "shutdown: $!";"#;

const WORKS: [&str; 4] = ["payments", "overwrites", "notifies", "one-caller"];

fn main() {
    if let Ok(folder) = env::var(FOLDER) {
        write_until_killed(Path::new(&folder));
        return;
    }
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let cuts = number(CUTS).map_or(CUTS_DEFAULT, |cuts| usize::try_from(cuts).unwrap());
    if cuts == 0 {
        println!("power cuts ... LEFT OUT, as {CUTS} says");
        return;
    }
    let seed = number(SEED).unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::from(now.subsec_nanos())
    });
    println!("seed {seed}");
    let mut dice = Dice::new(seed);
    let mut disks = WORKS.map(|work| Disk::new(work, FileSync::Done));
    for cut in 0..cuts {
        let disk = &mut disks[cut % WORKS.len()];
        disk.cut_after(Duration::from_millis(dice.below(WAIT_MAX_MS)));
        disk.verify();
    }
    for disk in &disks {
        println!("{}", disk.summary());
    }
    println!("a_power_cut_loses_nothing ... ok ({cuts} cuts)");
    without_the_sync_a_power_cut_loses_something(&mut dice);
}

fn without_the_sync_a_power_cut_loses_something(dice: &mut Dice) {
    for cut in 1..=CONTROL_CUTS {
        let mut disk = Disk::new("payments", FileSync::LeftOut);
        disk.cut_after(Duration::from_millis(100 + dice.below(WAIT_MAX_MS)));
        if catch_unwind(AssertUnwindSafe(|| disk.verify())).is_err() {
            println!("without_the_sync_a_power_cut_loses_something ... ok (cut {cut})");
            return;
        }
    }
    panic!("{CONTROL_CUTS} cuts without a sync lost nothing: the cuts do not cut");
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; {CUTS}=0 leaves power cuts out"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}; {CUTS}=0 leaves power cuts out",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What becomes of the sync of sled's file.
#[derive(Clone, Copy)]
enum FileSync {
    Done,
    LeftOut,
}

/// A disk with one ledger, and what was acknowledged of that.
struct Disk {
    work: &'static str,
    sync: FileSync,
    rounds: usize,
    said: Said,
    image: PathBuf,
    mounted_at: PathBuf,
    mounted: bool,
    _folder: TempDir,
}

impl Disk {
    fn new(work: &'static str, sync: FileSync) -> Self {
        let folder = scratch();
        let image = folder.path().join("disk");
        File::create(&image).unwrap().set_len(DISK_BYTES).unwrap();
        run("mkfs.ext4", &["-q", image.to_str().unwrap()]);
        let mounted_at = folder.path().join("mounted");
        std::fs::create_dir(&mounted_at).unwrap();
        Self {
            work,
            sync,
            rounds: 0,
            said: Said::default(),
            image,
            mounted_at,
            mounted: false,
            _folder: folder,
        }
    }

    fn ledger(&self) -> PathBuf {
        self.mounted_at.join("ledger")
    }

    fn mount(&mut self) {
        let (image, at) = (&self.image, &self.mounted_at);
        run(
            "mount",
            &["-o", "loop", image.to_str().unwrap(), at.to_str().unwrap()],
        );
        self.mounted = true;
    }

    fn unmount(&mut self) {
        let at = self.mounted_at.to_str().unwrap();
        let deadline = Instant::now() + UNMOUNT_PATIENCE;
        while Instant::now() < deadline {
            let status = Command::new("umount")
                .arg(at)
                .stderr(Stdio::null())
                .status();
            if status.unwrap().success() {
                self.mounted = false;
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        run("umount", &[at]);
        self.mounted = false;
    }

    /// The child that writes. Where the sync is left out, it is still the child, and its tracer a process of its own.
    fn writer(&self) -> Command {
        let program = env::current_exe().unwrap();
        match self.sync {
            FileSync::Done => Command::new(program),
            FileSync::LeftOut => {
                let mut command = Command::new("strace");
                command
                    .args([
                        "-D",
                        "-f",
                        "-qq",
                        "-o",
                        "/dev/null",
                        "-e",
                        "trace=fdatasync",
                    ])
                    .args(["-e", "inject=fdatasync:retval=0", "-P"])
                    .arg(self.ledger().join("db"))
                    .arg(program);
                command
            }
        }
    }

    /// Lets a child write for `wait` after its first answer, and cuts the power.
    fn cut_after(&mut self, wait: Duration) {
        self.mount();
        let mut command = self.writer();
        command
            .env(FOLDER, self.ledger())
            .env(WORK, self.work)
            .env(ROUND, self.rounds.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        self.rounds += 1;
        let mut writer = command.spawn().unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let first = lines.next().expect("the writer wrote").unwrap();
        self.said.take(&first);
        let reader = thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
        let until = Instant::now() + wait;
        thread::sleep(until.saturating_duration_since(Instant::now()));
        run("perl", &["-e", SHUTDOWN, self.mounted_at.to_str().unwrap()]);
        writer.kill().unwrap();
        writer.wait().unwrap();
        for line in reader.join().unwrap() {
            self.said.take(&line);
        }
        self.unmount();
    }

    /// Mounts the disk as the cut left it, and holds the ledger to what was said.
    fn verify(&mut self) {
        self.mount();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let store = SledStore::open(self.ledger(), SledOptions::default())
            .unwrap_or_else(|error| panic!("{} after cut {}: {error}", self.work, self.rounds));
        let this_round = format!("{}-", self.rounds - 1);
        let verified = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(self.said.verify(&store, &this_round));
        }));
        runtime.block_on(store.close()).unwrap();
        drop(store);
        let blobs = std::fs::read_dir(self.ledger().join("blobs")).unwrap();
        assert_eq!(blobs.count(), 0);
        if let Err(panic) = verified {
            std::panic::resume_unwind(panic);
        }
        self.unmount();
    }

    fn summary(&self) -> String {
        let said = &self.said;
        format!(
            "{}: {} cuts, {} created, {} paid, {} sent, {} orders with attempts, {} notifies",
            self.work,
            self.rounds,
            said.created.len(),
            said.paid.len(),
            said.acked.len(),
            said.attempts.len(),
            said.notifies.len()
        )
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            // The loop device goes with the mount.
            drop(
                Command::new("umount")
                    .arg("-l")
                    .arg(&self.mounted_at)
                    .status(),
            );
        }
    }
}

fn write_until_killed(folder: &Path) {
    let store = Arc::new(SledStore::open(folder, SledOptions::default()).unwrap());
    let round = env::var(ROUND).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async move {
        let mut callers = tokio::task::JoinSet::new();
        match env::var(WORK).unwrap().as_str() {
            "payments" => {
                for caller in 0..16 {
                    callers.spawn(pay(Arc::clone(&store), format!("{round}-{caller}")));
                }
                callers.spawn(send(Arc::clone(&store)));
            }
            "overwrites" => {
                for caller in 0..4 {
                    callers.spawn(begin_again(Arc::clone(&store), format!("{round}-{caller}")));
                }
            }
            "notifies" => {
                for _ in 0..4 {
                    callers.spawn(take_notifies(Arc::clone(&store)));
                }
            }
            "one-caller" => {
                callers.spawn(all_of_it(store, round));
            }
            other => panic!("{other}"),
        }
        callers.join_next().await.unwrap().unwrap();
    });
}

async fn pay_one(store: &SledStore, number: &str) {
    store.create(create(number)).await.unwrap();
    say(&format!("created {number}"));
    let paid = mark_paid(number, number, &format!("t-{number}"));
    store.mark_paid(paid).await.unwrap();
    say(&format!("paid {number}"));
}

async fn pay(store: Arc<SledStore>, prefix: String) {
    for n in 0.. {
        pay_one(&store, &format!("{prefix}-{n:06}")).await;
    }
}

/// Sends the pages' rows; those for other services stay, to be counted.
async fn send(store: Arc<SledStore>) {
    loop {
        for claim in store
            .claim(RelayId::new("cut"), secs(600), 64)
            .await
            .unwrap()
        {
            if claim.row.kind == OutboxKind::PayNotify {
                let id = claim.token.id().clone();
                store.ack(claim.token).await.unwrap();
                say(&format!("acked {id}"));
            }
        }
        tokio::task::yield_now().await;
    }
}

/// Writes one order again and again, with ever more attempts.
async fn begin_again(store: Arc<SledStore>, prefix: String) {
    for n in 0.. {
        let number = format!("{prefix}-{n:06}");
        store.create(create(&number)).await.unwrap();
        say(&format!("created {number}"));
        let mut now = T0;
        for attempts in 1..=order_store::ATTEMPTS_MAX {
            let begun = store
                .begin_attempt(begin_attempt(&number, now))
                .await
                .unwrap();
            say(&format!("attempt {number} {attempts}"));
            let attempt = begun.order.current_attempt().unwrap().number.clone();
            store
                .attach_prepay(attach_prepay(&number, attempt.as_str(), now))
                .await
                .unwrap();
            now = now + CODE_URL_LIFE;
        }
    }
}

async fn take_notifies(store: Arc<SledStore>) {
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    loop {
        let n = TAKEN.fetch_add(1, Ordering::Relaxed);
        let record = NotifyRecord {
            at: T0 + secs(n),
            peer: Ipv4Addr::LOCALHOST.into(),
            verdict: Verdict::Accepted {
                outcome: Outcome::Applied,
            },
            millis: 1,
            answer: "SUCCESS".to_owned(),
            body: vec![b'x'; usize::try_from(n % 50_000).unwrap()],
        };
        let id = store.record_notify(record).await.unwrap();
        say(&format!("notify {id}"));
    }
}

async fn all_of_it(store: Arc<SledStore>, prefix: String) {
    for n in 0.. {
        pay_one(&store, &format!("{prefix}-{n:06}")).await;
        for claim in store
            .claim(RelayId::new("cut"), secs(600), 1)
            .await
            .unwrap()
        {
            let id = claim.token.id().clone();
            store.ack(claim.token).await.unwrap();
            say(&format!("acked {id}"));
        }
    }
}
