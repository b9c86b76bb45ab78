//! The shop's API and the pages' routes.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::Paydesk;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_order_twice_is_one_order() {
    let desk = Paydesk::start();
    let body =
        json!({"total_fee": 101, "body": "茶", "out_trade_no": "API-00001", "attach": "桌 5"});
    let (status, first) = desk.post("/api/orders", &body).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(first["state"], "unpaid");
    let (status, again) = desk.post("/api/orders", &body).await;
    assert_eq!((status, &again), (StatusCode::OK, &first));
    let (status, other) = desk
        .post(
            "/api/orders",
            &json!({"total_fee": 102, "body": "茶", "out_trade_no": "API-00001", "attach": "桌 5"}),
        )
        .await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(other["code"], "other_content");

    let keyed = || async {
        desk.http
            .post(format!("{}/api/orders", desk.url))
            .header("idempotency-key", "click 1")
            .json(&json!({"total_fee": 1, "body": "tea"}))
            .send()
            .await
            .unwrap()
    };
    let (first, again) = (keyed().await, keyed().await);
    assert_eq!(
        (first.status(), again.status()),
        (StatusCode::CREATED, StatusCode::OK)
    );
    assert_eq!(
        first.json::<Value>().await.unwrap(),
        again.json::<Value>().await.unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_names_its_field() {
    let desk = Paydesk::start();
    for (body, field) in [
        (json!({"total_fee": 0, "body": "tea"}), "total_fee"),
        (json!({"total_fee": -1, "body": "tea"}), "total_fee"),
        (json!({"total_fee": 1.5, "body": "tea"}), "total_fee"),
        (json!({"total_fee": "1", "body": "tea"}), "total_fee"),
        (json!({"total_fee": 1, "body": ""}), "body"),
        (json!({"total_fee": 1, "body": "茶".repeat(43)}), "body"),
        (
            json!({"total_fee": 1, "body": "tea", "out_trade_no": "a b c d"}),
            "out_trade_no",
        ),
        (
            json!({"total_fee": 1, "body": "tea", "out_trade_no": "short"}),
            "out_trade_no",
        ),
        (
            json!({"total_fee": 1, "body": "tea", "out_trade_no": "9".repeat(30)}),
            "out_trade_no",
        ),
        (
            json!({"total_fee": 1, "body": "tea", "attach": " x"}),
            "attach",
        ),
    ] {
        let (status, problem) = desk.post("/api/orders", &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
    let (status, problem) = desk
        .post(
            "/api/orders",
            &json!({"total_fee": 1, "body": "tea", "totel_fee": 1}),
        )
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(problem["code"], "invalid_json");
    let (status, problem) = desk.get("/api/orders/NOSUCH01").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(problem["code"], "unknown_order");
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_listed_by_pages() {
    let desk = Paydesk::start();
    for n in 0..5 {
        desk.order(&format!("LIST-0000{n}"), 1).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/orders?state=unpaid&limit=2".to_owned();
    loop {
        let (status, page) = desk.get(&path).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        for order in page["orders"].as_array().unwrap() {
            seen.push(order["out_trade_no"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/orders?state=unpaid&limit=2&cursor={cursor}"),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(
        seen,
        (0..5).map(|n| format!("LIST-0000{n}")).collect::<Vec<_>>()
    );
    let (status, problem) = desk.get("/api/orders?state=nope").await;
    assert_eq!(
        (status, &problem["field"]),
        (StatusCode::BAD_REQUEST, &json!("state"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn native_pay_checks_the_amount_and_keeps_its_code() {
    let desk = Paydesk::start();
    desk.order("NATIVE-01", 101).await;
    let (status, problem) = desk
        .get("/wxpay/nativePay?orderId=NATIVE-01&money=100")
        .await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["code"], "amount_mismatch");
    let asked = (0..8).map(|_| desk.code_url("NATIVE-01", 101));
    let codes = futures_util::future::join_all(asked).await;
    assert!(codes[0].starts_with("weixin://"));
    assert!(codes.iter().all(|code| *code == codes[0]), "{codes:?}");
    // With the simulator a number alone makes an order.
    assert!(desk.code_url("NATIVE-02", 3).await.starts_with("weixin://"));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sites_and_other_names_are_kept_out() {
    let desk = Paydesk::start();
    let post = || desk.http.post(format!("{}/api/orders", desk.url));
    let text = post()
        .header("content-type", "text/plain")
        .body(r#"{"total_fee":1,"body":"tea"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(text.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let cross = post()
        .header("sec-fetch-site", "cross-site")
        .json(&json!({"total_fee": 1, "body": "tea"}))
        .send()
        .await
        .unwrap();
    assert_eq!(cross.status(), StatusCode::FORBIDDEN);
    let rebound = desk
        .http
        .get(format!("{}/api/orders", desk.url))
        .header("host", "evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(rebound.status(), StatusCode::MISDIRECTED_REQUEST);
    let socket = desk
        .http
        .get(format!("{}/ws", desk.url))
        .header("origin", "http://evil.example")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .send()
        .await
        .unwrap();
    assert_eq!(socket.status(), StatusCode::FORBIDDEN);
    let page = desk.http.get(&desk.url).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self'"), "{policy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_gateway_tokens_and_tickets_are_demanded() {
    let sim = Paydesk::start();
    let (api, admin) = ("an-api-token-of-the-tests", "an-admin-token-of-the-tests");
    let test = wxpay_sim::Merchant::test();
    let desk = Paydesk::start_with(|command| {
        command
            .env("PAYDESK_GATEWAY", &sim.phone)
            .env("WXPAY_APPID", test.account().appid.as_str())
            .env("WXPAY_MCH_ID", test.account().mch_id.as_str())
            .env("WXPAY_API_KEY", wxpay_sim::TEST_API_KEY)
            .env("PAYDESK_API_TOKEN", api)
            .env("PAYDESK_ADMIN_TOKEN", admin);
    });
    let order = json!({"total_fee": 1, "body": "tea", "out_trade_no": "TICKET-01"});
    let (status, problem) = desk.post("/api/orders", &order).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::UNAUTHORIZED, &json!("unauthorized"))
    );
    let answer = desk
        .http
        .post(format!("{}/api/orders", desk.url))
        .bearer_auth(api)
        .json(&order)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let made: Value = answer.json().await.unwrap();
    let page = made["pay_page"].as_str().unwrap();
    let ticket = page.split("&t=").nth(1).unwrap();

    let get = |path: String| desk.http.get(format!("{}{path}", desk.url)).send();
    for path in [
        "/wxpay",
        "/wxpay/state",
        "/wxpay/nativePay",
        "/wxpay/toPaySuccess",
    ] {
        for t in ["", "&t=00000000000000000000000000000000"] {
            let answer = get(format!("{path}?orderId=TICKET-01&money=1{t}"))
                .await
                .unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}{t}");
        }
    }
    let answer = get(format!(
        "/wxpay/nativePay?orderId=TICKET-01&money=1&t={ticket}"
    ))
    .await
    .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let answer = get(format!("/wxpay?orderId=TICKET-01&t={ticket}"))
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.text().await.unwrap().contains("<svg"));
    for (token, status) in [(api, StatusCode::UNAUTHORIZED), (admin, StatusCode::OK)] {
        let answer = desk
            .http
            .get(format!("{}/admin", desk.url))
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_tell_the_truth() {
    let mut desk = Paydesk::start();
    let (status, ready) = desk.get("/readyz").await;
    assert_eq!((status, &ready["ready"]), (StatusCode::OK, &json!(true)));
    desk.order("HEALTH-01", 1).await;
    desk.code_url("HEALTH-01", 1).await;
    desk.sim("/sim/pay", &json!({"out_trade_no": "HEALTH-01"}))
        .await;
    desk.wait_for_state("HEALTH-01", "paid").await;
    let text = desk
        .http
        .get(format!("{}/metrics", desk.url))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        text.contains("paydesk_notifies_total{verdict=\"accepted\"} 1"),
        "{text}"
    );
    assert_eq!(desk.interrupt(), Some(0));
}
