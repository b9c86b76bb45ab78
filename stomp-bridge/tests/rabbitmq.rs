//! The conformance suite on a real RabbitMQ whose definitions give payer, listener and webguest
//! the rights of the flow. `cargo xtask test` starts one; by hand, set the four variables.

mod common;

use common::conformance::{self, Endpoint, Refusals};
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
