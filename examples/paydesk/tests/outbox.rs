//! `outbox list|retry|park`: without a desk and beside a running one.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{
    PASSCODE, Paydesk, binary,
    feed::{self, Feed},
    until,
};
use tempfile::TempDir;

fn operate(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = binary()
        .args(arguments)
        .args(["--store", &format!("sled:{}", folder.display())])
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn list(folder: &Path, exit: i32) -> Value {
    let (code, out, err) = operate(folder, &["outbox", "list", "--json"]);
    assert_eq!(code, Some(exit), "{out}{err}");
    serde_json::from_str(&out).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_set_aside_holds_up_its_order_and_goes_out_when_it_is_retried() {
    let host = Paydesk::start();
    let address = host.url.trim_start_matches("http://").to_owned();
    let keep = TempDir::new().unwrap();
    let folder = keep.path().join("ledger");
    let publishes_to_the_host = |command: &mut std::process::Command| {
        command.env(
            "PAYDESK_BROKER",
            format!("ws://paydesk:{PASSCODE}@{address}/ws"),
        );
    };
    let mut desk = Paydesk::start_in(&folder, publishes_to_the_host);
    drop(host);
    // Nobody takes messages any more.
    desk.order("OUTBOX0001", 1).await;
    desk.code_url("OUTBOX0001", 1).await;
    desk.sim("/sim/pay", &json!({"out_trade_no": "OUTBOX0001"}))
        .await;
    desk.wait_for_state("OUTBOX0001", "paid").await;
    assert_eq!(desk.interrupt(), Some(0));

    let rows = list(&folder, 0);
    let kinds: Vec<_> = rows["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["pay_notify", "order_pay"]);
    let first = rows["rows"][0]["id"].as_str().unwrap();
    let park = ["outbox", "park", first, "--reason", "the page is gone"];
    for _ in 0..2 {
        let (code, out, err) = operate(&folder, &park);
        assert_eq!(code, Some(0), "{err}");
        assert!(out.contains("parked"), "{out}");
    }
    let (code, out, _) = operate(&folder, &["outbox", "list", "--parked"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("the page is gone"), "{out}");
    assert!(!out.contains("order_pay"), "{out}");

    let _host = Paydesk::start_with(|command| {
        command.env("PAYDESK_LISTEN", &address);
    });
    let desk = Paydesk::start_in(&folder, publishes_to_the_host);
    let mut services = Feed::embedded(&format!("http://{address}"), feed::order_pay()).await;
    services.assert_quiet().await;
    assert_eq!(list(&folder, 1)["status"]["parked"], 1);

    let (code, out, err) = operate(&folder, &["outbox", "retry", first]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains(first), "{out}");
    let message = services.next().await;
    let body: Value = serde_json::from_slice(&message.body).unwrap();
    assert_eq!(body["orderId"], "OUTBOX0001");
    until(async || list(&folder, 0), |list| list["rows"] == json!([])).await;
    let (code, out, _) = operate(&folder, &["outbox", "retry", "no-such-row"]);
    assert_eq!(code, Some(1), "{out}");
    let (code, _, err) = operate(&folder, &["outbox", "park", "no-such-row"]);
    assert_eq!(code, Some(2), "{err}");
    assert_eq!(operate(&folder, &["outbox", "retry", "--all"]).0, Some(0));
    drop(desk);
}
