//! What the sweeper finds: payments whose notify never came, payments taken on a notify alone, and orders that expired.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use serde_json::json;
use support::{Paydesk, paid_rows};

fn follows_the_simulator(command: &mut std::process::Command) {
    command.env("PAYDESK_CLOCK", "sim");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_notify_never_came_is_found_by_the_query() {
    let desk = Paydesk::start_with(follows_the_simulator);
    desk.order("SWEEP0001", 101).await;
    desk.code_url("SWEEP0001", 101).await;
    desk.sim(
        "/sim/pay",
        &json!({"out_trade_no": "SWEEP0001", "notify": false}),
    )
    .await;
    assert_eq!(desk.state("SWEEP0001").await, "unpaid");
    desk.sim("/sim/clock", &json!({"advance_s": 120})).await;
    desk.wait_for_state("SWEEP0001", "paid").await;
    let log = desk.log("SWEEP0001").await;
    assert_eq!(paid_rows(&log), 1);
    let row = log.iter().find(|row| row["to"] == "paid").unwrap();
    assert_eq!(row["by"], "sweeper");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_order_is_closed_at_the_gateway_and_here() {
    let desk = Paydesk::start_with(follows_the_simulator);
    desk.order("SWEEP0002", 5).await;
    let code_url = desk.code_url("SWEEP0002", 5).await;
    desk.sim("/sim/clock", &json!({"advance_s": 1900})).await;
    desk.wait_for_state("SWEEP0002", "closed").await;
    // At the gateway too: nobody can pay it any more.
    let answer = desk
        .http
        .post(format!("{}/sim/pay", desk.phone))
        .json(&json!({"code_url": code_url}))
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_client_error(), "{}", answer.status());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_query_makes_the_notify_proof_until_the_sweeper_confirms_it() {
    let desk = Paydesk::start_with(follows_the_simulator);
    desk.order("SWEEP0003", 7).await;
    desk.code_url("SWEEP0003", 7).await;
    desk.sim("/sim/faults", &json!({"orderquery": "http_500"}))
        .await;
    desk.sim("/sim/pay", &json!({"out_trade_no": "SWEEP0003"}))
        .await;
    desk.wait_for_state("SWEEP0003", "paid").await;
    let (_, order) = desk.get("/api/orders/SWEEP0003").await;
    assert_eq!(order["confirmed"], false, "{order}");
    desk.sim("/sim/faults", &json!({"orderquery": "off"})).await;
    desk.sim("/sim/clock", &json!({"advance_s": 120})).await;
    desk.wait_for_order("SWEEP0003", |order| order["confirmed"] == true)
        .await;
    assert_eq!(paid_rows(&desk.log("SWEEP0003").await), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_strict_confirmation_a_silent_query_refuses_the_notify() {
    let desk = Paydesk::start_with(|command| {
        command.env("PAYDESK_CONFIRM", "strict");
    });
    desk.order("SWEEP0004", 7).await;
    desk.code_url("SWEEP0004", 7).await;
    desk.sim("/sim/faults", &json!({"orderquery": "http_500"}))
        .await;
    desk.sim("/sim/pay", &json!({"out_trade_no": "SWEEP0004"}))
        .await;
    desk.wait_for_log("notify refused");
    assert_eq!(desk.state("SWEEP0004").await, "unpaid");
    // The gateway comes again after 15 s, and finds the query answered.
    desk.sim("/sim/faults", &json!({"orderquery": "off"})).await;
    desk.sim("/sim/clock", &json!({"advance_s": 20})).await;
    desk.wait_for_state("SWEEP0004", "paid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_order_is_closed_and_a_late_payment_is_not_forgotten() {
    let desk = Paydesk::start_with(follows_the_simulator);
    desk.order("SWEEP0005", 9).await;
    desk.code_url("SWEEP0005", 9).await;
    let (status, answer) = desk.post("/api/orders/SWEEP0005/close", &json!({})).await;
    assert_eq!(status, 202, "{answer}");
    assert_eq!(answer["state"], "closed");
    // Within five minutes of its creation it is closed here only: a payer can still be faster than the gateway's close.
    desk.sim("/sim/pay", &json!({"out_trade_no": "SWEEP0005"}))
        .await;
    desk.wait_for_state("SWEEP0005", "paid").await;
    let (_, order) = desk.get("/api/orders/SWEEP0005").await;
    assert_eq!(order["attention"], json!(["paid_after_close"]));
    assert_eq!(paid_rows(&desk.log("SWEEP0005").await), 1);
}
