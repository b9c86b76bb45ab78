//! Refunds from the API to the gateway and back: told by a notify, found by the sweeper, finished after a crash.
#![allow(clippy::unwrap_used, missing_docs)]
// The fault points are compiled into debug builds only.
#![cfg(debug_assertions)]

mod support;

use std::{path::Path, process::Command};

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::{Paydesk, binary, paid_rows, until};

const TOKEN: &str = "a-token-of-the-tests";

fn follows_the_simulator(command: &mut Command) {
    command.env("PAYDESK_CLOCK", "sim");
}

/// A paid order of 10 fen.
async fn paid(desk: &Paydesk, number: &str) {
    let order = desk.order(number, 10).await;
    let page = order["pay_page"].as_str().unwrap();
    let ticket = page.split("t=").nth(1).unwrap();
    let path = format!("/wxpay/nativePay?orderId={number}&money=10&t={ticket}");
    assert_eq!(desk.get(&path).await.1["code"], 20000);
    desk.sim("/sim/pay", &json!({"out_trade_no": number})).await;
    wait_for(desk, number, "paid").await;
}

async fn wait_for(desk: &Paydesk, number: &str, state: &str) -> Value {
    desk.wait_for_order(number, |order| order["state"] == state)
        .await
}

async fn refund(desk: &Paydesk, number: &str, body: Value) -> (StatusCode, Value) {
    desk.post(&format!("/api/orders/{number}/refunds"), &body)
        .await
}

/// What the gateway has of an order's refunds.
async fn at_the_gateway(desk: &Paydesk, number: &str) -> Vec<Value> {
    let path = format!("/sim/orders?out_trade_no={number}");
    let orders = desk.sim_get(&path).await;
    orders[0]["refunds"].as_array().unwrap().clone()
}

