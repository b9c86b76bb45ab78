//! A server that the test itself stops and starts, with the programs of Debian's package.

use std::{
    env, fs,
    fs::OpenOptions,
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use order_store::{
    ExecuteError, Health, OrderStore as _, OrderStoreExt as _, Outcome, PostgresOptions,
    PostgresStore, StoreError,
    conformance::samples::{create, key, mark_paid},
};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::support::{LIMIT, Scratch};

const LIB: &str = "/usr/lib/postgresql";

/// A server of the test's own. It stops with it.
pub(crate) struct Cluster {
    folder: TempDir,
    bin: PathBuf,
    pub(crate) port: u16,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let bin = env::var_os("POSTGRES_BIN").map_or_else(newest, PathBuf::from);
        let folder = TempDir::with_prefix("order-store-postgres-").unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let cluster = Self { folder, bin, port };
        if is_root() {
            run(Command::new("chown")
                .arg("postgres")
                .arg(cluster.folder.path()));
        }
        let data = cluster.data();
        run(cluster
            .program("initdb")
            .args([
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ])
            .args(["--username=postgres", "-D"])
            .arg(data));
        cluster.set(&format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\n",
            cluster.folder.path().display()
        ));
        cluster
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Adds lines to its configuration.
    pub(crate) fn set(&self, lines: &str) {
        let path = self.data().join("postgresql.conf");
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        writeln!(file, "{lines}").unwrap();
    }

    /// Puts a file into its data folder, for the server's eyes alone.
    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.data().join(name);
        fs::write(&path, text).unwrap();
        run(Command::new("chmod").arg("600").arg(&path));
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&path));
        }
    }

    fn pg_ctl(&self) -> Command {
        let mut command = self.program("pg_ctl");
        command.arg("-D").arg(self.data());
        command
            .arg("-l")
            .arg(self.folder.path().join("log"))
            .arg("-w");
        command
    }

    pub(crate) fn start(&self) {
        run(self.pg_ctl().arg("start"));
    }

    /// Stops it as a crash does.
    pub(crate) fn crash(&self) {
        run(self.pg_ctl().args(["stop", "-m", "immediate"]));
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn program(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command
                .args([
                    "--reuid",
                    "postgres",
                    "--regid",
                    "postgres",
                    "--init-groups",
                    "--",
                ])
                .arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may be down already.
        drop(self.pg_ctl().args(["stop", "-m", "immediate"]).output());
    }
}

/// The programs of the newest version.
fn newest() -> PathBuf {
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    fs::read_dir(LIB)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("bin/initdb").is_file())
        .max_by_key(|path| number(path))
        .expect("no server in /usr/lib/postgresql: install postgresql, or set POSTGRES_BIN")
        .join("bin")
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_crashes_and_comes_back_has_what_it_acknowledged() {
    let cluster = Cluster::new();
    cluster.start();
    let scratch = Scratch::on(cluster.url());
    let options = PostgresOptions {
        patience: Duration::from_millis(500),
        ..scratch.options()
    };
    let store = scratch.open_by(&scratch.url, options).await;
    for n in 0..50 {
        let number = format!("order-{n:02}");
        store.create(create(&number)).await.unwrap();
        let paid = mark_paid(&number, &number, &format!("t-{number}"));
        store.mark_paid(paid).await.unwrap();
    }
    cluster.crash();
    let error = store.create(create("order-away")).await.unwrap_err();
    assert!(
        matches!(
            error,
            ExecuteError::Store(StoreError::Unavailable { .. } | StoreError::NoAnswer)
        ),
        "{error:?}"
    );
    assert!(matches!(store.health(), Health::Away { .. }));
    let error = store.get(&key("order-00")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");

    cluster.start();
    timeout(LIMIT, async {
        while store.create(create("order-back")).await.is_err() {}
        while store.health() != Health::Writable {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let paid = mark_paid("order-07", "order-07", "t-order-07");
    assert_eq!(
        store.mark_paid(paid).await.unwrap().outcome,
        Outcome::AlreadyApplied
    );
    scratch.assert_each_paid_once(50).await;
    assert_eq!(scratch.outbox().await, 100);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_server_that_does_not_sync_is_refused() {
    let cluster = Cluster::new();
    cluster.set("fsync = off");
    cluster.start();
    let scratch = Scratch::on(cluster.url());
    let url = scratch.url.parse().unwrap();
    let refused = PostgresStore::open(&url, scratch.options()).await;
    assert!(
        matches!(refused, Err(StoreError::Unsafe { .. })),
        "{refused:?}"
    );
}

/// A role or database may have `synchronous_commit` off; a ledger's connections have it on all the same.
#[tokio::test]
async fn commits_are_synced_whatever_the_server_prefers() {
    let cluster = Cluster::new();
    cluster.set("synchronous_commit = off\nlog_statement = all");
    cluster.start();
    let scratch = Scratch::on(cluster.url());
    let store = scratch.open().await;
    store.create(create("order-1")).await.unwrap();
    store.close().await.unwrap();
    cluster.crash();
    cluster.start();
    let count = "SELECT count(*) FROM {s}.orders";
    assert_eq!(scratch.number(count).await, 1);
    let log = fs::read_to_string(cluster.folder.path().join("log")).unwrap();
    assert!(log.contains("SET synchronous_commit TO on"));
}
