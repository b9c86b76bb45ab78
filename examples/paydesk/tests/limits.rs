//! What a slow or a greedy client gets: an end, in bounded time.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use support::Paydesk;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// The service's time-outs are ten seconds for a head and for a body, and 45 s for saying nothing.
const ENDS_WITHIN: Duration = Duration::from_mins(1);

/// Sends what a slow client sends, and no more; gives what came back until the service ended the connection.
async fn slow(desk: &Paydesk, sent: &str) -> (String, Duration) {
    let mut socket = TcpStream::connect(desk.url.trim_start_matches("http://"))
        .await
        .unwrap();
    socket.write_all(sent.as_bytes()).await.unwrap();
    let started = Instant::now();
    let mut answer = String::new();
    timeout(ENDS_WITHIN, socket.read_to_string(&mut answer))
        .await
        .unwrap_or_else(|_| panic!("still open after {ENDS_WITHIN:?}: {sent:?}"))
        .unwrap();
    (answer, started.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_requests_are_ended() {
    let desk = Paydesk::start();
    let (head, body, silent) = tokio::join!(
        slow(&desk, "POST /wxpay/notify HTTP/1.1\r\nhost: a\r\n"),
        slow(
            &desk,
            "POST /wxpay/notify HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n<xml>"
        ),
        slow(&desk, ""),
    );
    for (what, (answer, took)) in [("head", head), ("body", body), ("silent", silent)] {
        assert!(!answer.contains(" 200 "), "{what}: {answer}");
        assert!(
            took > Duration::from_secs(5),
            "{what}: ended after {took:?}"
        );
    }
    // The service is well all the while.
    let (status, _) = desk.get("/readyz").await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_requests_are_refused() {
    let desk = Paydesk::start();
    let post = |bytes: usize| {
        desk.http
            .post(format!("{}/wxpay/notify", desk.url))
            .body(vec![b'x'; bytes])
            .send()
    };
    let answer = post(64 * 1024).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.text().await.unwrap().contains("FAIL"));
    assert_eq!(
        post(64 * 1024 + 1).await.unwrap().status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let answer = desk
        .http
        .get(format!("{}/healthz", desk.url))
        .header("x-large", "x".repeat(64 * 1024))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}