fn rows(log: &[Value], what: &str) -> usize {
    let says = |row: &&Value| row["what"].as_str().unwrap().contains(what);
    log.iter().filter(says).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_goes_out_is_told_and_shows_everywhere() {
    let desk = Paydesk::start();
    paid(&desk, "BACK0001").await;
    let asked = json!({"out_refund_no": "BACK0001-R1", "refund_fee": 10, "reason": "冷了"});
    let (status, order) = refund(&desk, "BACK0001", asked.clone()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{order}");
    assert_eq!(order["state"], "refunding");
    let (status, again) = refund(&desk, "BACK0001", asked).await;
    assert_eq!(status, StatusCode::OK, "{again}");
    let other = json!({"out_refund_no": "BACK0001-R1", "refund_fee": 9, "reason": "冷了"});
    let (status, problem) = refund(&desk, "BACK0001", other).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("other_refund"))
    );
    // The gateway tells when the money has arrived.
    let order = wait_for(&desk, "BACK0001", "refunded").await;
    assert_eq!(order["refunded_fee"], 10);
    let gateway = at_the_gateway(&desk, "BACK0001").await;
    assert_eq!(gateway.len(), 1);
    assert_eq!(order["refunds"][0]["refund_id"], gateway[0]["refund_id"]);
    let log = desk.log("BACK0001").await;
    let passed: Vec<_> = log.iter().map(|row| row["to"].as_str().unwrap()).collect();
    assert_eq!(
        passed[passed.len() - 3..],
        ["refunding", "refunding", "refunded"]
    );
    assert_eq!(log.last().unwrap()["by"], "notify");
    assert_eq!(paid_rows(&log), 1);

    let store = format!("sled:{}", desk.folder.display());
    let operate = |arguments: &[&str]| {
        let output = binary()
            .args(arguments)
            .args(["--store", &store])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let list: Value = serde_json::from_str(&operate(&["refunds", "BACK0001", "--json"])).unwrap();
    assert_eq!(list[0]["state"], "success");
    assert!(operate(&["refunds"]).contains("BACK0001-R1"));
    assert!(!operate(&["refunds", "--state", "processing"]).contains("BACK0001-R1"));
    operate(&["check"]);
    // The refund's notify is in the inbox, and again does nothing.
    let notifies: Value = serde_json::from_str(&operate(&["notifies", "list", "--json"])).unwrap();
    let id = notifies[0]["id"].as_str().unwrap();
    assert!(operate(&["notifies", "replay", id]).contains("already_applied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ledger_does_not_allow_is_refused_before_the_gateway_is_asked() {
    let desk = Paydesk::start_with(follows_the_simulator);
    desk.order("BACK0002", 10).await;
    let ask =
        |fee: u64, n: u32| json!({"out_refund_no": format!("BACK0002-R{n}"), "refund_fee": fee});
    let code = |(status, problem): (StatusCode, Value)| (status.as_u16(), problem["code"].clone());
    let unpaid = refund(&desk, "BACK0002", ask(1, 1)).await;
    assert_eq!(code(unpaid), (409, json!("not_paid")));
    let unknown = refund(&desk, "BACK9999", ask(1, 1)).await;
    assert_eq!(code(unknown), (404, json!("unknown_order")));
    desk.code_url("BACK0002", 10).await;
    desk.sim("/sim/pay", &json!({"out_trade_no": "BACK0002"}))
        .await;
    wait_for(&desk, "BACK0002", "paid").await;
    for (body, expected) in [
        (ask(11, 1), (409, json!("refund_exceeds"))),
        (ask(0, 1), (400, json!("invalid_field"))),
        (
            json!({"out_refund_no": "a b", "refund_fee": 1}),
            (400, json!("invalid_field")),
        ),
        (json!({"refund_fee": 1}), (400, json!("invalid_json"))),
    ] {
        assert_eq!(code(refund(&desk, "BACK0002", body).await), expected);
    }
    assert_eq!(
        refund(&desk, "BACK0002", ask(4, 1)).await.0,
        StatusCode::ACCEPTED
    );
    assert_eq!(
        code(refund(&desk, "BACK0002", ask(4, 2)).await),
        (409, json!("refund_too_soon"))
    );
    desk.sim("/sim/clock", &json!({"advance_s": 61})).await;
    let order = wait_for(&desk, "BACK0002", "paid").await;
    assert_eq!(order["refunded_fee"], 4, "part of it went back");
    assert_eq!(
        code(refund(&desk, "BACK0002", ask(7, 2)).await),
        (409, json!("refund_exceeds"))
    );
    assert_eq!(
        refund(&desk, "BACK0002", ask(6, 2)).await.0,
        StatusCode::ACCEPTED
    );
    desk.sim("/sim/clock", &json!({"advance_s": 10})).await;
    wait_for(&desk, "BACK0002", "refunded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_gateway_and_a_lost_notify_are_made_good_by_the_sweeper() {
    let desk = Paydesk::start_with(follows_the_simulator);
    paid(&desk, "BACK0003").await;
    desk.sim(
        "/sim/faults",
        &json!({"refund": "http_500", "notify": "lost"}),
    )
    .await;
    let asked = json!({"out_refund_no": "BACK0003-R1", "refund_fee": 10});
    let (status, order) = refund(&desk, "BACK0003", asked).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{order}");
    assert_eq!(order["refunds"][0]["refund_id"], Value::Null);
    assert!(at_the_gateway(&desk, "BACK0003").await.is_empty());
    desk.sim("/sim/faults", &json!({"refund": "off"})).await;
    desk.sim("/sim/clock", &json!({"advance_s": 60})).await;
    // Sent again under its number; the end is found by the query, since no notify comes.
    until(
        async || at_the_gateway(&desk, "BACK0003").await,
        |refunds| !refunds.is_empty(),
    )
    .await;
    desk.sim("/sim/clock", &json!({"advance_s": 300})).await;
    wait_for(&desk, "BACK0003", "refunded").await;
    assert_eq!(at_the_gateway(&desk, "BACK0003").await.len(), 1);
    let log = desk.log("BACK0003").await;
    assert_eq!(log.last().unwrap()["by"], "sweeper");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_refund_notify_moves_nothing() {
    let desk = Paydesk::start();
    paid(&desk, "BACK0004").await;
    for forged in [
        &b"<xml><return_code>SUCCESS</return_code><appid>wx00000000000051a0</appid><mch_id>1900000051</mch_id><req_info>AAAA</req_info></xml>"[..],
        b"<xml><out_trade_no>BACK0004</out_trade_no></xml>",
        b"nonsense",
    ] {
        let answer = desk.notify("/wxpay/refund_notify", forged).await;
        assert!(answer.contains("FAIL"), "{answer}");
    }
    wait_for(&desk, "BACK0004", "paid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate_nothing_is_begun_that_the_gateway_would_not_take() {
    let host = Paydesk::start();
    let keep = tempfile::TempDir::new().unwrap();
    let desk = beside(&host, &keep.path().join("ledger"), |command| {
        command.env("PAYDESK_GATEWAY", "https://127.0.0.1:1/");
    });
    desk.order("BACK0005", 10).await;
    let asked = json!({"out_refund_no": "BACK0005-R1", "refund_fee": 10});
    let (status, problem) = refund(&desk, "BACK0005", asked).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert_eq!(problem["code"], "no_certificate");
}

/// A desk whose gateway outlives it.
fn beside(host: &Paydesk, folder: &Path, change: impl FnOnce(&mut Command)) -> Paydesk {
    let mut desk = Paydesk::start_in(folder, |command| {
        command
            .env("PAYDESK_GATEWAY", &host.phone)
            .env("PAYDESK_API_TOKEN", TOKEN)
            .env("PAYDESK_ADMIN_TOKEN", TOKEN)
            .env("WXPAY_APPID", wxpay_sim::TEST_APPID)
            .env("WXPAY_MCH_ID", wxpay_sim::TEST_MCH_ID)
            .env("WXPAY_API_KEY", wxpay_sim::TEST_API_KEY);
        change(command);
    });
    desk.http = support::http_with_token(TOKEN);
    desk.phone.clone_from(&host.phone);
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_a_crash_cut_off_is_finished_once() {
    let host = Paydesk::start();
    for (point, number) in [
        ("before_refund", "CRASH0001"),
        ("after_refund", "CRASH0002"),
    ] {
        let keep = tempfile::TempDir::new().unwrap();
        let folder = keep.path().join("ledger");
        let desk = beside(&host, &folder, |command| {
            command.env("PAYDESK_FAULT_POINT", point);
        });
        paid(&desk, number).await;
        let (http, url) = (
            desk.http.clone(),
            format!("{}/api/orders/{number}/refunds", desk.url),
        );
        let body = json!({"out_refund_no": format!("{number}-R1"), "refund_fee": 10});
        let asking = tokio::spawn(async move { http.post(url).json(&body).send().await });
        desk.wait_for_log(&format!("fault point reached: {point}"));
        desk.kill();
        assert!(asking.await.unwrap().is_err(), "nobody was answered");
        let sent = at_the_gateway(&host, number).await.len();
        assert_eq!(sent, usize::from(point == "after_refund"));

        let desk = beside(&host, &folder, |_| {});
        wait_for(&desk, number, "refunded").await;
        assert_eq!(at_the_gateway(&host, number).await.len(), 1);
        let log = desk.log(number).await;
        for what in ["fen begun", "took refund", "succeeded"] {
            assert_eq!(rows(&log, what), 1, "{what}: {log:?}");
        }
        assert_eq!(paid_rows(&log), 1);
    }
}
