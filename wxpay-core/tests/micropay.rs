//! A micropay driven to its end, against a gateway of a few lines.
#![allow(clippy::unwrap_used)]

mod client_support;
mod common;

use std::time::Duration;

use client_support::{HMAC, Reply, Server, builder, failure, hang_up, micropay, reply, success};
use wxpay_core::{
    Fen,
    api::{ErrorCode, Payment},
    client::{CallError, MicropayError, Outcome},
    micropay::{MicropayEnd, Timing},
    xml,
};

/// The official figures, a thousand times as fast.
const FAST: Timing = Timing {
    query_every: Duration::from_millis(10),
    query_after_error: Duration::from_millis(5),
    poll_for: Duration::from_millis(45),
    reverse_not_before: Duration::from_millis(15),
    reverse_every: Duration::from_millis(2),
    reverses: 11,
    reverse_for: Duration::from_secs(1),
};

fn payment(total_fee: &str, more: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("trade_type", "MICROPAY"),
        ("bank_type", "OTHERS"),
        ("fee_type", "CNY"),
        ("total_fee", total_fee),
        ("cash_fee", total_fee),
        ("transaction_id", "4200000000000000000000000001"),
        ("out_trade_no", "T20260101000001"),
        ("time_end", "20260101100000"),
        ("openid", "o-the-payer"),
        ("is_subscribe", "N"),
    ];
    fields.extend(more);
    success(&fields)
}

fn state(trade_state: &str) -> String {
    success(&[("trade_state", trade_state)])
}

fn ok(body: &str) -> Reply {
    reply("200 OK", body)
}

/// Runs a micropay against these replies; the paths that were called come back too.
async fn run(replies: Vec<Reply>, timing: Timing) -> (Result<Payment, MicropayError>, Vec<String>) {
    let server = Server::script(replies);
    let client = builder()
        .base_url(server.url())
        .plain_http_without_identity()
        .build()
        .unwrap();
    let result = client.micropay_with_poll(&micropay(), HMAC, timing).await;
    let paths = server.stop().await.into_iter().map(|(head, body)| {
        let fields = xml::read(&body).unwrap();
        assert_eq!(fields.get("out_trade_no"), Some("T20260101000001"));
        head.split(' ').nth(1).unwrap().to_owned()
    });
    (result, paths.collect())
}

const PAY: &str = "/pay/micropay";
const QUERY: &str = "/pay/orderquery";
const REVERSE: &str = "/secapi/pay/reverse";

#[tokio::test]
async fn paid_at_once() {
    let (result, paths) = run(vec![ok(&payment("101", &[]))], FAST).await;
    assert_eq!(result.unwrap().total_fee, Fen::new(101).unwrap());
    assert_eq!(paths, [PAY]);
}

#[tokio::test]
async fn paid_after_a_password() {
    let patient = Timing {
        poll_for: Duration::from_mins(1),
        ..FAST
    };
    let replies = vec![
        ok(&failure("USERPAYING")),
        ok(&state("USERPAYING")),
        hang_up(),
        ok(&payment("101", &[("trade_state", "SUCCESS")])),
    ];
    let (result, paths) = run(replies, patient).await;
    assert_eq!(
        result.unwrap().transaction_id.as_str(),
        "4200000000000000000000000001"
    );
    assert_eq!(paths, [PAY, QUERY, QUERY, QUERY]);
}

#[tokio::test]
async fn a_lost_answer_that_stays_open_is_reversed() {
    let hurried = Timing {
        poll_for: Duration::ZERO,
        ..FAST
    };
    let replies = vec![
        hang_up(),
        ok(&success(&[("recall", "Y")])),
        hang_up(),
        ok(&success(&[("recall", "N")])),
    ];
    let (result, paths) = run(replies, hurried).await;
    let error = result.unwrap_err();
    assert_eq!(error.end, MicropayEnd::Reversed);
    assert_eq!(paths, [PAY, REVERSE, REVERSE, REVERSE]);
}

