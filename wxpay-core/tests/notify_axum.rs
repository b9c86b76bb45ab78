//! Notifies in axum: what the extractor takes, what it refuses, and how it answers.
#![allow(clippy::unwrap_used)]

mod common;

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{Request, StatusCode, header},
    routing::post,
};
use common::{seed_account, seed_notify};
use tower::ServiceExt;
use wxpay_core::{
    NotifyError, NotifyReply, SignType,
    notify::{Handled, IncomingNotify},
};

async fn notify(incoming: IncomingNotify) -> Result<NotifyReply<'static>, NotifyError> {
    assert_eq!(&incoming.bytes[..5], b"<xml>");
    assert!(incoming.notify.hints()?.out_trade_no.is_some());
    let handled = incoming.notify.open(&seed_account(), SignType::Md5)?;
    assert!(matches!(handled, Handled::Pay(_)));
    Ok(NotifyReply::Success)
}

async fn send(content_type: Option<&str>, body: impl Into<Body>) -> (StatusCode, String) {
    let mut request = Request::post("/notify");
    if let Some(content_type) = content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    let request = request.body(body.into()).unwrap();
    let app: Router = Router::new().route("/notify", post(notify));
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "text/xml; charset=utf-8"
    );
    let status = response.status();
    let body = to_bytes(response.into_body(), 1024).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn fail(reason: &str) -> String {
    NotifyReply::Fail(reason).to_xml()
}

/// Pads a message to a length with white space, which may stand at its end.
fn padded(len: usize) -> String {
    let mut body = seed_notify();
    body.extend(std::iter::repeat_n('\n', len - body.len()));
    body
}

#[tokio::test]
async fn takes_a_notify_whatever_its_content_type_is_called() {
    for content_type in [
        Some("text/xml"),
        Some("text/xml; charset=utf-8"),
        Some("Application/XML ;charset=UTF-8"),
        None,
    ] {
        let answered = send(content_type, seed_notify()).await;
        assert_eq!(
            answered,
            (StatusCode::OK, NotifyReply::Success.to_xml()),
            "{content_type:?}"
        );
    }
}

#[tokio::test]
async fn refuses_another_content_type() {
    for content_type in ["application/json", "text/xmlx", "", "text/html, text/xml"] {
        let answered = send(Some(content_type), seed_notify()).await;
        let refused = (StatusCode::UNSUPPORTED_MEDIA_TYPE, fail("not XML"));
        assert_eq!(answered, refused, "{content_type}");
    }
}

#[tokio::test]
async fn refuses_what_is_too_large_by_its_length_and_by_its_chunks() {
    let max = IncomingNotify::MAX_BYTES;
    assert_eq!(max, 65_536);
    let taken = send(Some("text/xml"), padded(max)).await;
    assert_eq!(taken, (StatusCode::OK, NotifyReply::Success.to_xml()));

    let refused = (StatusCode::PAYLOAD_TOO_LARGE, fail("too large"));
    assert_eq!(send(Some("text/xml"), padded(max + 1)).await, refused);
    let chunk = Bytes::from(vec![b' '; 1024]);
    // A body without an end, so that a reader that does not stop would never come back.
    let endless = futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
    assert_eq!(
        send(Some("text/xml"), Body::from_stream(endless)).await,
        refused
    );
}

#[tokio::test]
async fn refuses_a_body_that_breaks_off() {
    let broken = futures_util::stream::iter([
        Ok(Bytes::from_static(b"<xml>")),
        Err(std::io::Error::other("gone")),
    ]);
    assert_eq!(
        send(Some("text/xml"), Body::from_stream(broken)).await,
        (StatusCode::BAD_REQUEST, fail("cut off"))
    );
}

#[tokio::test]
async fn answers_what_is_no_notify_and_what_is_forged_with_fail() {
    assert_eq!(
        send(Some("text/xml"), "<html>").await,
        (StatusCode::BAD_REQUEST, fail("not a notify"))
    );
    assert_eq!(
        send(Some("text/xml"), "").await,
        (StatusCode::BAD_REQUEST, fail("not a notify"))
    );
    let forged = seed_notify().replace("<total_fee>1<", "<total_fee>2<");
    assert_ne!(forged, seed_notify());
    assert_eq!(
        send(Some("text/xml"), forged).await,
        (StatusCode::OK, fail("not accepted"))
    );
}
