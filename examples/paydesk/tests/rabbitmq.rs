//! The same path with a real RabbitMQ, over WebSocket and over TCP, with the definitions that the service itself prints.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::process::Command;

use serde_json::{Value, json};
use support::{
    Paydesk, binary,
    browser::Browser,
    feed::{self, Feed},
    http, paid_rows,
};
use url::Url;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `cargo xtask test`, which starts RabbitMQ and sets it")
    })
}

/// Another account on the same broker.
fn as_account(url: &str, login: &str, passcode: &str) -> String {
    let mut url = Url::parse(url).unwrap();
    url.set_username(login).unwrap();
    url.set_password(Some(passcode)).unwrap();
    url.into()
}

/// Loads what `paydesk rabbitmq-definitions` prints, as an operator would.
async fn load_definitions(broker: &str) {
    let output = binary()
        .args(["rabbitmq-definitions", "--broker", broker])
        // Pages do without the fanout, and other tests on this server hold that it is closed to them.
        .args(["--browser-fanout", "off"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut admin = Url::parse(&variable("RABBITMQ_ADMIN_URL")).unwrap();
    let (login, passcode) = (
        admin.username().to_owned(),
        admin.password().unwrap().to_owned(),
    );
    admin.set_username("").unwrap();
    admin.set_password(None).unwrap();
    let answer = http()
        .post(admin.join("/api/definitions").unwrap())
        .basic_auth(login, Some(passcode))
        .header("content-type", "application/json")
        .body(output.stdout)
        .send()
        .await
        .unwrap();
    assert!(
        answer.status().is_success(),
        "{}",
        answer.text().await.unwrap()
    );
}

/// Shop, code, payment, page, messages.
async fn one_payment(broker: &str, login: &str, number: &str) {
    let broker = as_account(broker, login, "a-passcode-for-this-desk");
    load_definitions(&broker).await;
    let guest = variable("RABBITMQ_GUEST_WS_URL");
    let desk = Paydesk::start_with(|command: &mut Command| {
        command
            .env("PAYDESK_BROKER", &broker)
            .env("PAYDESK_BROWSER_BROKER", &guest);
    });
    let listener = variable("RABBITMQ_LISTENER_STOMP_URL");
    let mut services = Feed::open(&listener, feed::order_pay()).await;
    let mut fanout = Feed::open(&listener, feed::fanout()).await;
    desk.order(number, 101).await;

    let browser = Browser::open().await;
    browser
        .goto(&format!("{}/wxpay?orderId={number}", desk.url))
        .await;
    browser.wait("html[data-feed=live]").await;
    desk.sim("/sim/pay", &json!({"out_trade_no": number})).await;
    browser.wait("#success").await;
    let moved_by = browser
        .run("return sessionStorage.getItem('paydesk.moved_by')")
        .await;
    assert_eq!(moved_by, "push");
    browser.close().await;

    assert_eq!(paid_rows(&desk.log(number).await), 1);
    let (_, order) = desk.get(&format!("/api/orders/{number}")).await;
    let message = services.next().await;
    assert_eq!(
        serde_json::from_slice::<Value>(&message.body).unwrap(),
        json!({"orderId": number, "transactionId": order["transaction_id"]})
    );
    assert_eq!(fanout.next().await.body, number.as_bytes());
    services.assert_quiet().await;
}

/// One after the other: both read the one queue `order_pay`.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_goes_through_rabbitmq_over_websocket_and_over_tcp() {
    one_payment(&variable("RABBITMQ_WS_URL"), "desk-ws", "RABBIT-WS-1").await;
    one_payment(&variable("RABBITMQ_STOMP_URL"), "desk-tcp", "RABBIT-TCP-1").await;
}

#[test]
fn an_account_that_rabbitmq_does_not_know_is_one_clear_line() {
    for broker in ["RABBITMQ_WS_URL", "RABBITMQ_STOMP_URL"] {
        let url = as_account(&variable(broker), "nobody", "wrong-passcode");
        let folder = tempfile::TempDir::new().unwrap();
        let output = binary()
            .env("RUST_LOG", "off")
            .env("PAYDESK_LISTEN", "127.0.0.1:0")
            .env("PAYDESK_GATEWAY", "sim=127.0.0.1:0")
            .env(
                "PAYDESK_STORE",
                format!("sled:{}", folder.path().join("l").display()),
            )
            .args(["--broker", &url])
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(
            stderr.contains("--broker") && !stderr.contains("wrong-passcode"),
            "{stderr}"
        );
    }
}
