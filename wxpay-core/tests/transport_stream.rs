//! A call over a stream of bytes that comes in pieces, down to one byte at a time; and over a stack that is spawned.
#![allow(clippy::unwrap_used)]

mod common;

use std::{cell::RefCell, fmt::Write, future::Future, io, rc::Rc};

use common::{answer, query, ready, seed_account, seed_key};
use wxpay_core::{
    NonceStr, SignType, sign,
    transport::{
        self, BodySink, ByteStream, Dial, Fixed, HttpError, OverError, Request, SendTransport,
        StreamError, StreamTransport, Transport, call_over, call_over_send,
    },
    xml,
};

const HMAC: SignType = SignType::HmacSha256;

/// Gives an answer in pieces of so many bytes, and keeps what was written.
struct Pieces {
    answer: Vec<u8>,
    size: usize,
    written: Rc<RefCell<Vec<u8>>>,
}

impl ByteStream for Pieces {
    type Error = io::ErrorKind;

    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, io::ErrorKind> {
        let len = self.size.min(buffer.len()).min(self.answer.len());
        buffer[..len].copy_from_slice(&self.answer[..len]);
        self.answer.drain(..len);
        Ok(len)
    }

    async fn write_all(&mut self, bytes: &[u8]) -> Result<(), io::ErrorKind> {
        self.written.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }
}

/// Connects once, or not at all.
struct Once(Option<Pieces>);

impl Dial for Once {
    type Stream = Pieces;
    type Error = io::ErrorKind;

    async fn dial(&mut self, host: &str, client_cert: bool) -> Result<Pieces, io::ErrorKind> {
        assert_eq!(host, transport::PRIMARY_HOST);
        assert!(!client_cert);
        self.0.take().ok_or(io::ErrorKind::ConnectionRefused)
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

type Failed = OverError<StreamError<io::ErrorKind>>;

/// One call over a stream that answers so, into 4 KiB.
fn call(answer: &[u8], size: usize) -> Result<String, Failed> {
    let written = Rc::default();
    let mut stack = StreamTransport::new(Once(Some(Pieces {
        answer: answer.to_vec(),
        size,
        written: Rc::clone(&written),
    })));
    let mut memory = [0; 4096];
    let result = ready(call_over(
        &mut stack,
        transport::PRIMARY_HOST,
        &query(),
        &seed_account(),
        HMAC,
        &NonceStr::from_random(*b"16 random bytes!"),
        &mut Fixed::new(&mut memory),
    ));
    let written = written.borrow();
    let end = written
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let (head, body) = written.split_at(end + 4);
    assert_eq!(
        std::str::from_utf8(head).unwrap(),
        format!(
            "POST /pay/orderquery HTTP/1.1\r\nhost: api.mch.weixin.qq.com\r\n\
             content-type: text/xml; charset=utf-8\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
    );
    let fields = xml::read(body).unwrap();
    assert_eq!(sign::verify(&fields, &[seed_key()], HMAC), Ok(()));
    result.map(|answer| answer.trade_state.as_str().to_owned())
}

/// The body in chunks of so many bytes, with what a chunk may have around it.
fn chunked(body: &str, size: usize) -> String {
    let mut all = String::new();
    for chunk in body.as_bytes().chunks(size) {
        let chunk = std::str::from_utf8(chunk).unwrap();
        write!(all, "{:X};name=\"value\"\r\n{chunk}\r\n", chunk.len()).unwrap();
    }
    all + "0\r\nx-trailer: 1\r\n\r\n"
}

#[test]
fn every_kind_of_answer_in_any_pieces() {
    let body = not_paid();
    let long_header = "x".repeat(4000);
    let answers = [
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}left over",
            body.len()
        ),
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n{}",
            chunked(&body, 7)
        ),
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}",
            chunked(&body, 10_000)
        ),
        format!("HTTP/1.0 200\nserver: {long_header}\n\n{body}"),
        // A continued line is no header, whatever it looks like.
        format!("HTTP/1.1 200 OK\r\nx: 1\r\n content-length : 1\r\n\r\n{body}"),
        format!(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:{}\r\n\r\n{body}",
            body.len()
        ),
    ];
    for answer in &answers {
        for size in [1, 2, 50, 10_000] {
            let result = call(answer.as_bytes(), size);
            assert_eq!(result.unwrap(), "NOTPAY", "{size}: {answer:.60}");
        }
    }
}

