//! What a page's public account can do to a real RabbitMQ with the definitions that the service prints: it may make
//! queues under `stomp-subscription-`, and leave them behind. They go, or at least do not grow.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use stomp_bridge::frame::{Command, Frame, Limits, Parser};
use support::{PATIENCE, binary, http};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::OnceCell,
    time::{Duration, Instant, sleep, timeout},
};
use url::Url;

const PAYER: &str = "pages-payer";
const PASSCODE: &str = "a-passcode-for-this-test";

fn variable(name: &str) -> Url {
    let value = std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `cargo xtask test`, which starts RabbitMQ and sets it")
    });
    value.parse().unwrap()
}

/// A call of the management API.
async fn api(method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
    let mut url = variable("RABBITMQ_ADMIN_URL");
    let (login, passcode) = (
        url.username().to_owned(),
        url.password().unwrap().to_owned(),
    );
    url.set_username("").unwrap();
    url.set_password(None).unwrap();
    url.set_path("");
    let mut request = http()
        .request(method, format!("{url}api/{path}"))
        .basic_auth(login, Some(passcode));
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, answer.json().await.unwrap_or_default())
}

/// Calls until the answer is right.
async fn api_until(path: &str, is_right: impl Fn(StatusCode, &Value) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, value) = api(Method::GET, path, None).await;
        if is_right(status, &value) {
            return;
        }
        assert!(Instant::now() < deadline, "{path}: {status} {value}");
        // The server's own figures come every few seconds.
        sleep(Duration::from_millis(200)).await;
    }
}

/// Once for all tests here: two at once would both make the accounts, and the server refuses the second.
async fn load_definitions() {
    static LOADED: OnceCell<()> = OnceCell::const_new();
    LOADED.get_or_init(post_definitions).await;
}

async fn post_definitions() {
    let mut broker = variable("RABBITMQ_STOMP_URL");
    broker.set_username(PAYER).unwrap();
    broker.set_password(Some(PASSCODE)).unwrap();
    let output = binary()
        .args([
            "rabbitmq-definitions",
            "--browser-fanout",
            "off",
            "--broker",
        ])
        .arg(broker.as_str())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let definitions: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (status, answer) = api(Method::POST, "definitions", Some(&definitions)).await;
    assert!(status.is_success(), "{answer}");
}

/// A client that says exactly what it is told to.
struct Raw {
    socket: TcpStream,
    parser: Parser,
}

impl Raw {
    async fn log_in(login: &str, passcode: &str) -> Self {
        let url = variable("RABBITMQ_STOMP_URL");
        let address = (url.host_str().unwrap().to_owned(), url.port().unwrap());
        let mut raw = Self {
            socket: TcpStream::connect(address).await.unwrap(),
            parser: Parser::new(Limits::default()),
        };
        raw.say(&format!(
            "CONNECT\naccept-version:1.2\nhost:/\nlogin:{login}\npasscode:{passcode}\n\n\0"
        ))
        .await;
        assert_eq!(raw.frame().await.command, Command::Connected);
        raw
    }

    async fn page() -> Self {
        Self::log_in("webguest", "webguest").await
    }

    async fn say(&mut self, text: &str) {
        self.socket.write_all(text.as_bytes()).await.unwrap();
    }

    async fn frame(&mut self) -> Frame {
        let next = async {
            loop {
                if let Some(frame) = self.parser.next_frame().unwrap() {
                    return frame;
                }
                let mut bytes = [0; 4096];
                let n = self.socket.read(&mut bytes).await.unwrap();
                assert!(n > 0, "the connection was closed");
                self.parser.push(&bytes[..n]);
            }
        };
        timeout(PATIENCE, next).await.expect("a frame in time")
    }

