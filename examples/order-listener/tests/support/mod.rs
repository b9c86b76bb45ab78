//! The listener as a process, and the broker that feeds it.
#![allow(dead_code, clippy::unwrap_used, missing_docs, unreachable_pub)]

pub mod broker;
pub mod desk;

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use order_store::{LogEntry, OrderKey, OrderStore, SledOptions, SledStore, What};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

pub const MCH_ID: &str = "1900000051";
/// In every URL of the tests, and to be seen nowhere.
pub const PASSCODE: &str = "s3cret-passcode";
/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

pub fn binary(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_order-listener"));
    for (name, _) in std::env::vars() {
        let ours = ["ORDER_LISTENER_", "WXPAY_", "PAYDESK_"];
        if ours.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
        .env("WXPAY_MCH_ID", MCH_ID)
        .env("WXPAY_APPID", "wx00000000000051a0")
        .env("ORDER_LISTENER_DATA", data)
        .env("RUST_LOG", "trace")
        .stdin(Stdio::null());
    command
}

/// Runs a command that ends by itself.
pub fn run(command: &mut Command, stdin: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).ok();
    let output = child.wait_with_output().unwrap();
    let printed = format!("{output:?}");
    assert!(!printed.contains(PASSCODE), "{printed}");
    output
}

/// Takes orders in; gives the summary.
pub fn import(data: &Path, orders: &str) -> String {
    let output = run(binary(data).arg("import"), orders);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The lines of JSON of `orders` or `parked list`.
pub fn lines_of(data: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = run(binary(data).args(arguments), "");
    assert_ne!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

pub fn parked_codes(data: &Path) -> Vec<String> {
    let parked = lines_of(data, &["parked", "list"]);
    let code = |line: &Value| line["code"].as_str().unwrap().to_owned();
    parked.iter().map(code).collect()
}

/// The log of an order, of a listener that has ended.
pub async fn log(data: &Path, number: &str) -> Vec<LogEntry> {
    let store = SledStore::open(data.join("ledger"), SledOptions::default()).unwrap();
    let key = OrderKey {
        mch_id: MCH_ID.parse().unwrap(),
        out_trade_no: number.parse().unwrap(),
    };
    let log = store.log(&key).await.unwrap();
    store.close().await.unwrap();
    log
}

pub fn paid_rows(log: &[LogEntry]) -> usize {
    log.iter()
        .filter(|row| matches!(row.what, What::Paid { .. }))
        .count()
}

/// A running listener; it is killed when dropped.
pub struct Listener {
    child: Child,
    pub data: PathBuf,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

/// The lines of a pipe, read by a thread so that the pipe never fills.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

impl Listener {
    /// Starts, and waits until it listens.
    pub fn start(data: &Path, url: &str, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = binary(data);
        // One after the other, so that a later message shows that an earlier one is done with.
        command
            .env("ORDER_LISTENER_BROKER", url)
            .env("ORDER_LISTENER_PREFETCH", "1");
        change(&mut command);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        let listener = Self {
            child,
            data: data.to_owned(),
            stdout,
            stderr,
        };
        listener.wait_for_log("listening");
        listener
    }

    pub fn wait_for_log(&self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.stderr.recv_timeout(left) {
                Ok(line) => {
                    assert!(!line.contains(PASSCODE), "{line}");
                    if line.contains(words) {
                        return line;
                    }
                    seen.push(line);
                }
                Err(error) => panic!("{words:?} did not come ({error}): {seen:#?}"),
            }
        }
    }

    /// The next order that it hands on.
    pub fn next_paid(&self) -> Value {
        let line = self.stdout.recv_timeout(PATIENCE);
        serde_json::from_str(&line.expect("a paid order in time")).unwrap()
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ctrl-C; gives the exit code, and what it handed on that nobody asked for yet.
    pub fn interrupt(mut self) -> (Option<i32>, Vec<Value>) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let code = self.child.wait().unwrap().code();
        let rest = self.stdout.iter();
        (
            code,
            rest.map(|l| serde_json::from_str(&l).unwrap()).collect(),
        )
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
