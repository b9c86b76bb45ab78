//! The conformance suite on the embedded broker, over a real WebSocket.

mod common;

use common::Server;
use common::conformance::{self, Endpoint, Refusals};

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_broker_serves_the_flow() {
    let server = Server::start().await;
    conformance::run(&Endpoint {
        payer: server.payer(),
        listener: server.listener(),
        guest: server.guest(),
        refusals_of_payer: Refusals::Told,
        refusals_of_guest: Refusals::Told,
    })
    .await;
    server.stop().await;
}
