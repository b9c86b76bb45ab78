//! What the client does while it waits: a time-out for each phase, answers that drip, and answers without measure.
#![allow(clippy::unwrap_used)]

mod client_support;
mod common;

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use client_support::{HMAC, Server, builder, failure, not_paid, query, reply, response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wxpay_core::{
    client::{CallError, CallReport, Client, ClientBuilder, Outcome},
    transport::RetryPolicy,
    xml,
};

/// A port where the kernel takes connections and bytes, and nobody ever answers.
fn silence() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    (listener, addr)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How a call ended, and after how many seconds, on a clock that jumps whenever nothing else is to be done.
async fn ended(builder: ClientBuilder) -> (u64, CallError) {
    let client = builder.build().unwrap();
    let started = tokio::time::Instant::now();
    let error = client.call(&query(), HMAC).await.unwrap_err();
    (started.elapsed().as_secs(), error)
}

#[tokio::test(start_paused = true)]
async fn a_tls_handshake_without_end_is_no_connection() {
    let (_port, addr) = silence();
    let https = || {
        builder()
            .base_url(format!("https://{addr}"))
            .only_roots_pem(include_bytes!("data/identity/authority.pem").as_slice())
    };
    for (builder, after) in [
        (https(), 6),
        (https().connect_timeout(seconds(3)), 3),
        // The other time-outs do not take it for silence of a gateway that was asked.
        (
            https()
                .connect_timeout(seconds(10))
                .read_timeout(seconds(1)),
            10,
        ),
        (https().total_timeout(seconds(4)), 4),
    ] {
        let (took, error) = ended(builder).await;
        assert!(
            matches!(error, CallError::Timeout { after_sent: false }),
            "{error:?}"
        );
        assert_eq!(error.outcome(), Outcome::NotSent);
        assert_eq!(took, after);
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_does_not_answer_may_have_acted() {
    let (_port, addr) = silence();
    let http = || builder().base_url(format!("http://{addr}"));
    for (builder, after) in [
        (http(), 8),
        (http().read_timeout(seconds(3)), 3),
        (http().total_timeout(seconds(5)), 5),
    ] {
        let (took, error) = ended(builder).await;
        assert!(
            matches!(error, CallError::Timeout { after_sent: true }),
            "{error:?}"
        );
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert_eq!(took, after);
    }
}

#[tokio::test(start_paused = true)]
async fn a_download_has_its_own_end() {
    use wxpay_core::api::{BillType, DownloadBill, OnlyMd5};

    let (_port, addr) = silence();
    let client = builder()
        .base_url(format!("http://{addr}"))
        .read_timeout(seconds(1000))
        .build()
        .unwrap();
    let bill = DownloadBill {
        bill_date: "20260101".parse().unwrap(),
        bill_type: BillType::All,
        tar_type: None,
    };
    let started = tokio::time::Instant::now();
    let mut memory = [0; 16];
    let mut sink = wxpay_core::transport::Fixed::new(&mut memory);
    client
        .download(&bill, OnlyMd5, &mut sink)
        .await
        .unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 600);
}

/// Writes a beginning, and then one byte after the other until the client hangs up.
fn drip(beginning: &'static str) -> impl Fn(&mut TcpStream) + Send + Sync + 'static {
    move |stream| {
        stream.set_nodelay(true).unwrap();
        let mut sent = stream.write_all(beginning.as_bytes());
        while sent.is_ok() {
            std::thread::sleep(Duration::from_millis(2));
            sent = stream.write_all(b"x");
        }
    }
}

#[tokio::test]
async fn an_answer_that_drips_is_cut_off() {
    let short = Duration::from_millis(150);
    let long = Duration::from_mins(10);
    for (beginning, read, total) in [
        // The head has one time-out as a whole.
        ("HTTP/1.1 200 OK\r\nx-drip: ", short, long),
        ("HTTP/1.1 200 OK\r\nx-drip: ", long, short),
        // A body that goes on is cut off by the end of the call.
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n<xml>",
            long,
            short,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n<xml>",
            short,
            short * 3,
        ),
    ] {
        let server = Server::start(1, drip(beginning));
        let client = builder()
            .base_url(server.url())
            .read_timeout(read)
            .total_timeout(total)
            .build()
            .unwrap();
        let query = query();
        let call = tokio::time::timeout(seconds(60), client.call(&query, HMAC));
        let error = call.await.expect("it ends").unwrap_err();
        assert!(
            matches!(error, CallError::Timeout { after_sent: true }),
            "{error:?}"
        );
        drop(client);
        server.stop().await;
    }
    // The page that demands a certificate, when it drips, is not waited for either.
    let server = Server::start(
        1,
        drip("HTTP/1.1 400 Bad Request\r\ncontent-length: 60000\r\n\r\n<html>"),
    );
    let client = builder()
        .base_url(server.url())
        .total_timeout(short)
        .build()
        .unwrap();
    let error = client.call(&query(), HMAC).await.unwrap_err();
    assert!(
        matches!(error, CallError::Http { status: 400 }),
        "{error:?}"
    );
    drop(client);
    server.stop().await;
}

#[test]
fn three_mebibytes_are_not_kept() {
    const LENGTH: usize = 3 * 1024 * 1024;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for status in ["200 OK", "400 Bad Request", "502 Bad Gateway"] {
        let server = Server::start(1, move |stream| {
            let page = ["<html>", &"x".repeat(LENGTH)].concat();
            // It may break off: nobody reads all of it.
            let _ = stream.write_all(&response(status, page.as_bytes()));
        });
        let client = server.client();
        let mut result = None;
        let memory = allocation_counter::measure(|| {
            result = Some(runtime.block_on(client.call(&query(), HMAC)));
        });
        let error = result.unwrap().unwrap_err();
        match status {
            "200 OK" => assert!(matches!(error, CallError::TooLarge { .. }), "{error:?}"),
            _ => assert!(matches!(error, CallError::Http { .. }), "{error:?}"),
        }
        assert!(
            memory.bytes_max < 1024 * 1024,
            "{status}: {} bytes",
            memory.bytes_max
        );
        drop(client);
        runtime.block_on(server.stop());
    }
}

#[tokio::test]
async fn a_host_that_takes_no_connection_in_time_is_left_for_the_backup() {
    let (_port, addr) = silence();
    let server = Server::script((0..2).map(|_| reply("200 OK", &not_paid())).collect());
    let ports = Arc::new(Mutex::new(Vec::new()));
    let seen = ports.clone();
    let client = builder()
        .base_url(format!("https://{addr}"))
        .only_roots_pem(include_bytes!("data/identity/authority.pem").as_slice())
        .backup_url(format!("http://localhost:{}", server.addr.port()))
        .connect_timeout(Duration::from_millis(100))
        .observe(move |report: &CallReport<'_>| {
            seen.lock().unwrap().push(report.host.to_owned());
        })
        .build()
        .unwrap();
    // The rule tolerates two, and sends nothing again by itself.
    for _ in 0..3 {
        let error = client.call(&query(), HMAC).await.unwrap_err();
        assert!(
            matches!(error, CallError::Timeout { after_sent: false }),
            "{error:?}"
        );
    }
    for _ in 0..2 {
        client.call(&query(), HMAC).await.unwrap();
    }
    let primary = "127.0.0.1";
    assert_eq!(
        *ports.lock().unwrap(),
        [primary, primary, primary, "localhost", "localhost"]
    );
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_code_that_asks_for_a_repeat_gets_one_after_its_wait() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let gateway = tokio::spawn(async move {
        let mut nonces = Vec::new();
        for answer in [failure("SYSTEMERROR"), not_paid()] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"</xml>") {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0);
            }
            let body = request
                .windows(5)
                .position(|five| five == b"<xml>")
                .unwrap();
            let fields = xml::read(&request[body..]).unwrap();
            nonces.push(fields.get("nonce_str").unwrap().to_owned());
            stream
                .write_all(&response("200 OK", answer.as_bytes()))
                .await
                .unwrap();
        }
        nonces
    });
    let client: Client = builder()
        .base_url(url)
        .retry(RetryPolicy::new(2))
        .build()
        .unwrap();
    let started = tokio::time::Instant::now();
    client.call(&query(), HMAC).await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 5);
    let nonces = gateway.await.unwrap();
    assert_ne!(nonces[0], nonces[1]);
}
