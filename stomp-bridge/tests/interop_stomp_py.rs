//! stomp.py, as programs use it, on the embedded broker and on RabbitMQ, in each version. `cargo xtask test` installs it
//! into a virtual environment of its own.
#![allow(clippy::unwrap_used)]

mod common;

use common::config;
use std::process::{Command, Stdio};
use stomp_bridge::broker::{Broker, BrokerLimits};
use tokio::net::TcpListener;

/// What the script says of each thing that worked.
const DONE: [&str; 9] = [
    "receipts_and_bodies",
    "headers",
    "auto",
    "client_mode",
    "client_individual",
    "transactions",
    "unsubscribe",
    "error",
    "wrong_passcode",
];
/// What 1.0 has not.
const DONE_SINCE_1_1: [&str; 2] = ["nack", "beats"];

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: `cargo xtask test` installs and starts what these tests need")
    })
}

/// The script's exit and what it printed.
fn run(address: &str, login: &str, passcode: &str, version: &str) {
    let (host, port) = address.rsplit_once(':').unwrap();
    let output = Command::new(variable("STOMP_PY_PYTHON"))
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/interop/stomp_py.py"
        ))
        .args([host, port, login, passcode, version])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{version}: {stdout}{stderr}");
    let mut wanted = DONE.to_vec();
    if version != "1.0" {
        wanted.extend(DONE_SINCE_1_1);
    }
    assert_eq!(stdout.lines().collect::<Vec<_>>(), wanted, "{stderr}");
}

async fn on_the_embedded_broker(version: &'static str) {
    let broker = Broker::new(config(BrokerLimits::default())).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = tokio::spawn(broker.serve_tcp(listener));
    tokio::task::spawn_blocking(move || run(&address, "root", "r", version))
        .await
        .unwrap();
    assert_eq!(broker.shutdown(common::SOON).await, 0);
    serving.await.unwrap();
}

fn on_rabbitmq(version: &str) {
    let authority = |name: &str| {
        let url = variable(name);
        let (account, address) = url.split("://").nth(1).unwrap().split_once('@').unwrap();
        (account.to_owned(), address.trim_end_matches('/').to_owned())
    };
    let (_, address) = authority("RABBITMQ_STOMP_URL");
    let (account, _) = authority("RABBITMQ_ADMIN_URL");
    let (login, passcode) = account.split_once(':').unwrap();
    run(&address, login, passcode, version);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_broker_in_1_0() {
    on_the_embedded_broker("1.0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_broker_in_1_1() {
    on_the_embedded_broker("1.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_broker_in_1_2() {
    on_the_embedded_broker("1.2").await;
}

#[test]
fn rabbitmq_in_1_0() {
    on_rabbitmq("1.0");
}

#[test]
fn rabbitmq_in_1_1() {
    on_rabbitmq("1.1");
}

#[test]
fn rabbitmq_in_1_2() {
    on_rabbitmq("1.2");
}
