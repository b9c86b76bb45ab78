//! The conformance suite on a real RabbitMQ whose definitions give payer, listener and webguest
//! the rights of the flow. `cargo xtask test` starts one; by hand, set the five variables.

mod common;

use common::conformance::{self, Endpoint, Refusals};
use common::rules::{self, Rules};
use stomp_bridge::client::BrokerUrl;
use tokio::sync::Mutex;

/// Both transports read the one queue `order_pay`: one at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

fn url(variable: &str) -> BrokerUrl {
    let text = std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: these tests need a RabbitMQ with STOMP and Web STOMP; \
             `cargo xtask test` starts one"
        )
    });
    text.parse().unwrap_or_else(|e| panic!("{variable}: {e}"))
}

async fn run(payer: &str, refusals_of_payer: Refusals) {
    let _alone = ONE_AT_A_TIME.lock().await;
    conformance::run(&Endpoint {
        payer: url(payer),
        listener: url("RABBITMQ_LISTENER_STOMP_URL"),
        guest: url("RABBITMQ_GUEST_WS_URL"),
        refusals_of_payer,
        refusals_of_guest: Refusals::Silent,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_serves_the_flow_over_tcp() {
    run("RABBITMQ_STOMP_URL", Refusals::Told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_serves_the_flow_over_websocket() {
    run("RABBITMQ_WS_URL", Refusals::Silent).await;
}

/// `user:passcode@host:port` of a URL without escapes, such as `cargo xtask test` gives.
fn account_and_address(variable: &str) -> ((String, String), String) {
    let text = std::env::var(variable).unwrap_or_default();
    let authority = text
        .split("://")
        .nth(1)
        .map(|rest| rest.trim_end_matches('/'));
    let parts = authority.and_then(|a| a.split_once('@'));
    let (account, address) =
        parts.unwrap_or_else(|| panic!("{variable} is no URL with an account"));
    let (user, passcode) = account.split_once(':').expect("a passcode");
    ((user.to_owned(), passcode.to_owned()), address.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_keeps_the_rules_that_the_embedded_broker_has() {
    let (_, address) = account_and_address("RABBITMQ_STOMP_URL");
    let (root, _) = account_and_address("RABBITMQ_ADMIN_URL");
    let addr = address.parse().expect("an IP address and a port");
    rules::run(&Rules { addr, root }).await;
}
