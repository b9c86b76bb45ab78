//! The simulator's own routes: faults, refusals, the page.

use std::time::Duration;

use serde_json::json;
use wxpay_core::{
    NotifyReply, SignType,
    api::{OrderQuery, OrderRef, TradeState},
};

use crate::support::{Desk, Receiver, tea};

#[tokio::test]
async fn faults_come_and_go() {
    let desk = Desk::start(SignType::Md5).await;
    let mut receiver = Receiver::start(vec![NotifyReply::Success.to_xml()]).await;
    let order = tea("T20260101000007", &receiver.url());
    for (fault, status, holds) in [
        ("http_500", 500, "500 Internal Server Error"),
        ("html_404", 404, "404 Not Found"),
        (
            "fail_unsigned",
            200,
            "<return_code><![CDATA[FAIL]]></return_code>",
        ),
    ] {
        desk.post("/sim/faults", &json!({ "unifiedorder": fault }))
            .await;
        let (got, _, answer) = desk.raw("/pay/unifiedorder", desk.prepare(&order)).await;
        assert_eq!(got, status, "{fault}");
        assert!(answer.contains(holds), "{fault}: {answer}");
    }
    assert_eq!(
        desk.get("/sim/orders").await,
        json!([]),
        "a fault has no effect on orders"
    );
    let faults = desk
        .post(
            "/sim/faults",
            &json!({ "unifiedorder": "off", "notify": "duplicate" }),
        )
        .await;
    assert_eq!(
        faults,
        json!({ "unifiedorder": "off", "orderquery": "off", "closeorder": "off", "refund": "off", "refundquery": "off", "notify": "duplicate" })
    );
    desk.call(&order).await.unwrap();
    desk.post("/sim/pay", &json!({ "out_trade_no": "T20260101000007" }))
        .await;
    assert_eq!(receiver.next().await, receiver.next().await);
    assert_eq!(desk.settled("T20260101000007").await["tries"], 1);
    assert_eq!(desk.get("/sim/notifies").await.as_array().unwrap().len(), 2);

    desk.post(
        "/sim/faults",
        &json!({ "orderquery": "silent", "notify": "off" }),
    )
    .await;
    let by = OrderRef::OutTradeNo(order.out_trade_no.clone());
    let silent = desk
        .http
        .post(format!("{}/pay/orderquery", desk.sim.url()))
        .body(desk.prepare(&OrderQuery { by: by.clone() }))
        .timeout(Duration::from_millis(300));
    assert!(silent.send().await.unwrap_err().is_timeout());
    let refused = desk
        .send(
            "/sim/faults",
            "application/json",
            r#"{"orderquery":"slow"}"#.to_owned(),
        )
        .await;
    assert_eq!(refused.0, 422);
    desk.post("/sim/faults", &json!({ "orderquery": "off" }))
        .await;
    assert_eq!(
        desk.call(&OrderQuery { by }).await.unwrap().trade_state,
        TradeState::Success
    );
}

#[tokio::test]
async fn the_own_routes_want_json_and_say_what_is_wrong() {
    let desk = Desk::start(SignType::Md5).await;
    desk.call(&tea("T20260101000008", "http://127.0.0.1:9/"))
        .await
        .unwrap();
    let good = r#"{"out_trade_no":"T20260101000008"}"#;
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        assert_eq!(
            desk.send("/sim/pay", kind, good.to_owned()).await.0,
            415,
            "{kind}"
        );
    }
    for (path, body, status, says) in [
        (
            "/sim/pay",
            r#"{"out_trade_no":"T999999"}"#,
            404,
            "unknown_order",
        ),
        ("/sim/pay", r"{}", 400, "either out_trade_no or code_url"),
        (
            "/sim/pay",
            r#"{"out_trade_no":"a b"}"#,
            400,
            "out_trade_no holds",
        ),
        (
            "/sim/pay",
            r#"{"out_trade_no":"T20260101000008","time_end":"2026"}"#,
            400,
            "time_end",
        ),
        (
            "/sim/pay",
            r#"{"out_trade_no":"T20260101000008","outcome":"LATER"}"#,
            422,
            "LATER",
        ),
        (
            "/sim/pay",
            r#"{"out_trade_no":"T20260101000008","amount":1}"#,
            422,
            "amount",
        ),
        (
            "/sim/pay",
            r#"{"out_trade_no":"T20260101000008","outcome":"PAYERROR","transaction_id":"1"}"#,
            400,
            "failed payment",
        ),
        ("/sim/clock", r#"{"advance_s":-1}"#, 422, "advance_s"),
        (
            "/sim/clock",
            r#"{"advance_s":999999999999}"#,
            400,
            "ten years",
        ),
        (
            "/sim/faults",
            r#"{"downloadbill":"silent"}"#,
            422,
            "downloadbill",
        ),
    ] {
        let (got, kind, answer) = desk.send(path, "application/json", body.to_owned()).await;
        assert_eq!(
            (got, kind.as_str()),
            (status, "application/problem+json"),
            "{body}"
        );
        assert!(answer.contains(says), "{body}: {answer}");
    }
    assert_eq!(desk.get("/sim/orders").await[0]["trade_state"], "NOTPAY");
    let failed = desk
        .post(
            "/sim/pay",
            &json!({ "out_trade_no": "T20260101000008", "outcome": "PAYERROR" }),
        )
        .await;
    assert_eq!(failed["trade_state"], "PAYERROR");
    assert_eq!(
        desk.send("/sim/pay", "application/json", good.to_owned())
            .await
            .0,
        409
    );
}

#[tokio::test]
async fn the_page_has_no_inline_script_and_a_policy() {
    let desk = Desk::start(SignType::Md5).await;
    let answer = reqwest::get(format!(
        "{}/?lang=en&code_url=%22%3E%3Cscript%3E",
        desk.sim.url()
    ))
    .await
    .unwrap();
    let policy = answer.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let page = answer.text().await.unwrap();
    assert!(
        page.contains("The payer&#39;s phone") || page.contains("The payer's phone"),
        "{page}"
    );
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    for id in [
        "id=\"result\"",
        "id=\"orders\"",
        "id=\"scan-text\"",
        "id=\"scan-go\"",
    ] {
        assert!(page.contains(id), "{id}");
    }
    let script = reqwest::get(format!("{}/sim/phone.js", desk.sim.url()))
        .await
        .unwrap();
    assert_eq!(
        script.headers()["content-type"],
        "text/javascript; charset=utf-8"
    );
    let script = script.text().await.unwrap();
    assert!(
        script.contains("pay-${order.out_trade_no}")
            && script.contains("fail-${order.out_trade_no}")
    );
}
