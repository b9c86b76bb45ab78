//! What the client does around a try: another host, another try, a limit, and who hears of it.
#![allow(clippy::unwrap_used)]

mod client_support;
mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use client_support::{
    HMAC, Reply, Server, builder, failure, hang_up, micropay, nobody, not_paid, query, reply,
};
use wxpay_core::{
    Fen,
    api::{AnswerError, BillType, DownloadBill, ErrorCode, OnlyMd5, UnifiedOrder},
    client::{CallError, CallReport, Client, ClientBuilder, Exchange, Message, Outcome},
    sign,
    transport::{BodySink, Fixed, RetryPolicy, TooLarge},
    xml,
};

/// At most three tries, hardly apart.
fn three_tries() -> RetryPolicy {
    let wait = Duration::from_millis(2);
    RetryPolicy::new(3).waits(wait, wait)
}

fn retrying(server: &Server) -> ClientBuilder {
    builder().base_url(server.url()).retry(three_tries())
}

fn order() -> UnifiedOrder {
    UnifiedOrder::native(
        "T20260101000001".parse().unwrap(),
        "Tea".parse().unwrap(),
        Fen::new(101).unwrap(),
        "127.0.0.1".parse().unwrap(),
        "https://example.com/notify/s3cr3t-p4th".parse().unwrap(),
        "P1".parse().unwrap(),
    )
}

#[tokio::test]
async fn a_safe_request_is_sent_again_with_the_same_parameters() {
    let server = Server::script(vec![
        hang_up(),
        reply("502 Bad Gateway", ""),
        reply("200 OK", &not_paid()),
    ]);
    let client = retrying(&server).build().unwrap();
    client.call(&query(), HMAC).await.unwrap();
    let requests = server.stop().await;
    assert_eq!(requests.len(), 3);
    let mut nonces = Vec::new();
    let mut rest = Vec::new();
    for (_, body) in &requests {
        let fields = xml::read(body).unwrap();
        assert_eq!(sign::verify(&fields, &[common::seed_key()], HMAC), Ok(()));
        nonces.push(fields.get("nonce_str").unwrap().to_owned());
        let business: Vec<_> = fields
            .iter()
            .filter(|(name, _)| !["nonce_str", "sign"].contains(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        rest.push(business);
    }
    assert!(rest[0] == rest[1] && rest[1] == rest[2], "{rest:?}");
    nonces.dedup();
    assert_eq!(nonces.len(), 3);
}

#[tokio::test]
async fn tries_come_to_an_end() {
    let server = Server::script(vec![hang_up(), hang_up(), hang_up()]);
    let client = retrying(&server).build().unwrap();
    let error = client.call(&query(), HMAC).await.unwrap_err();
    assert!(matches!(error, CallError::Broken(_)), "{error:?}");
    assert_eq!(server.stop().await.len(), 3);
}

#[tokio::test]
async fn what_must_not_happen_twice_is_sent_once() {
    // A micropay whose outcome is not known, and refusals that a repeat does not mend.
    for (reply, outcome) in [
        (hang_up(), Outcome::Unknown),
        (reply("502 Bad Gateway", ""), Outcome::Unknown),
        (reply("200 OK", &failure("SYSTEMERROR")), Outcome::Answered),
        (
            reply("200 OK", &failure("AUTHCODEEXPIRE")),
            Outcome::Answered,
        ),
    ] {
        let server = Server::script(vec![reply]);
        let client = retrying(&server).build().unwrap();
        let error = client.call(&micropay(), HMAC).await.unwrap_err();
        assert_eq!(error.outcome(), outcome, "{error:?}");
        assert_eq!(server.stop().await.len(), 1);
    }
    for body in [
        failure("ORDERNOTEXIST"),
        "<xml><return_code>FAIL</return_code></xml>".to_owned(),
    ] {
        let server = Server::script(vec![reply("200 OK", &body)]);
        let client = retrying(&server).build().unwrap();
        client.call(&query(), HMAC).await.unwrap_err();
        assert_eq!(server.stop().await.len(), 1);
    }
}

#[tokio::test]
async fn a_code_that_asks_for_a_later_repeat_than_the_deadline_is_handed_on() {
    // SYSTEMERROR of a query: the same again, but after 5 s.
    let server = Server::script(vec![reply("200 OK", &failure("SYSTEMERROR"))]);
    let client = retrying(&server).build().unwrap();
    let error = client
        .call_within(&query(), HMAC, Duration::from_secs(3))
        .await
        .unwrap_err();
    assert!(
        matches!(
            &error,
            CallError::Answer(AnswerError::Business {
                code: ErrorCode::SystemError,
                ..
            })
        ),
        "{error:?}"
    );
    assert_eq!(server.stop().await.len(), 1);
}

#[tokio::test]
async fn a_last_try_that_never_left_does_not_hide_one_that_did() {
    // After the only connection nobody listens, so that the second and third try cannot connect.
    let server = Server::script(vec![hang_up()]);
    let client = retrying(&server).build().unwrap();
    let error = client.call(&query(), HMAC).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
    server.stop().await;
}

#[tokio::test]
async fn all_tries_share_one_deadline() {
    let client = builder()
        .base_url(nobody())
        .retry(RetryPolicy::new(1000).waits(Duration::from_millis(20), Duration::from_millis(20)))
        .build()
        .unwrap();
    let query = query();
    let call = client.call_within(&query, HMAC, Duration::from_millis(200));
    let result = tokio::time::timeout(Duration::from_secs(10), call).await;
    let error = result.expect("it ends").unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent, "{error:?}");
}

/// Gives the same answer at once to one call after another.
fn answers(times: usize) -> Vec<Reply> {
    (0..times).map(|_| reply("200 OK", &not_paid())).collect()
}

#[tokio::test]
async fn a_host_without_an_address_is_left_for_the_backup() {
    let server = Server::script(answers(2));
    let hosts = Arc::new(Mutex::new(Vec::new()));
    let seen = hosts.clone();
    let client = builder()
        // A name that no resolver may know (RFC 6761).
        .base_url("http://gateway.invalid")
        .backup_url(server.url())
        .observe(move |report: &CallReport<'_>| {
            seen.lock().unwrap().push(report.host.to_owned());
        })
        .build()
        .unwrap();
    for _ in 0..3 {
        let error = client.call(&query(), HMAC).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotSent, "{error:?}");
    }
    for _ in 0..2 {
        client.call(&query(), HMAC).await.unwrap();
    }
    let primary = "gateway.invalid";
    assert_eq!(
        *hosts.lock().unwrap(),
        [primary, primary, primary, "127.0.0.1", "127.0.0.1"]
    );
    server.stop().await;
}