#[test]
fn what_is_no_answer_is_named() {
    let too_much = "x".repeat(9000);
    let long_length = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}1\r\n\r\n",
        " ".repeat(60)
    );
    let long_head = format!("HTTP/1.1 200 OK\r\nx: {too_much}\r\n\r\n");
    let endless = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
    // More around the chunks than in them.
    let dusty = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}",
        format!("1;{}\r\nx\r\n", "x".repeat(50)).repeat(1000)
    );
    for (answer, error) in [
        ("", HttpError::Cut),
        ("HTTP/1.1 200 OK\r\n", HttpError::Cut),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n<xml>",
            HttpError::Cut,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n<xml>\r\n",
            HttpError::Cut,
        ),
        ("<xml></xml>\r\n", HttpError::NotHttp),
        ("HTTP/2 200\r\n", HttpError::NotHttp),
        ("HTTP/1.1 2000 OK\r\n", HttpError::NotHttp),
        ("HTTP/1.1 099 No\r\n", HttpError::NotHttp),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            HttpError::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
            HttpError::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
            HttpError::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            HttpError::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
            HttpError::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
            HttpError::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n",
            HttpError::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length : 1\r\n\r\nab",
            HttpError::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding\t: chunked\r\n\r\nab",
            HttpError::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\t2\r\n\r\nabcdefghijkl",
            HttpError::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
            HttpError::Length,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10000000000000000\r\n",
            HttpError::Length,
        ),
        (&long_length, HttpError::Length),
        (&long_head, HttpError::LongHead),
        (&endless, HttpError::LongHead),
        (&dusty, HttpError::LongHead),
    ] {
        for size in [1, 10_000] {
            let result = call(answer.as_bytes(), size).unwrap_err();
            let OverError::Transport(StreamError::Http(got)) = result else {
                panic!("{answer:.60}: {result:?}");
            };
            assert_eq!(got, error, "{answer:.60}");
        }
    }
}

#[test]
fn a_body_beyond_the_memory_is_not_read_to_its_end() {
    let page = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 3145728\r\n\r\n{}",
        "x".repeat(5000)
    );
    let error = call(page.as_bytes(), 100).unwrap_err();
    assert!(matches!(error, OverError::TooLarge), "{error:?}");
    let page =
        "HTTP/1.1 400 Bad Request\r\n\r\n<title>400 No required SSL certificate was sent</title>";
    let error = call(page.as_bytes(), 1).unwrap_err();
    assert!(matches!(error, OverError::CertificateDemanded), "{error:?}");
}

/// A bill is longer than the lines around its chunks may be, and so are they all together.
#[test]
fn a_long_body_may_have_many_chunks() {
    let chunks = 4000;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
        format!("40\r\n{}\r\n", "x".repeat(64)).repeat(chunks)
    );
    let mut stack = StreamTransport::new(Once(Some(Pieces {
        answer: answer.into_bytes(),
        size: 512,
        written: Rc::default(),
    })));
    let request = Request {
        host: transport::PRIMARY_HOST,
        path: "/pay/downloadbill",
        content_type: transport::CONTENT_TYPE,
        body: b"<xml></xml>",
        client_cert: false,
    };
    let mut body = Vec::new();
    let result = ready(Transport::send(
        &mut stack,
        &request,
        &mut transport::Limited::new(&mut body, 1 << 20),
    ));
    assert_eq!(result, Ok(200));
    assert_eq!(body.len(), 64 * chunks);
}

#[test]
fn no_connection_is_told_from_a_broken_one() {
    let mut stack = StreamTransport::new(Once(None));
    let request = Request {
        host: transport::PRIMARY_HOST,
        path: "/pay/orderquery",
        content_type: transport::CONTENT_TYPE,
        body: b"<xml></xml>",
        client_cert: false,
    };
    let result = ready(stack.send(&request, &mut Fixed::new(&mut [0; 8])));
    assert_eq!(
        result,
        Err(StreamError::Dial(io::ErrorKind::ConnectionRefused))
    );
}

/// A stack that can be sent to another thread.
struct Sendable(String);

impl SendTransport for Sendable {
    type Error = io::Error;

    async fn send<B: BodySink + Send>(&mut self, _: &Request<'_>, body: &mut B) -> io::Result<u16> {
        let _ = body.push(self.0.as_bytes());
        Ok(200)
    }
}

/// Runs a call on another thread, over a stack of which it knows nothing but the trait.
fn elsewhere<T: SendTransport + 'static>(mut stack: T) -> String {
    fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> F::Output {
        std::thread::scope(|scope| scope.spawn(|| ready(future)).join().unwrap())
    }
    spawn(async move {
        let mut answer = Vec::new();
        let answer = call_over_send(
            // A borrowed stack is one too.
            &mut &mut stack,
            transport::PRIMARY_HOST,
            &query(),
            &seed_account(),
            HMAC,
            &NonceStr::from_random(*b"16 random bytes!"),
            &mut transport::Limited::new(&mut answer, 4096),
        )
        .await;
        answer.unwrap().trade_state.as_str().to_owned()
    })
}

#[test]
fn a_call_is_spawned_over_any_stack() {
    assert_eq!(elsewhere(Sendable(not_paid())), "NOTPAY");
}
