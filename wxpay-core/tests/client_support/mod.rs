//! What the tests of the client share: a server of a few lines, on loopback.
#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use wxpay_core::{
    Fen, SignType,
    api::MicroPay,
    client::{Client, ClientBuilder},
};

pub(crate) use crate::common::query;
use crate::common::{answer, seed_account};

pub(crate) const HMAC: SignType = SignType::HmacSha256;

/// Serves connections one after the other; each request goes to `requests`, and `reply` writes the answer.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    requests: mpsc::Receiver<(String, Vec<u8>)>,
    thread: JoinHandle<()>,
}

impl Server {
    /// A server that takes `connections` connections and one request on each.
    pub(crate) fn start(
        connections: usize,
        reply: impl Fn(&mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let reply = Arc::new(reply);
        let replies = (0..connections).map(|_| {
            let reply = reply.clone();
            Box::new(move |stream: &mut TcpStream| reply(stream)) as Reply
        });
        Self::script(replies.collect())
    }

    /// A server that takes a connection and one request for each of the replies.
    pub(crate) fn script(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (sender, requests) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            for reply in replies {
                let (mut stream, _) = listener.accept().unwrap();
                sender.send(read_request(&mut stream)).unwrap();
                reply(&mut stream);
            }
        });
        Self {
            addr,
            requests,
            thread,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn client(&self) -> Client {
        builder().base_url(self.url()).build().unwrap()
    }

    /// Waits for the server's end without holding up the client, whose connections close on this runtime.
    pub(crate) async fn stop(self) -> Vec<(String, Vec<u8>)> {
        tokio::task::spawn_blocking(|| self.thread.join().unwrap())
            .await
            .unwrap();
        self.requests.try_iter().collect()
    }
}

pub(crate) type Reply = Box<dyn Fn(&mut TcpStream) + Send>;

pub(crate) fn read_request(stream: &mut impl Read) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let len: usize = head
                .lines()
                .find_map(|line| {
                    line.to_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse()
                        .ok()
                })
                .unwrap();
            if bytes.len() >= end + 4 + len {
                return (head, bytes[end + 4..].to_vec());
            }
        }
        let read = stream.read(&mut chunk).unwrap();
        assert!(read > 0, "the client hung up in the middle of a request");
        bytes.extend_from_slice(&chunk[..read]);
    }
}

pub(crate) fn response(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

pub(crate) fn respond(status: &str, body: &str) -> impl Fn(&mut TcpStream) + Send + Sync + 'static {
    let response = response(status, body.as_bytes());
    move |stream| stream.write_all(&response).unwrap()
}

pub(crate) fn reply(status: &str, body: &str) -> Reply {
    Box::new(respond(status, body))
}

/// Hangs up without a word.
pub(crate) fn hang_up() -> Reply {
    Box::new(|_| {})
}

pub(crate) fn builder() -> ClientBuilder {
    // Once for the process; later tests find it there.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder(seed_account())
}

/// A port that was free a moment ago and has no listener now.
pub(crate) fn nobody() -> String {
    let addr = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    format!("http://{addr}")
}

pub(crate) fn micropay() -> MicroPay {
    MicroPay::new(
        "T20260101000001".parse().unwrap(),
        "Tea".parse().unwrap(),
        Fen::new(101).unwrap(),
        "127.0.0.1".parse().unwrap(),
        "134567890123456789".parse().unwrap(),
    )
}

/// A signed answer of the account: `result_code` SUCCESS and these fields.
pub(crate) fn success(fields: &[(&str, &str)]) -> String {
    enveloped("SUCCESS", fields)
}

/// A signed refusal.
pub(crate) fn failure(err_code: &str) -> String {
    enveloped("FAIL", &[("err_code", err_code)])
}

fn enveloped(result_code: &str, fields: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("return_code", "SUCCESS"),
        ("appid", "wx8397f8696b538317"),
        ("mch_id", "1473426802"),
        ("nonce_str", "fvMGIlLauUPNCtws"),
        ("result_code", result_code),
    ];
    all.extend(fields);
    answer(&all, HMAC)
}

pub(crate) fn not_paid() -> String {
    success(&[("trade_state", "NOTPAY")])
}
