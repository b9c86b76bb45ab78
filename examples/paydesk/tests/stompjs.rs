//! STOMP.js in a real browser, on the embedded broker and on RabbitMQ: what a page of one's own may rely on.
//! `cargo xtask test` fetches it.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::net::SocketAddr;

use axum::{Router, http::header::CONTENT_TYPE, response::Html, routing::get};
use serde_json::{Value, json};
use stomp_bridge::broker::{Broker, BrokerConfig, ExchangeKind, May, User};
use stomp_bridge::client::{Destination, Publication, Publisher, PublisherConfig};
use support::{PATIENCE, browser::Browser};
use tokio::{net::TcpListener, task::JoinHandle};

const PAGE: &str = "<!doctype html><meta charset=utf-8><script src=/stomp.js></script>\
                    <script src=/scenarios.js></script>";
const SCENARIOS: &str = include_str!("stompjs/scenarios.js");
/// What a page says of each thing that worked.
const DONE: [&str; 11] = [
    "receipts_and_bodies",
    "binary",
    "headers",
    "ack_modes",
    "transactions",
    "unsubscribe",
    "nack",
    "beats",
    "error",
    "wrong_passcode",
    "leave",
];

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run `cargo xtask test`, which installs and starts what is needed"
        )
    })
}

/// A browser on a page that has STOMP.js and the scenarios.
struct Page {
    browser: Browser,
    serving: JoinHandle<()>,
}

impl Page {
    async fn open() -> Self {
        let stomp_js = std::fs::read_to_string(variable("STOMP_JS")).unwrap();
        let script = |text: String| get(async move || ([(CONTENT_TYPE, "text/javascript")], text));
        let app = Router::new()
            .route("/", get(async || Html(PAGE)))
            .route("/stomp.js", script(stomp_js))
            .route("/scenarios.js", script(SCENARIOS.to_owned()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let browser = Browser::open().await;
        let patience = fantoccini::wd::TimeoutConfiguration::new(Some(PATIENCE), None, None);
        browser.page.update_timeouts(patience).await.unwrap();
        browser.goto(&format!("http://{address}/")).await;
        Self { browser, serving }
    }

    /// Calls a function of the scenarios and waits for what it gives.
    async fn call(&self, function: &str, arguments: Vec<Value>) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             {function}(...Array.from(arguments).slice(0, -1)).then(done, (error) => done(String(error)));"
        );
        self.browser
            .page
            .execute_async(&script, arguments)
            .await
            .unwrap()
    }

    async fn close(self) {
        self.browser.close().await;
        self.serving.abort();
    }
}

struct Embedded {
    broker: Broker,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Embedded {
    async fn start(address: &str) -> Self {
        let config = BrokerConfig::new()
            .exchange("paynotify", ExchangeKind::Fanout)
            .exchange("paynotify.page", ExchangeKind::Direct)
            .bind("paynotify", "paynotify.page", "")
            .user(
                User::new("root", "r")
                    .configure(May::All)
                    .write(May::All)
                    .read(May::All),
            )
            .user(User::new("webguest", "webguest").read(May::only(["paynotify.page"])));
        let broker = Broker::new(config).unwrap();
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(broker.serve_ws(listener));
        Self {
            broker,
            address,
            serving,
        }
    }

    fn seen_by(&self, login: &str, passcode: &str) -> Value {
        let url = format!("ws://{}/ws", self.address);
        json!({"url": url, "login": login, "passcode": passcode, "told": true})
    }

    /// Publishes as the service does, for a page's ticket.
    async fn notify(&self, ticket: &str, body: &'static str) {
        let url = format!("ws://root:r@{}/ws", self.address);
        let publisher = Publisher::spawn(PublisherConfig::new(url.parse().unwrap()));
        let destination = Destination::exchange("paynotify", ticket).unwrap();
        let notice = Publication::new(destination, body);
        publisher.publish(notice).await.unwrap();
        publisher.shutdown(PATIENCE).await;
    }

    async fn stop(self) -> SocketAddr {
        assert_eq!(self.broker.shutdown(PATIENCE).await, 0);
        self.serving.await.unwrap();
        self.address
    }
}

async fn every_version_works(broker: &Value) {
    let page = Page::open().await;
    for version in ["1.0", "1.1", "1.2"] {
        let done = page
            .call("session", vec![broker.clone(), json!(version)])
            .await;
        assert_eq!(done, json!(DONE), "in {version}");
    }
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_works_on_the_embedded_broker() {
    let broker = Embedded::start("127.0.0.1:0").await;
    every_version_works(&broker.seen_by("root", "r")).await;
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_works_on_rabbitmq() {
    let admin: url::Url = variable("RABBITMQ_ADMIN_URL").parse().unwrap();
    let mut url: url::Url = variable("RABBITMQ_GUEST_WS_URL").parse().unwrap();
    url.set_username("").unwrap();
    url.set_password(None).unwrap();
    // Over WebSocket RabbitMQ tells no refusal and answers no DISCONNECT.
    every_version_works(&json!({
        "url": url.as_str(), "login": admin.username(), "passcode": admin.password(), "told": false,
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_gets_its_own_notice_also_after_the_broker_was_restarted() {
    let broker = Embedded::start("127.0.0.1:0").await;
    let page = Page::open().await;
    let guest = broker.seen_by("webguest", "webguest");
    let ready = page
        .call("wait_for_ticket", vec![guest, json!("ticketA")])
        .await;
    assert_eq!(ready, "ticketA");
    broker.notify("ticketB", "another's").await;
    broker.notify("ticketA", "first").await;
    let notice = json!(["/exchange/paynotify/ticketA", "first"]);
    assert_eq!(page.call("next_notice", vec![]).await, notice);

    let address = broker.stop().await;
    let broker = Embedded::start(&address.to_string()).await;
    assert_eq!(page.call("subscribed_again", vec![]).await, "ticketA");
    broker.notify("ticketA", "second").await;
    let notice = json!(["/exchange/paynotify/ticketA", "second"]);
    assert_eq!(page.call("next_notice", vec![]).await, notice);
    page.close().await;
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_is_told_why_it_may_not_read_all_notices() {
    let broker = Embedded::start("127.0.0.1:0").await;
    let page = Page::open().await;
    let guest = broker.seen_by("webguest", "webguest");
    let told = page.call("refused", vec![guest]).await;
    assert_eq!(told, json!(["access_refused", 1008]));
    page.close().await;
    broker.stop().await;
}
