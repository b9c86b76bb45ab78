//! The client against a server of a few lines, on loopback.
#![allow(clippy::unwrap_used)]

mod client_support;
mod common;

use std::{
    io::Write,
    net::TcpListener,
    sync::{Mutex, mpsc},
    time::Duration,
};

use client_support::{HMAC, Server, builder, not_paid, query, respond};
use common::{answer, seed_key};
use wxpay_core::{
    Fen, Params, SignType,
    api::{
        Answer, AnswerError, AnswerKind, Endpoint, ErrorCode, FieldError, OrderQuery, RequestError,
        UnifiedOrder,
    },
    client::{BuildError, CallError, Client, Outcome},
    sign, xml,
};

/// The error of one call that the server answers so.
async fn refusal(status: &str, body: &str) -> CallError {
    let server = Server::start(1, respond(status, body));
    let error = server.client().call(&query(), HMAC).await.unwrap_err();
    server.stop().await;
    error
}

#[tokio::test]
async fn a_call_is_one_signed_post() {
    let server = Server::start(2, respond("200 OK", &not_paid()));
    let client = server.client();
    for _ in 0..2 {
        let answer = client.call(&query(), HMAC).await.unwrap();
        assert_eq!(answer.trade_state.as_str(), "NOTPAY");
    }
    let mut nonces = Vec::new();
    for (head, body) in server.stop().await {
        assert!(
            head.starts_with("POST /pay/orderquery HTTP/1.1\r\n"),
            "{head}"
        );
        assert!(
            head.contains("content-type: text/xml; charset=utf-8"),
            "{head}"
        );
        let fields = xml::read(&body).unwrap();
        assert_eq!(sign::verify(&fields, &[seed_key()], HMAC), Ok(()));
        assert_eq!(OrderQuery::from_params(&fields).unwrap(), query());
        nonces.push(fields.get("nonce_str").unwrap().to_owned());
    }
    assert_eq!(nonces.len(), 2);
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn a_path_in_the_base_url_stays() {
    let server = Server::start(1, respond("200 OK", &not_paid()));
    let client = builder()
        .base_url(format!("http://{}/gateway/", server.addr))
        .build()
        .unwrap();
    client.call(&query(), HMAC).await.unwrap();
    let (head, _) = &server.stop().await[0];
    assert!(head.starts_with("POST /gateway/pay/orderquery "), "{head}");
}

#[tokio::test]
async fn silence_leaves_the_outcome_unknown() {
    // The server holds the connection until the test lets it go.
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let server = Server::start(1, move |_| held.lock().unwrap().recv().unwrap());
    let call = server
        .client()
        .call_within(&query(), HMAC, Duration::from_millis(100))
        .await;
    release.send(()).unwrap();
    let error = call.unwrap_err();
    assert!(
        matches!(error, CallError::Timeout { after_sent: true }),
        "{error:?}"
    );
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(server.stop().await.len(), 1);
}

#[tokio::test]
async fn silence_in_the_middle_of_an_answer_is_a_time_out_too() {
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let server = Server::start(1, move |stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n<xml>")
            .unwrap();
        held.lock().unwrap().recv().unwrap();
    });
    let client = builder()
        .base_url(format!("http://{}", server.addr))
        .read_timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    let error = client.call(&query(), HMAC).await.unwrap_err();
    release.send(()).unwrap();
    assert!(
        matches!(error, CallError::Timeout { after_sent: true }),
        "{error:?}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_broken_connection_leaves_the_outcome_unknown() {
    for part in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n<xml>"] {
        let server = Server::start(1, move |stream| stream.write_all(part.as_bytes()).unwrap());
        let error = server.client().call(&query(), HMAC).await.unwrap_err();
        assert!(matches!(error, CallError::Broken(_)), "{error:?}");
        assert_eq!(error.outcome(), Outcome::Unknown);
        server.stop().await;
    }
}

#[tokio::test]
async fn no_connection_means_not_sent() {
    // A port that was free a moment ago and has no listener now.
    let addr = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = builder()
        .base_url(format!("http://{addr}"))
        .build()
        .unwrap();
    let error = client.call(&query(), HMAC).await.unwrap_err();
    assert!(matches!(error, CallError::Connect(_)), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotSent);
    // The address may hold a secret path; the key certainly is one.
    let shown = format!("{error:?} {client:?}");
    assert!(
        !shown.contains("T6m9iK73b0kn9g5v426MKfHQH7X8rKwb"),
        "{shown}"
    );
}

