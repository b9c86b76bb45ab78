//! The client's idle connections: kept and used again, and never the cause of a lost or a doubled call.
#![allow(clippy::unwrap_used)]

mod client_support;
mod common;

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread::JoinHandle,
    time::Duration,
};

use client_support::{HMAC, builder, failure, micropay, not_paid, query, read_request};
use wxpay_core::{
    client::{CallError, Client, Outcome},
    transport::RetryPolicy,
};

/// What a server does with the next request on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Answers, and keeps the connection for the next request.
    Answer,
    /// Answers, and closes the connection when the test says so.
    AnswerAndClose,
    /// Reads the request and closes the connection.
    ReadAndClose,
}

/// Serves its connections one after the other, with these acts on each; says how many requests came on each.
struct Server {
    url: String,
    close: mpsc::Sender<()>,
    closed: mpsc::Receiver<()>,
    thread: JoinHandle<Vec<usize>>,
}

impl Server {
    fn start(connections: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (report_close, closed) = mpsc::channel();
        let (close, told_to_close) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let requests = connections
                .iter()
                .map(|acts| {
                    let (mut stream, _) = listener.accept().unwrap();
                    let requests = acts
                        .iter()
                        .take_while(|act| serve(&mut stream, **act, &told_to_close))
                        .count();
                    drop(stream);
                    // The test may be over.
                    let _ = report_close.send(());
                    requests
                })
                .collect();
            // Nobody else came.
            listener.set_nonblocking(true).unwrap();
            assert!(listener.accept().is_err(), "one more connection");
            requests
        });
        Self {
            url,
            close,
            closed,
            thread,
        }
    }

    fn client(&self) -> Client {
        builder()
            .base_url(&self.url)
            .retry(RetryPolicy::new(3).waits(Duration::ZERO, Duration::ZERO))
            .build()
            .unwrap()
    }

    /// How many requests came on each connection; the client must be gone.
    fn stop(self) -> Vec<usize> {
        self.thread.join().unwrap()
    }
}

/// Whether there was a request.
fn serve(stream: &mut TcpStream, act: Act, told_to_close: &mpsc::Receiver<()>) -> bool {
    if stream.peek(&mut [0]).unwrap_or(0) == 0 {
        return false;
    }
    let (head, _) = read_request(stream);
    let answer = if head.contains("micropay") {
        failure("AUTHCODEEXPIRE")
    } else {
        not_paid()
    };
    if act != Act::ReadAndClose {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    }
    if act == Act::AnswerAndClose {
        told_to_close.recv().unwrap();
    }
    true
}

#[tokio::test]
async fn calls_share_a_connection() {
    let server = Server::start(vec![vec![Act::Answer; 3]]);
    let client = server.client();
    for _ in 0..3 {
        client.call(&query(), HMAC).await.unwrap();
    }
    assert_eq!(server.stop(), [3]);
}

#[tokio::test]
async fn none_is_kept_if_that_is_said() {
    // Each connection would be used again.
    let server = Server::start(vec![vec![Act::Answer; 2]; 2]);
    let client = builder()
        .base_url(&server.url)
        .pool_idle_timeout(Duration::ZERO)
        .build()
        .unwrap();
    for _ in 0..2 {
        client.call(&query(), HMAC).await.unwrap();
    }
    drop(client);
    // The connections close on this runtime.
    let requests = tokio::task::spawn_blocking(|| server.stop());
    assert_eq!(requests.await.unwrap(), [1, 1]);
}

/// A call that must not be repeated, after the server has closed the idle connection while this thread was busy.
async fn after_an_idle_close() {
    let server = Server::start(vec![vec![Act::AnswerAndClose], vec![Act::Answer]]);
    let client = server.client();
    client.call(&query(), HMAC).await.unwrap();
    // On purpose without the runtime: it has not seen the close when the call begins.
    server.close.send(()).unwrap();
    server.closed.recv().unwrap();
    let error = client.call(&micropay(), HMAC).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Answered, "{error:?}");
    drop(client);
    assert_eq!(server.stop(), [1, 1]);
}

#[tokio::test]
async fn a_connection_that_was_closed_when_idle_loses_no_call() {
    for _ in 0..50 {
        after_an_idle_close().await;
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_under_a_call_doubles_none() {
    // A micropay that was read may have had its effect, so it is not sent again.
    let server = Server::start(vec![vec![Act::Answer, Act::ReadAndClose]]);
    let client = server.client();
    client.call(&query(), HMAC).await.unwrap();
    let error = client.call(&micropay(), HMAC).await.unwrap_err();
    assert!(matches!(error, CallError::Broken(_)), "{error:?}");
    assert_eq!(error.outcome(), Outcome::Unknown);
    drop(client);
    assert_eq!(server.stop(), [2]);
    // A query is.
    let server = Server::start(vec![
        vec![Act::Answer, Act::ReadAndClose],
        vec![Act::Answer],
    ]);
    let client = server.client();
    for _ in 0..2 {
        client.call(&query(), HMAC).await.unwrap();
    }
    drop(client);
    assert_eq!(server.stop(), [2, 1]);
}
