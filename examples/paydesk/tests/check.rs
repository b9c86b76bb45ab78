//! `check`: what it says of a sound ledger beside a desk that takes payments, and of a damaged one.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{fs, path::Path};

use serde_json::{Value, json};
use support::{Paydesk, binary};
use tempfile::TempDir;

/// `check`: its exit code and its answer.
fn check(folder: &Path) -> (Option<i32>, Value) {
    let output = binary()
        .args(["check", "--json", "--store"])
        .arg(format!("sled:{}", folder.display()))
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    // No terminal: nothing is drawn.
    assert_eq!(err, "");
    let answer = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code(), answer)
}

async fn paid(desk: &Paydesk, out_trade_no: &str) {
    desk.order(out_trade_no, 1).await;
    desk.code_url(out_trade_no, 1).await;
    desk.sim("/sim/pay", &json!({"out_trade_no": out_trade_no}))
        .await;
    desk.wait_for_state(out_trade_no, "paid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_ledger_has_no_fault_while_a_desk_takes_payments() {
    let desk = Paydesk::start();
    paid(&desk, "SOUND0000").await;
    let folder = desk.folder.clone();
    let ((), checked) = tokio::join!(
        async {
            for n in 1..=20 {
                paid(&desk, &format!("SOUND{n:04}")).await;
            }
        },
        tokio::task::spawn_blocking(move || {
            for _ in 0..20 {
                let (code, answer) = check(&folder);
                assert_eq!(code, Some(0), "{answer}");
                assert_eq!(answer["faults"], json!([]), "{answer}");
            }
        })
    );
    checked.unwrap();
    let (code, answer) = check(&desk.folder);
    assert_eq!(code, Some(0), "{answer}");
    assert_eq!(answer["orders"], 21, "{answer}");
    assert_eq!(answer["unsettled"], json!([]), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_old_again_is_a_fault_and_is_named() {
    let keep = TempDir::new().unwrap();
    let folder = keep.path().join("ledger");
    let mut desk = Paydesk::start_in(&folder, |_| {});
    paid(&desk, "OLD0001").await;
    assert_eq!(desk.interrupt(), Some(0));
    let (code, answer) = check(&folder);
    assert_eq!((code, &answer["found"]), (Some(0), &json!(0)), "{answer}");
    let old = fs::read(folder.join("db")).unwrap();
    let mut desk = Paydesk::start_in(&folder, |_| {});
    paid(&desk, "OLD0002").await;
    assert_eq!(desk.interrupt(), Some(0));
    fs::write(folder.join("db"), old).unwrap();

    let (code, answer) = check(&folder);
    assert_eq!((code, &answer["found"]), (Some(1), &json!(1)), "{answer}");
    let fault = answer["faults"][0]["fault"].as_str().unwrap();
    assert!(fault.contains("the ledger is not whole"), "{fault}");
    let output = binary()
        .args(["check", "--store"])
        .arg(format!("sled:{}", folder.display()))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("FAULT") && text.contains(fault), "{text}");
}