#[tokio::test]
async fn another_status_is_not_the_gateway() {
    for (status, code) in [
        ("404 Not Found", 404),
        ("502 Bad Gateway", 502),
        ("204 No Content", 204),
    ] {
        let error = refusal(status, "").await;
        assert!(
            matches!(error, CallError::Http { status } if status == code),
            "{error:?}"
        );
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
    let page = "<html><head><title>404 Not Found</title></head></html>";
    let error = refusal("404 Not Found", page).await;
    assert_eq!(error.to_string(), "HTTP status 404, not 200");
}

#[tokio::test]
async fn a_page_with_status_200_is_named() {
    let error = refusal("200 OK", "<!DOCTYPE html><html></html>").await;
    assert_eq!(
        error.to_string(),
        "the answer is no message: an HTML page, not a message"
    );
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let location = format!("http://{}/pay/orderquery", elsewhere.local_addr().unwrap());
    let server = Server::start(1, move |stream| {
        let head = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
    });
    let error = server.client().call(&query(), HMAC).await.unwrap_err();
    assert!(
        matches!(error, CallError::Http { status: 307 }),
        "{error:?}"
    );
    elsewhere.set_nonblocking(true).unwrap();
    assert!(elsewhere.accept().is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let body = "x".repeat(Client::ANSWER_MAX_BYTES + 1);
    let error = refusal("200 OK", &body).await;
    assert!(
        matches!(error, CallError::TooLarge { max_bytes: 65_536 }),
        "{error:?}"
    );

    // Chunk after chunk, until the client hangs up.
    let server = Server::start(1, |stream| {
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        while sent.is_ok() {
            sent = stream.write_all(chunk.as_bytes());
        }
    });
    let error = server.client().call(&query(), HMAC).await.unwrap_err();
    assert!(matches!(error, CallError::TooLarge { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::Unknown);
    server.stop().await;
}

#[tokio::test]
async fn only_a_proven_refusal_is_an_answer() {
    let fields = [
        ("return_code", "SUCCESS"),
        ("appid", "wx8397f8696b538317"),
        ("mch_id", "1473426802"),
        ("result_code", "FAIL"),
        ("err_code", "ORDERNOTEXIST"),
    ];
    let error = refusal("200 OK", &answer(&fields, HMAC)).await;
    assert!(
        matches!(
            &error,
            CallError::Answer(AnswerError::Business {
                code: ErrorCode::OrderNotExist,
                ..
            })
        ),
        "{error:?}"
    );
    assert_eq!(error.outcome(), Outcome::Answered);

    let error = refusal("200 OK", &answer(&fields, SignType::Md5)).await;
    assert!(
        matches!(error, CallError::Answer(AnswerError::Verify(_))),
        "{error:?}"
    );
    assert_eq!(error.outcome(), Outcome::Unknown);

    let fail = "<xml><return_code>FAIL</return_code><return_msg>no</return_msg></xml>";
    let error = refusal("200 OK", fail).await;
    assert!(
        matches!(error, CallError::Answer(AnswerError::Refused { .. })),
        "{error:?}"
    );
    assert_eq!(error.outcome(), Outcome::Unknown);
}

/// An endpoint that this crate does not have.
struct Reverse;

impl Endpoint for Reverse {
    const NAME: &'static str = "reverse";
    const PATH: &'static str = "/secapi/pay/reverse";
    const NEEDS_CERT: bool = true;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    type Sign = SignType;
    type Response = ();

    fn fill<'a>(&'a self, _: &mut Params<'a>) -> Result<(), RequestError> {
        Ok(())
    }

    fn read(_: &Answer<'_>) -> Result<(), FieldError> {
        Ok(())
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_not() {
    let client = builder().base_url("http://127.0.0.1:9").build().unwrap();
    let error = client.call(&Reverse, HMAC).await.unwrap_err();
    assert!(matches!(error, CallError::NoCertificate), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotSent);

    let order = UnifiedOrder::native(
        "T20260101000001".parse().unwrap(),
        "test".parse().unwrap(),
        Fen::ZERO,
        "127.0.0.1".parse().unwrap(),
        "https://example.com/notify".parse().unwrap(),
        "P1".parse().unwrap(),
    );
    let error = client.call(&order, HMAC).await.unwrap_err();
    assert!(
        matches!(error, CallError::Request(RequestError::ZeroFee { .. })),
        "{error:?}"
    );
    assert_eq!(error.outcome(), Outcome::NotSent);
}

#[test]
fn a_base_url_is_checked() {
    let refused = |url: &str| builder().base_url(url).build().unwrap_err();
    assert!(matches!(
        refused("api.mch.weixin.qq.com"),
        BuildError::Url { .. }
    ));
    assert!(matches!(refused("ftp://127.0.0.1"), BuildError::Scheme));
    for url in [
        "https://user@host",
        "https://:pass@host",
        "https://host?x=1",
        "https://host#x",
    ] {
        assert!(matches!(refused(url), BuildError::NotABase), "{url}");
    }
}

#[test]
fn futures_can_be_spawned() {
    fn is_send<T: Send>(_: &T) {}
    let client = builder().base_url("http://127.0.0.1:9").build().unwrap();
    let query = query();
    is_send(&client.call(&query, HMAC));
}
