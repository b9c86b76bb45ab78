//! The command, and peers that do what a test tells them to.
#![allow(dead_code, clippy::unwrap_used, missing_docs, unreachable_pub)]

pub mod embedded;
pub mod peer;
pub mod rabbitmq;

use std::{
    io::{ErrorKind, Write},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// In every URL of the tests, and to be seen nowhere.
pub const PASSCODE: &str = "s3cret-passcode";

pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stomp-bridge"));
    for (name, _) in std::env::vars() {
        if name.starts_with("STOMP_") {
            command.env_remove(name);
        }
    }
    command
}

/// How a run ended, its outputs as text.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    pub fn new(output: Output) -> Self {
        let ended = Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ended.out.contains(PASSCODE), "{ended:?}");
        assert!(!ended.err.contains(PASSCODE), "{ended:?}");
        ended
    }

    /// The standard output as lines of JSON.
    pub fn json(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines.map(|l| serde_json::from_str(l).unwrap()).collect()
    }
}

pub fn run(arguments: &[&str]) -> Ended {
    run_with(binary().args(arguments), b"")
}

/// Blocks: the peers of a test live on threads of their own.
pub fn run_with(command: &mut Command, stdin: &[u8]) -> Ended {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let written = child.stdin.take().unwrap().write_all(stdin);
    // A command that refuses its arguments may end before it reads.
    assert!(written.map_or_else(|error| error.kind() == ErrorKind::BrokenPipe, |()| true));
    Ended::new(child.wait_with_output().unwrap())
}

/// Runs a blocking test body beside the runtime that serves its broker.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}
