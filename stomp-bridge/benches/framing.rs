//! What a message costs the publisher's task: its SEND made and encoded, its RECEIPT read and matched, the caller answered.
//!
//! `cargo bench -p stomp-bridge --bench framing`. The task has a thread of its own, so that its processor time and what it
//! allocates are told from the callers'; it publishes to a server in this process, with a window of 1 000, so that its few
//! reads and writes of the socket weigh little. The goals are those of framing alone: what the channels and the socket take
//! is in the figures and not in the goals. With `-- --check` a missed goal ends it with an error.
#![allow(clippy::unwrap_used)]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use rustix::time::{ClockId, clock_gettime};
use stomp_bridge::client::{Destination, Publication, Publisher, PublisherConfig, Status};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

const ROUNDS: usize = 9;
const MESSAGES: usize = 20_000;
const WINDOW: usize = 1_000;
const GOODBYE: Duration = Duration::from_secs(5);
/// Goals for one message.
const GOAL_NS: f64 = 1_000.0;
const GOAL_ALLOCATIONS: f64 = 2.0;

fn main() -> ExitCode {
    let mut rounds: Vec<Cost> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort_by(|a, b| a.ns.total_cmp(&b.ns));
    let Cost { ns, allocations } = rounds[ROUNDS / 2];
    let (least, most) = (rounds[0].ns, rounds[ROUNDS - 1].ns);
    println!("The publisher's task, one message of {MESSAGES}, median of {ROUNDS} rounds:\n");
    println!("| | seen | goal of framing | |\n|---|---|---|---|");
    let fast = ns < GOAL_NS;
    let lean = allocations <= GOAL_ALLOCATIONS;
    println!(
        "| processor, ns | {ns:.0} ({least:.0} to {most:.0}) | under {GOAL_NS} | {} |",
        verdict(fast)
    );
    println!(
        "| allocations | {allocations:.2} | at most {GOAL_ALLOCATIONS} | {} |",
        verdict(lean)
    );
    if std::env::args().any(|argument| argument == "--check") && !(fast && lean) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}

/// Of one message.
struct Cost {
    ns: f64,
    allocations: f64,
}

fn round() -> Cost {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("stomp://u:p@{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || serve(listener.accept().unwrap().0));
    let (hand_over, handed) = oneshot::channel();
    let task = thread::spawn(move || run_task(&url, hand_over));
    runtime().block_on(async {
        let publisher = handed.await.unwrap();
        let order_pay = Destination::queue("order_pay").unwrap();
        let publish =
            |_| publisher.publish(Publication::new(order_pay.clone(), "an order and its sum"));
        stream::iter(0..MESSAGES)
            .map(publish)
            .buffer_unordered(WINDOW)
            .for_each(|answer| async move { assert!(answer.is_ok(), "{answer:?}") })
            .await;
        publisher.shutdown(GOODBYE).await;
    });
    server.join().unwrap();
    task.join().unwrap()
}

/// Runs a publisher's task, and nothing else, until it is stopped.
fn run_task(url: &str, hand_over: oneshot::Sender<Publisher>) -> Cost {
    let runtime = runtime();
    let before = thread_ns();
    let counted = allocation_counter::measure(|| {
        runtime.block_on(async {
            let mut config = PublisherConfig::new(url.parse().unwrap());
            config.window = WINDOW;
            let publisher = Publisher::spawn(config);
            let mut status = publisher.status();
            assert!(hand_over.send(publisher).is_ok());
            status.wait_for(|s| *s == Status::Stopped).await.unwrap();
        });
    });
    let ns = thread_ns() - before;
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let of_one = |all: u64| all as f64 / MESSAGES as f64;
    Cost {
        ns: of_one(ns),
        allocations: of_one(counted.count_total),
    }
}

/// Processor time of this thread.
fn thread_ns() -> u64 {
    let time = Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    u64::try_from(time.as_nanos()).unwrap()
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
        let end = unread.iter().rposition(|b| *b == 0).map_or(0, |at| at + 1);
        let frames: Vec<u8> = unread.drain(..end).collect();
        let frames = String::from_utf8(frames).unwrap();
        let mut answers = String::new();
        for line in frames.split(['\n', '\0']) {
            if line == "CONNECT" || line == "STOMP" {
                answers += "CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0\n";
            }
            if let Some(id) = line.strip_prefix("receipt:") {
                answers.extend(["RECEIPT\nreceipt-id:", id, "\n\n\0\n"]);
            }
        }
        tcp.write_all(answers.as_bytes()).unwrap();
    }
}
