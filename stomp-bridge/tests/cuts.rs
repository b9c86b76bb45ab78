//! A stream of messages through a network that cuts the connection again and again, at seeded
//! places: every message arrives, the first arrivals of a key are in order, what was answered
//! `Published` is there, and a repeat is known by its id.
//!
//! At least 20 cuts of 20 000 messages; `STOMP_BRIDGE_CUTS` sets another number, a thousand messages to each
//! cut. `cargo xtask nightly` sets 100.

#![allow(clippy::unwrap_used)]

mod common;

use common::SOON;
use common::fault_proxy::{End, Fate, Fault, FaultProxy, Way, When};
use common::seeded::Seeded;
use common::target::{Embedded, Scheme, Target, backoff};
use futures_util::StreamExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stomp_bridge::client::{
    ConnectOptions, Destination, Publication, Publisher, PublisherConfig, Resend, Subscriber,
};
use tokio::sync::Mutex;
use tokio::time::Instant;

const MESSAGES_PER_CUT: usize = 1000;
const KEYS: usize = 16;
const SEED: u64 = 20_261_201;
/// For a cut and its thousand messages, on a machine that does other things too.
const LIMIT_PER_CUT: Duration = Duration::from_secs(10);

/// RabbitMQ's runs share the queue, and all of them the processors.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

fn cuts() -> usize {
    std::env::var("STOMP_BRIDGE_CUTS").map_or(20, |cuts| cuts.parse().expect("a number of cuts"))
}

/// Where each of the first connections ends: one in eight within its handshake, one in four at an
/// instant, the others at a byte of either way. There are twice as many as cuts are wanted, since
/// the publisher ends some itself, to try on a new one a message that a cut has made suspect.
fn plan(mut seeded: Seeded, cuts: usize) -> impl FnMut(usize) -> Option<Fate> + Send + 'static {
    /// Of a SEND and of its RECEIPT, about.
    const BYTES: [(Way, u64); 2] = [(Way::ToBroker, 200), (Way::ToClient, 25)];
    let to = MESSAGES_PER_CUT as u64;
    move |connection| {
        if connection >= 2 * cuts {
            return None;
        }
        let (way, bytes) = seeded.one_of(BYTES);
        let when = match seeded.within(0..8) {
            0 => When::Byte(seeded.within(0..300)),
            // Soon enough that a fast machine has not sent all before.
            1 | 2 => When::After(Duration::from_micros(seeded.within(0..20 * to))),
            _ => When::Byte(bytes * seeded.within(0..to / 2)),
        };
        let fault = Fault::Cut(seeded.one_of([End::Orderly, End::Reset]));
        Some(Fate { way, when, fault })
    }
}

/// What came to the reader.
struct Arrivals {
    run: String,
    /// How often each came.
    times: Vec<u32>,
    first: usize,
    /// The youngest message of each key.
    youngest: [Option<usize>; KEYS],
}

impl Arrivals {
    fn of(run: &str, messages: usize) -> Self {
        Self {
            run: run.to_owned(),
            times: vec![0; messages],
            first: 0,
            youngest: [None; KEYS],
        }
    }

    /// A message that another run left counts for nothing.
    fn note(&mut self, message: &stomp_bridge::client::Message) {
        let text = message.text().unwrap_or_default();
        let Some((run, number)) = text.rsplit_once(' ') else {
            return;
        };
        if run != self.run {
            return;
        }
        for id in ["x-outbox-id", "amqp-message-id"] {
            assert_eq!(message.header(id), Some(text), "in the repeat too");
        }
        let number: usize = number.parse().unwrap();
        self.times[number] += 1;
        if self.times[number] == 1 {
            self.first += 1;
            let youngest = self.youngest[number % KEYS].replace(number);
            assert!(youngest < Some(number), "{number} came after {youngest:?}");
        }
    }

    fn repeats(&self) -> usize {
        let all: u32 = self.times.iter().sum();
        usize::try_from(all).unwrap() - self.first
    }
}

fn config(target: &Target, proxy: &FaultProxy, limit: Duration) -> PublisherConfig {
    let mut config = PublisherConfig::new(target.through(proxy.addr));
    config.backoff = backoff();
    config.queue_timeout = limit;
    config.resend = Resend::Within(limit);
    // The network is to blame for each cut, and no message.
    config.poison_tries = u32::MAX;
    config
}

async fn nothing_is_lost_or_out_of_order(target: &Target) {
    let _alone = ONE_AT_A_TIME.lock().await;
    let cuts = cuts();
    let messages = cuts * MESSAGES_PER_CUT;
    let limit = LIMIT_PER_CUT * u32::try_from(cuts).unwrap();
    let seed = SEED + cuts as u64 + u64::from(target.scheme == Scheme::Tcp);
    let proxy = FaultProxy::before(target.addr, plan(Seeded::new(seed), cuts)).await;
    let order_pay = Destination::queue("order_pay").unwrap();
    let options = ConnectOptions::default();
    let direct = target.read_through(target.addr);
    let reader = Subscriber::open(&direct, &order_pay, &options);
    let mut reader = reader.await.unwrap();

    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let run = format!("cuts-{}", now.as_nanos());
    let publisher = Publisher::spawn(config(target, &proxy, limit));
    let publications = (0..messages).map(|number| {
        let text = format!("{run} {number}");
        Publication::new(order_pay.clone(), text.clone())
            .message_id(text)
            .key((number % KEYS).to_string())
    });
    let publish = async {
        let mut answers = std::pin::pin!(publisher.publish_all(publications));
        let mut answered = 0;
        while let Some((number, answer)) = answers.next().await {
            assert_eq!(number, answered, "answers come in order");
            assert!(answer.is_ok(), "message {number}: {answer:?}");
            answered += 1;
        }
        answered
    };
    let read = async {
        let mut arrivals = Arrivals::of(&run, messages);
        while arrivals.first < messages {
            arrivals.note(&reader.recv().await.expect("a message"));
        }
        arrivals
    };
    let begun = Instant::now();
    let both = tokio::time::timeout(limit, async { tokio::join!(publish, read) });
    let (answered, arrivals) = both.await.expect("all in time");
    let took = begun.elapsed();
    assert_eq!(answered, messages);
    let connections = proxy.connections();
    assert!(proxy.cuts() >= cuts, "of {connections} connections");
    let repeats = arrivals.repeats();
    assert!(repeats > 0, "cuts that cost no receipt show nothing");
    assert_eq!(publisher.shutdown(SOON).await.unsettled, 0);
    reader.close().await;
    eprintln!(
        "{target}: {messages} messages, {} cuts, {connections} connections, {repeats} repeats in {:.1} s",
        proxy.cuts(),
        took.as_secs_f64()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_broker_over_tcp() {
    let embedded = Embedded::start().await;
    nothing_is_lost_or_out_of_order(&embedded.target(Scheme::Tcp)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_broker_over_websocket() {
    let embedded = Embedded::start().await;
    nothing_is_lost_or_out_of_order(&embedded.target(Scheme::WebSocket)).await;
}

#[cfg(feature = "rabbitmq-tests")]
#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_over_tcp() {
    nothing_is_lost_or_out_of_order(&common::rabbitmq::target(Scheme::Tcp)).await;
}

#[cfg(feature = "rabbitmq-tests")]
#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_over_websocket() {
    nothing_is_lost_or_out_of_order(&common::rabbitmq::target(Scheme::WebSocket)).await;
}