#[tokio::test]
async fn a_refusal_to_connect_leaves_no_host() {
    // The rule of the SDK: only time-outs and names count against a host.
    let backup = nobody();
    let client = builder()
        .base_url(nobody())
        .backup_url(backup)
        .retry(three_tries())
        .build()
        .unwrap();
    for _ in 0..3 {
        let error = client.call(&query(), HMAC).await.unwrap_err();
        assert!(matches!(error, CallError::Connect(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_full_client_lets_others_wait_but_not_for_long() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (arrived, arrival) = tokio::sync::oneshot::channel();
    let arrived = Mutex::new(Some(arrived));
    let body = client_support::response("200 OK", not_paid().as_bytes());
    let held: Reply = Box::new(move |stream| {
        if let Some(arrived) = arrived.lock().unwrap().take() {
            arrived.send(()).unwrap();
        }
        held.recv().unwrap();
        std::io::Write::write_all(stream, &body).unwrap();
    });
    let server = Server::script(vec![held, reply("200 OK", &not_paid())]);
    let client = builder()
        .base_url(server.url())
        .max_calls(1, Duration::from_millis(20))
        .build()
        .unwrap();
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.call(&query(), HMAC).await }
    });
    arrival.await.unwrap();
    let error = client.call(&query(), HMAC).await.unwrap_err();
    assert!(
        matches!(error, CallError::Busy { max_calls: 1 }),
        "{error:?}"
    );
    assert_eq!(error.outcome(), Outcome::NotSent);
    release.send(()).unwrap();
    first.await.unwrap().unwrap();
    // Its place is free again.
    client.call(&query(), HMAC).await.unwrap();
    assert_eq!(server.stop().await.len(), 2);
}

/// What an observer heard: endpoint, outcome, kind of error, retries.
type Heard = (&'static str, Outcome, Option<&'static str>, u32);

#[tokio::test]
async fn observers_hear_of_each_call_once() {
    let server = Server::script(vec![
        hang_up(),
        reply("200 OK", &not_paid()),
        reply("200 OK", &failure("ORDERNOTEXIST")),
    ]);
    let heard = Arc::new(Mutex::new(Vec::<Heard>::new()));
    let ears = heard.clone();
    let client = retrying(&server)
        .observe(move |report: &CallReport<'_>| {
            assert_eq!(report.host, "127.0.0.1");
            assert!(!report.duration.is_zero());
            assert!(!format!("{report:?}").contains("T6m9iK73b0kn9g5v426MKfHQH7X8rKwb"));
            ears.lock().unwrap().push((
                report.endpoint,
                report.outcome,
                report.error.map(CallError::kind),
                report.retries,
            ));
        })
        .build()
        .unwrap();
    client.call(&query(), HMAC).await.unwrap();
    client.call(&query(), HMAC).await.unwrap_err();
    assert_eq!(
        *heard.lock().unwrap(),
        [
            ("orderquery", Outcome::Answered, None, 1),
            ("orderquery", Outcome::Answered, Some("business"), 0),
        ]
    );
    server.stop().await;
}

