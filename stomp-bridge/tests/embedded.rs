//! The conformance suite on the embedded broker: over a real WebSocket, and frame by frame over TCP.

mod common;

use common::Server;
use common::conformance::{self, Endpoint, Refusals};
use common::rules::{self, Rules};
use tokio::net::TcpListener;

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

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_broker_keeps_rabbitmqs_rules() {
    let server = Server::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let serving = tokio::spawn(server.broker.serve_tcp(listener));
    rules::run(&Rules {
        addr,
        root: ("root".into(), "r".into()),
    })
    .await;
    server.stop().await;
    serving.await.unwrap();
}
