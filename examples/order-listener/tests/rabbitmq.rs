//! The listener against RabbitMQ, which `cargo xtask test` starts.
#![allow(clippy::unwrap_used, missing_docs)]
// The fault points are compiled into debug builds only.
#![cfg(debug_assertions)]

mod support;

use serde_json::{Value, json};
use stomp_bridge::client::{ConnectOptions, Destination, Subscriber};
use support::{Listener, PATIENCE, broker::Payer, import, log, paid_rows, parked_codes};
use tempfile::TempDir;
use tokio::sync::Mutex;

/// All of them read the one queue `order_pay`.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `cargo xtask test`, which starts RabbitMQ and sets it")
    })
}

/// Told, killed between commit and acknowledgement, told again.
async fn once_in_effect(listener_url: &str, payer_url: &str, number: &str) {
    let keep = TempDir::new().unwrap();
    let data = keep.path();
    let other = format!("{number}-2");
    let orders =
        json!([{"out_trade_no": number, "total_fee": 1}, {"out_trade_no": other, "total_fee": 2}]);
    import(data, &json!({"orders": orders}).to_string());
    let payer = Payer::new(payer_url);

    let listener = Listener::start(data, listener_url, |command| {
        command.env("ORDER_LISTENER_FAULT_POINT", "before_ack");
    });
    payer.tell(number, &format!("42{number}")).await;
    listener.wait_for_log("fault point reached: before_ack");
    listener.kill();
    let before = log(data, number).await;
    assert_eq!(paid_rows(&before), 1);

    let listener = Listener::start(data, listener_url, |_| {});
    listener.wait_for_log("a repeat");
    payer.tell(&other, &format!("43{number}")).await;
    while listener.next_paid()["paid"] != json!(other) {}
    assert_eq!(listener.interrupt(), (Some(0), vec![]));
    assert_eq!(log(data, number).await, before);
    assert!(parked_codes(data).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_once_in_effect_over_tcp_and_over_websocket() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let payer = variable("RABBITMQ_STOMP_URL");
    once_in_effect(
        &variable("RABBITMQ_LISTENER_STOMP_URL"),
        &payer,
        "LISTENER-TCP",
    )
    .await;
    once_in_effect(&variable("RABBITMQ_LISTENER_WS_URL"), &payer, "LISTENER-WS").await;
}

/// The management API.
struct Admin {
    base: String,
    http: reqwest::Client,
}

impl Admin {
    fn new() -> Self {
        // Another test may have been first.
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .ok();
        Self {
            base: variable("RABBITMQ_ADMIN_URL"),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    async fn import(&self, definitions: &str) {
        let definitions: Value = serde_json::from_str(definitions).unwrap();
        let url = format!("{}/api/definitions", self.base);
        let answer = self.http.post(url).json(&definitions).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    async fn delete(&self, path: &str) {
        let answer = self
            .http
            .delete(format!("{}/api/{path}", self.base))
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    /// The same broker's STOMP, by the administrator.
    fn stomp(&self) -> String {
        let account = self.base.split(['/', '@']).nth(2).unwrap();
        let at = variable("RABBITMQ_STOMP_URL");
        format!("stomp://{account}@{}", at.split('@').nth(1).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_comes_to_the_dead_letters() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let admin = Admin::new();
    // The file that the set-up's page names.
    admin
        .import(include_str!("../../../stomp-bridge/docs/definitions.json"))
        .await;
    let keep = TempDir::new().unwrap();
    let listener = Listener::start(
        keep.path(),
        &variable("RABBITMQ_LISTENER_STOMP_URL"),
        |command| {
            command.env("ORDER_LISTENER_BAD_MESSAGES", "dead-letter");
        },
    );
    let payer = Payer::new(&variable("RABBITMQ_STOMP_URL"));
    payer.send("no message of a payment", "dead-1").await;

    let dead = Destination::queue("order_pay.dead").unwrap();
    let url = admin.stomp().parse().unwrap();
    let mut letters = Subscriber::open(&url, &dead, &ConnectOptions::default())
        .await
        .unwrap();
    let letter = tokio::time::timeout(PATIENCE, letters.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(letter.text(), Some("no message of a payment"));
    assert_eq!(letter.header("x-outbox-id"), Some("dead-1"));
    letters.close().await;
    assert_eq!(listener.interrupt(), (Some(0), vec![]));
    assert!(parked_codes(keep.path()).is_empty());
    admin.delete("policies/%2F/dead-letters").await;
    admin.delete("queues/%2F/order_pay.dead").await;
}