    /// Says what ends with a receipt, and waits for it.
    async fn receipt(&mut self, head: &str, body: &str) {
        self.say(&format!("{head}\nreceipt:r\n\n{body}\0")).await;
        let answer = self.frame().await;
        assert_eq!(answer.command, Command::Receipt, "{head}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_leaves_behind_goes_or_does_not_grow() {
    load_definitions().await;
    let run = std::process::id();
    let name = |kind: &str| format!("stomp-subscription-left-{run}-{kind}");
    let subscribe = |kind: &str, more: &str| {
        let queue = name(kind);
        format!(
            "SUBSCRIBE\nid:0\nack:client\nx-queue-name:{queue}\ndurable:true\nauto-delete:false\n{more}\
             destination:/exchange/paynotify.page/key-{run}"
        )
    };
    // Each is allowed, is bound to a page's route, and stays when the page is gone.
    for (kind, more) in [
        ("classic", ""),
        ("greedy", "x-expires:86400000\nx-max-length:1000000\n"),
        ("quorum", "x-queue-type:quorum\n"),
        ("stream", "x-queue-type:stream\nprefetch-count:1\n"),
    ] {
        Raw::page().await.receipt(&subscribe(kind, more), "").await;
    }
    let mut payer = Raw::log_in(PAYER, PASSCODE).await;
    for n in 0..30 {
        let send = format!("SEND\npersistent:true\ndestination:/exchange/paynotify/key-{run}");
        payer.receipt(&send, &n.to_string()).await;
    }

    // No more than ten are kept, the newest.
    let mut again = Raw::page().await;
    again
        .say(&format!("{}\n\n\0", subscribe("classic", "")))
        .await;
    for n in 20..30 {
        let message = again.frame().await;
        assert_eq!(message.body, n.to_string().as_bytes());
    }
    drop(again);

    // The bounds hold for every kind.
    let bounds = json!({"expires": 60_000, "max-length": 10});
    let stream_bounds = json!({
        "max-age": "1m", "max-length-bytes": 1_000_000, "stream-max-segment-size-bytes": 500_000,
    });
    for (kind, bounds) in [
        ("classic", &bounds),
        ("greedy", &bounds),
        ("quorum", &bounds),
        ("stream", &stream_bounds),
    ] {
        let path = format!("queues/%2F/{}", name(kind));
        api_until(&path, |_, queue| {
            queue["effective_policy_definition"] == *bounds
        })
        .await;
    }
    let (_, limits) = api(Method::GET, "vhost-limits/%2F", None).await;
    assert_eq!(limits[0]["value"]["max-queues"], 20_000);

    // And a queue that nobody reads goes. A minute is long, so for these the same policy says a second.
    let policy = format!("policies/%2F/left-{run}");
    let sooner = json!({
        "pattern": format!("^{}", name("")), "apply-to": "queues", "priority": 9,
        "definition": {"expires": 1000, "max-length": 10},
    });
    assert!(
        api(Method::PUT, &policy, Some(&sooner))
            .await
            .0
            .is_success()
    );
    for kind in ["classic", "greedy", "quorum"] {
        let path = format!("queues/%2F/{}", name(kind));
        api_until(&path, |status, _| status == StatusCode::NOT_FOUND).await;
    }
    api(Method::DELETE, &policy, None).await;
    api(
        Method::DELETE,
        &format!("queues/%2F/{}", name("stream")),
        None,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_cannot_send_through_a_queue_of_its_own() {
    load_definitions().await;
    let run = std::process::id();
    for (exchange, named) in [("paynotify", "paynotify"), ("", "amq.default")] {
        let mut page = Raw::page().await;
        page.say(&format!(
            "SUBSCRIBE\nid:0\nx-dead-letter-exchange:{exchange}\nx-queue-name:stomp-subscription-dead-{run}\n\
             destination:/exchange/paynotify.page/k\n\n\0"
        ))
        .await;
        let error = page.frame().await;
        assert_eq!(error.header("message"), Some("access_refused"));
        let body = String::from_utf8(error.body.to_vec()).unwrap();
        assert!(
            body.contains(&format!("access to exchange '{named}'")),
            "{body}"
        );
    }
}
