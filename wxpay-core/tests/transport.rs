//! A call over a stack of the caller's own, which is neither `Send` nor `'static`.
#![allow(clippy::unwrap_used)]

mod common;

use std::{cell::RefCell, rc::Rc};

use common::{answer, query, ready, seed_account, seed_key};
use wxpay_core::{
    NonceStr, SignType, sign,
    transport::{
        self, BodySink, Fixed, Limited, OverError, Received, Request, Transport, call_over,
    },
    xml,
};

const HMAC: SignType = SignType::HmacSha256;

/// Host and path, and the message.
type Sent = (String, Vec<u8>);

/// Answers each request alike, in small pieces, and keeps what was sent. It ignores a full sink, as a careless one would.
struct Canned<'a> {
    status: u16,
    body: &'a [u8],
    sent: Rc<RefCell<Vec<Sent>>>,
}

impl Transport for Canned<'_> {
    type Error = &'static str;

    async fn send<B: BodySink>(
        &mut self,
        request: &Request<'_>,
        body: &mut B,
    ) -> Result<u16, Self::Error> {
        let Request { host, path, .. } = request;
        assert_eq!(request.content_type, "text/xml; charset=utf-8");
        assert!(!request.client_cert);
        self.sent
            .borrow_mut()
            .push((format!("{host}{path}"), request.body.to_vec()));
        if self.status == 0 {
            return Err("no link");
        }
        for piece in self.body.chunks(50) {
            let _ = body.push(piece);
        }
        Ok(self.status)
    }
}

fn not_paid() -> String {
    answer(
        &[
            ("return_code", "SUCCESS"),
            ("appid", "wx8397f8696b538317"),
            ("mch_id", "1473426802"),
            ("nonce_str", "fvMGIlLauUPNCtws"),
            ("result_code", "SUCCESS"),
            ("trade_state", "NOTPAY"),
        ],
        HMAC,
    )
}

/// The result of one call with that answer and that memory.
fn call(
    status: u16,
    body: &[u8],
    sink: &mut impl Received,
) -> Result<String, OverError<&'static str>> {
    let sent = Rc::default();
    let mut stack = Canned {
        status,
        body,
        sent: Rc::clone(&sent),
    };
    let result = ready(call_over(
        // A borrowed stack is one too.
        &mut &mut stack,
        transport::PRIMARY_HOST,
        &query(),
        &seed_account(),
        HMAC,
        &NonceStr::from_random(*b"16 random bytes!"),
        sink,
    ));
    let sent = sent.borrow();
    let [(url, message)] = &sent[..] else {
        panic!("sent {} times", sent.len());
    };
    assert_eq!(url, "api.mch.weixin.qq.com/pay/orderquery");
    let fields = xml::read(message).unwrap();
    assert_eq!(sign::verify(&fields, &[seed_key()], HMAC), Ok(()));
    result.map(|answer| answer.trade_state.as_str().to_owned())
}

#[test]
fn a_call_with_and_without_a_heap() {
    let body = not_paid();
    let mut memory = [0; 2048];
    let mut vector = b"left over".to_vec();
    assert_eq!(
        call(200, body.as_bytes(), &mut Fixed::new(&mut memory)).unwrap(),
        "NOTPAY"
    );
    assert_eq!(
        call(200, body.as_bytes(), &mut Limited::new(&mut vector, 2048)).unwrap(),
        "NOTPAY"
    );
    assert_eq!(vector, body.as_bytes());
}

#[test]
fn what_does_not_fit_is_an_error_even_if_the_stack_does_not_care() {
    let body = not_paid();
    let mut memory = vec![0; body.len() - 1];
    let error = call(200, body.as_bytes(), &mut Fixed::new(&mut memory)).unwrap_err();
    assert!(matches!(error, OverError::TooLarge), "{error:?}");
}

#[test]
fn what_is_no_answer_is_named() {
    let mut memory = [0; 1024];
    let sink = &mut Fixed::new(&mut memory);
    let error = call(0, b"", sink).unwrap_err();
    assert!(
        matches!(error, OverError::Transport("no link")),
        "{error:?}"
    );
    let error = call(502, b"<html>bad gateway</html>", sink).unwrap_err();
    assert!(
        matches!(error, OverError::Http { status: 502 }),
        "{error:?}"
    );
    let page = b"<html><title>400 No required SSL certificate was sent</title></html>";
    let error = call(400, page, sink).unwrap_err();
    assert!(matches!(error, OverError::CertificateDemanded), "{error:?}");
    let error = call(200, b"<!DOCTYPE html><html></html>", sink).unwrap_err();
    assert!(matches!(error, OverError::Answer(_)), "{error:?}");
}
