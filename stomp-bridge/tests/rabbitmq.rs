//! The conformance suite on a real RabbitMQ whose definitions give payer, listener and webguest
//! the rights of the flow. `cargo xtask test` starts one; by hand, set the variables.

mod common;

use common::conformance::{self, Endpoint, Refusals};
use common::rabbitmq::{account_and_address, stomp, url};
use common::rules::{self, Rules};
use tokio::sync::Mutex;

/// Both transports read the one queue `order_pay`: one at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

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

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_keeps_the_rules_that_the_embedded_broker_has() {
    let (root, _) = account_and_address("RABBITMQ_ADMIN_URL");
    let addr = stomp();
    rules::run(&Rules { addr, root }).await;
}
