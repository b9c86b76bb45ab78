//! A publisher's task on a thread of its own, so that what it allocates is told from what its callers do.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use stomp_bridge::client::{Destination, Publication, Publisher, PublisherConfig};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

const MESSAGES: usize = 20_000;
const WINDOW: usize = 1_000;
const GOODBYE: Duration = Duration::from_secs(5);

/// Of the task, for one message; the connect's share is a few hundredths.
pub(crate) fn allocations() -> f64 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("stomp://u:p@{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || serve(listener.accept().unwrap().0));
    let (hand_over, handed) = oneshot::channel();
    let task = thread::spawn(move || {
        let runtime = runtime();
        let counted = allocation_counter::measure(|| {
            runtime.block_on(async {
                let mut config = PublisherConfig::new(url.parse().unwrap());
                config.window = WINDOW;
                let publisher = Publisher::spawn(config);
                let mut status = publisher.status();
                assert!(hand_over.send(publisher).is_ok());
                let stopped = |status: &_| matches!(status, stomp_bridge::client::Status::Stopped);
                status.wait_for(stopped).await.unwrap();
            });
        });
        counted.count_total
    });
    runtime().block_on(async {
        let publisher = handed.await.unwrap();
        let order_pay = Destination::queue("order_pay").unwrap();
        let publish =
            |_| publisher.publish(Publication::new(order_pay.clone(), "an order and its sum"));
        let answers = stream::iter(0..MESSAGES)
            .map(publish)
            .buffer_unordered(WINDOW);
        answers
            .for_each(|answer| async move { assert!(answer.is_ok(), "{answer:?}") })
            .await;
        publisher.shutdown(GOODBYE).await;
    });
    let allocations = task.join().unwrap();
    server.join().unwrap();
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let each = allocations as f64 / MESSAGES as f64;
    each
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Answers CONNECT, then each receipt that is asked for.
fn serve(mut tcp: TcpStream) {
    let (mut unread, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let length = tcp.read(&mut buffer).unwrap_or(0);
        if length == 0 {
            return;
        }
        unread.extend_from_slice(&buffer[..length]);
        let mut answers = String::new();
        while let Some(end) = unread.iter().position(|byte| *byte == 0) {
            let frame: Vec<u8> = unread.drain(..=end).collect();
            let frame = String::from_utf8(frame).unwrap();
            if frame.trim_start().starts_with("CONNECT") {
                answers += "CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0\n";
            }
            if let Some(id) = frame.lines().find_map(|line| line.strip_prefix("receipt:")) {
                answers.extend(["RECEIPT\nreceipt-id:", id, "\n\n\0\n"]);
            }
        }
        tcp.write_all(answers.as_bytes()).unwrap();
    }
}