#[tokio::test]
async fn a_payment_that_failed_is_reversed() {
    let replies = vec![
        ok(&failure("BANKERROR")),
        ok(&state("PAYERROR")),
        ok(&success(&[("recall", "N")])),
    ];
    let (result, paths) = run(replies, FAST).await;
    assert_eq!(result.unwrap_err().end, MicropayEnd::Reversed);
    assert_eq!(paths, [PAY, QUERY, REVERSE]);
}

#[tokio::test]
async fn a_refused_code_ends_it() {
    let (result, paths) = run(vec![ok(&failure("AUTHCODEEXPIRE"))], FAST).await;
    let error = result.unwrap_err();
    assert_eq!(error.end, MicropayEnd::Refused);
    assert_eq!(
        error.to_string(),
        "the micropay was not proven to be paid: refused"
    );
    let Some(CallError::Answer(wxpay_core::api::AnswerError::Business { code, .. })) = error.cause
    else {
        panic!("{:?}", error.cause);
    };
    assert_eq!(code, ErrorCode::AuthCodeExpire);
    assert_eq!(paths, [PAY]);
}

#[tokio::test]
async fn a_number_that_is_paid_already_counts_only_with_its_amount() {
    for (total_fee, end) in [("101", None), ("102", Some(MicropayEnd::NumberTaken))] {
        let replies = vec![
            ok(&failure("ORDERPAID")),
            ok(&payment(total_fee, &[("trade_state", "SUCCESS")])),
        ];
        let (result, paths) = run(replies, FAST).await;
        assert_eq!(result.err().map(|error| error.end), end);
        assert_eq!(paths, [PAY, QUERY]);
    }
    // Open, but perhaps not ours: it is left alone.
    let replies = vec![ok(&failure("OUT_TRADE_NO_USED")), ok(&state("NOTPAY"))];
    let (result, paths) = run(replies, FAST).await;
    assert_eq!(result.unwrap_err().end, MicropayEnd::NumberTaken);
    assert_eq!(paths, [PAY, QUERY]);
    // Nothing was ever there: the request was at fault.
    let replies = vec![
        ok(&failure("INVALID_REQUEST")),
        ok(&failure("ORDERNOTEXIST")),
    ];
    let (result, _) = run(replies, FAST).await;
    assert_eq!(result.unwrap_err().end, MicropayEnd::Refused);
}

#[tokio::test]
async fn a_refused_reverse_leaves_it_open() {
    let replies = vec![
        ok(&failure("SYSTEMERROR")),
        ok(&state("PAYERROR")),
        ok(&failure("REVERSE_EXPIRE")),
        ok(&state("USERPAYING")),
    ];
    let (result, paths) = run(replies, FAST).await;
    assert_eq!(result.unwrap_err().end, MicropayEnd::Unknown);
    assert_eq!(paths, [PAY, QUERY, REVERSE, QUERY]);
}

#[tokio::test]
async fn without_a_certificate_nothing_is_paid() {
    let client = builder().base_url("http://127.0.0.1:9").build().unwrap();
    let error = client
        .micropay_with_poll(&micropay(), HMAC, Timing::DEFAULT)
        .await
        .unwrap_err();
    assert_eq!(error.end, MicropayEnd::NotSent);
    let cause = error.cause.unwrap();
    assert!(matches!(cause, CallError::NoCertificate), "{cause:?}");
    assert_eq!(cause.outcome(), Outcome::NotSent);
}

#[tokio::test]
async fn what_never_left_is_not_asked_for() {
    let client = builder()
        .base_url(client_support::nobody())
        .plain_http_without_identity()
        .build()
        .unwrap();
    let error = client
        .micropay_with_poll(&micropay(), HMAC, FAST)
        .await
        .unwrap_err();
    assert_eq!(error.end, MicropayEnd::NotSent);
}
