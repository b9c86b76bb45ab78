//! `export` and `import`: a ledger out of one store and into another, whole or not at all.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    io::Write,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::Value;
use support::{
    Paydesk, binary,
    recorded::{self, OUT_TRADE_NO, SUCCESS},
};
use tempfile::TempDir;

fn run(arguments: &[&str], store: &str, stdin: &[u8]) -> Output {
    let mut child = binary()
        .args(arguments)
        .args(["--store", store])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses ends before it reads.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}

fn export(store: &str) -> Vec<u8> {
    let output = run(&["export"], store, b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    output.stdout
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn sled(path: &Path) -> String {
    format!("sled:{}", path.display())
}

fn refused(output: &Output, why: &str) {
    assert_eq!(output.status.code(), Some(2), "{}", stderr(output));
    assert!(stderr(output).contains(why), "{}", stderr(output));
}

/// A desk with a paid order and an unpaid one.
async fn desk() -> Paydesk {
    let desk = Paydesk::start_with(recorded::merchant);
    recorded::paid_at_the_gateway(&desk).await;
    let answer = desk.notify("/wxpay/notify", &recorded::notify()).await;
    assert_eq!(answer, SUCCESS);
    desk.order("TRANSFER0001", 7).await;
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_moves_to_another_folder_and_serves_there() {
    let mut desk = desk().await;
    let store = sled(&desk.folder);
    let beside = export(&store);
    assert_eq!(desk.interrupt(), Some(0));
    let dump = export(&store);
    let orders = |dump: &[u8]| {
        let lines = dump
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty());
        let records = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
        records.filter(|record| record["record"] == "order").count()
    };
    assert_eq!(orders(&beside), 2, "beside the running desk");
    assert_eq!(orders(&dump), 2, "without a desk");

    let other = TempDir::new().unwrap();
    let folder = other.path().join("ledger");
    let loaded = run(&["import"], &sled(&folder), &dump);
    assert_eq!(loaded.status.code(), Some(0), "{}", stderr(&loaded));
    assert!(stderr(&loaded).contains("2 orders"), "{}", stderr(&loaded));
    assert_eq!(export(&sled(&folder)), dump);

    refused(&run(&["import"], &sled(&folder), &dump), "not empty");
    let again = run(&["import", "--resume"], &sled(&folder), &dump);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert_eq!(export(&sled(&folder)), dump);

    let moved = Paydesk::start_in(&folder, recorded::merchant);
    assert_eq!(moved.state(OUT_TRADE_NO).await, "paid");
    assert_eq!(moved.state("TRANSFER0001").await, "unpaid");
    refused(&run(&["import"], &sled(&folder), &dump), "a desk runs on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_was_cut_off_or_changed_is_refused() {
    let mut desk = desk().await;
    assert_eq!(desk.interrupt(), Some(0));
    let dump = export(&sled(&desk.folder));
    let lines: Vec<_> = dump.split_inclusive(|&byte| byte == b'\n').collect();
    let cut = lines[..lines.len() - 1].concat();
    let missing = [&lines[..1], &lines[2..]].concat().concat();
    for (bad, why) in [
        (cut, "cut off"),
        (missing, "they were changed"),
        (
            b"{\"record\":\"ledger\",\"version\":99}\n".to_vec(),
            "format 99",
        ),
        (b"no dump\n".to_vec(), "line 1"),
    ] {
        let folder = TempDir::new().unwrap();
        refused(
            &run(&["import"], &sled(&folder.path().join("ledger")), &bad),
            why,
        );
    }
    refused(&run(&["export"], "sled:/nonexistent", b""), "--store");
}