#[tokio::test]
async fn an_audit_log_gets_every_exchange_masked() {
    let paid = client_support::success(&[
        ("trade_type", "NATIVE"),
        ("prepay_id", "wx201410272009395522657a690389285100"),
        ("code_url", "weixin://wxpay/bizpayurl?pr=abc"),
        ("openid", "o-the-payer"),
    ]);
    let server = Server::script(vec![hang_up(), reply("200 OK", &paid)]);
    let log = Arc::new(Mutex::new(Vec::new()));
    let pen = log.clone();
    let client = retrying(&server)
        .audit(move |exchange: &Exchange<'_>| {
            let shown = format!("{exchange:?}");
            for secret in [
                "T6m9iK73b0kn9g5v426MKfHQH7X8rKwb",
                "s3cr3t-p4th",
                "o-the-payer",
            ] {
                assert!(!shown.contains(secret), "{shown}");
            }
            pen.lock().unwrap().push((
                exchange.attempt,
                exchange.request.clone(),
                exchange.http_status,
                exchange.response.cloned(),
            ));
        })
        .build()
        .unwrap();
    client.call(&order(), HMAC).await.unwrap();
    server.stop().await;
    let log = log.lock().unwrap();
    assert_eq!(log.len(), 2);
    assert!(matches!(log[0], (1, _, None, None)), "{:?}", log[0]);
    let (2, Message::Fields(request), Some(200), Some(Message::Fields(response))) = &log[1] else {
        panic!("{:?}", log[1]);
    };
    assert_eq!(request.get("total_fee"), Some("101"));
    assert_eq!(request.get("out_trade_no"), Some("T20260101000001"));
    assert_eq!(response.get("result_code"), Some("SUCCESS"));
    for masked in [
        request.get("sign"),
        request.get("notify_url"),
        response.get("sign"),
        response.get("openid"),
    ] {
        assert_eq!(masked, Some("…"));
    }
}

/// Keeps the pieces of a download.
#[derive(Default)]
struct Pieces(Vec<u8>);

impl BodySink for Pieces {
    fn push(&mut self, chunk: &[u8]) -> Result<(), TooLarge> {
        self.0.extend_from_slice(chunk);
        Ok(())
    }
}

async fn download(client: &Client, sink: &mut impl BodySink) -> Result<u64, CallError> {
    let bill = DownloadBill {
        bill_date: "20260101".parse().unwrap(),
        bill_type: BillType::All,
        tar_type: None,
    };
    client.download(&bill, OnlyMd5, sink).await
}

#[tokio::test]
async fn a_download_goes_to_its_sink() {
    let bill = format!("\u{FEFF}{}", "`2026-01-01 10:00:00,`1\r\n".repeat(20_000));
    assert!(bill.len() > Client::ANSWER_MAX_BYTES);
    // Before a byte has gone to the sink the download is tried again.
    let server = Server::script(vec![hang_up(), reply("200 OK", &bill)]);
    let client = retrying(&server).build().unwrap();
    let mut pieces = Pieces::default();
    let bytes = download(&client, &mut pieces).await.unwrap();
    assert_eq!(bytes, bill.len() as u64);
    assert!(pieces.0 == bill.as_bytes());
    server.stop().await;
}

#[tokio::test]
async fn a_download_that_broke_off_is_not_begun_again() {
    let half: Reply = Box::new(|stream| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n`2026";
        std::io::Write::write_all(stream, head).unwrap();
    });
    let server = Server::script(vec![half]);
    let client = retrying(&server).build().unwrap();
    let mut pieces = Pieces::default();
    let error = download(&client, &mut pieces).await.unwrap_err();
    assert!(matches!(error, CallError::Broken(_)), "{error:?}");
    assert_eq!(pieces.0, b"`2026");
    assert_eq!(server.stop().await.len(), 1);
}

#[tokio::test]
async fn a_refused_download_leaves_the_sink_empty() {
    let refusal =
        "\n<xml><return_code>FAIL</return_code><return_msg>No Bill Exist</return_msg></xml>";
    let server = Server::script(vec![
        reply("200 OK", refusal),
        reply("200 OK", "`much more than eight bytes"),
    ]);
    let client = builder().base_url(server.url()).build().unwrap();
    let mut memory = [0; 8];
    let mut sink = Fixed::new(&mut memory);
    let error = download(&client, &mut sink).await.unwrap_err();
    assert!(matches!(error, CallError::Answer(_)), "{error:?}");
    assert_eq!(wxpay_core::transport::Received::received(&sink), b"");
    let error = download(&client, &mut sink).await.unwrap_err();
    assert!(matches!(error, CallError::SinkFull), "{error:?}");
    server.stop().await;
}
