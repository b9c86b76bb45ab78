//! `reconcile`, `totals` and `compact`: the ledger's books against the gateway's, and its files made small.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{Paydesk, binary};
use tempfile::TempDir;

fn operate(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = binary()
        .args(arguments)
        .args(["--store", &format!("sled:{}", folder.display())])
        // No gateway is there to ask.
        .args(["--gateway", "sim=127.0.0.1:1"])
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

const HEAD: &str = "交易时间,公众账号ID,商户号,微信订单号,商户订单号,交易类型,交易状态,付款银行,货币种类,订单金额,商品名称\r\n";

fn row(transaction_id: &str, number: &str, yuan: &str) -> String {
    format!(
        "`2026-01-02 12:00:00,`wx00000000000051a0,`1900000051,`{transaction_id},`{number},`NATIVE,`SUCCESS,`OTHERS,`CNY,`{yuan},`tea\r\n"
    )
}

fn bill(rows: &[String]) -> String {
    format!("{HEAD}{}总交易单数\r\n`{}\r\n", rows.concat(), rows.len())
}

/// A desk whose clock stands at noon in Beijing, so that no payment is near midnight.
async fn at_noon() -> Paydesk {
    let desk = Paydesk::start_with(|command| {
        command.env("PAYDESK_CLOCK", "sim");
    });
    let clock = desk.sim_get("/sim/clock").await;
    let second_of_day =
        (clock["now_unix_ms"].as_i64().unwrap() / 1000 + 8 * 3600).rem_euclid(86_400);
    let to_noon = (12 * 3600 - second_of_day).rem_euclid(86_400);
    desk.sim("/sim/clock", &json!({"advance_s": to_noon})).await;
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_is_held_against_the_ledger_row_by_row() {
    let mut desk = at_noon().await;
    let mut paid = Vec::new();
    for number in ["BOOKS0001", "BOOKS0002"] {
        desk.order(number, 100).await;
        desk.code_url(number, 100).await;
        desk.sim("/sim/pay", &json!({"out_trade_no": number})).await;
        desk.wait_for_state(number, "paid").await;
        let (_, order) = desk.get(&format!("/api/orders/{number}")).await;
        paid.push(order);
    }
    let day = paid[0]["paid_at"].as_str().unwrap()[..10].to_owned();
    let id = |n: usize| paid[n]["transaction_id"].as_str().unwrap();
    let (one, two) = (
        row(id(0), "BOOKS0001", "1.00"),
        row(id(1), "BOOKS0002", "1.00"),
    );
    let unknown = row("4200000000000000000000000001", "BOOKS9999", "1.00");
    let dearer = row(id(1), "BOOKS0002", "1.01");
    let keep = TempDir::new().unwrap();
    let file = keep.path().join("bill.csv");
    let path = file.to_str().unwrap();
    let whole = bill(&[one.clone(), two.clone()]);
    let folder = desk.folder.clone();
    let reconcile = |text: &str, exit: i32, kinds: &[&str], when: &str| {
        std::fs::write(&file, text).unwrap();
        let arguments = ["reconcile", "--date", &day, "--bill", path, "--json"];
        let (code, out, err) = operate(&folder, &arguments);
        assert_eq!(code, Some(exit), "{when}: {out}{err}");
        if exit == 2 {
            return;
        }
        let found: Value = serde_json::from_str(&out).unwrap();
        let differences = found["differences"].as_array().unwrap();
        let told: Vec<_> = differences
            .iter()
            .map(|each| each["kind"].as_str().unwrap())
            .collect();
        assert_eq!(told, kinds, "{when}: {found}");
    };
    let look = |when: &str| {
        reconcile(&whole, 0, &[], when);
        reconcile(
            &bill(std::slice::from_ref(&one)),
            1,
            &["missing_there"],
            when,
        );
        let more = bill(&[one.clone(), two.clone(), unknown.clone()]);
        reconcile(&more, 1, &["missing_here"], when);
        reconcile(&bill(&[one.clone(), dearer.clone()]), 1, &["amount"], when);
        let twice = bill(&[one.clone(), two.clone(), two.clone()]);
        reconcile(&twice, 1, &["twice"], when);
        // Without its line of sums it may be a part of one.
        reconcile(&format!("{HEAD}{one}{two}"), 2, &[], when);
        let (code, out, _) = operate(&folder, &["totals", "--from", &day, "--json"]);
        assert_eq!(code, Some(0), "{when}");
        let totals: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(totals[0]["payments"], 2, "{when}: {out}");
        assert_eq!(totals[0]["paid"], 200, "{when}: {out}");
    };
    look("beside the running desk");
    let (code, _, err) = operate(&folder, &["compact"]);
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("a desk runs on"), "{err}");
    assert_eq!(desk.interrupt(), Some(0));
    look("without a desk");

    let (code, out, err) = operate(&folder, &["compact"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains(" records; "), "{out}");
    look("after the compaction");
    let missing = ["reconcile", "--date", &day, "--bill", "/nonexistent"];
    for (arguments, option) in [
        (&missing[..], "--bill"),
        (&["reconcile", "--date", "yesterday"], "--date"),
        (&["reconcile", "--date", &day], "downloaded"),
        (&["totals", "--from", "20190320"], "--from"),
        (
            &["compact", "--store", "postgres://localhost/pay"],
            "--store",
        ),
    ] {
        let mut command = binary();
        command
            .args(arguments)
            .args(["--gateway", "sim=127.0.0.1:1"]);
        if !arguments.contains(&"--store") {
            command.args(["--store", &format!("sled:{}", folder.display())]);
        }
        let output = command.output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {err}");
        assert!(err.contains(option), "{arguments:?}: {err}");
    }
}
