//! One publisher, each message with its receipt, `window` of them on their way at a time.

mod amqp;
mod ours;
mod raw;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::machine::processor_time;
use crate::rabbit::Rabbit;
use crate::report::{Goal, Goals, Spread};

/// For one run; the slowest takes some 20 s on a quiet machine.
const LIMIT: Duration = Duration::from_mins(3);
/// 20 bytes, as small as messages come: what costs per message shows.
const BODY: &str = "an order and its sum";
const QUEUE: &str = "order_pay";
const JSON: &str = "application/json";
/// Where the client's processor is looked at, and an outbox's headers.
const DEEP: usize = 1000;

/// What a SEND says beside its destination, length and receipt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Headers {
    Few,
    /// What the outbox's messages have: a content type, an id in two headers, and for our client a key.
    Outbox,
}

/// As long as the outbox's.
fn outbox_id(number: usize) -> String {
    format!("1900000109/{number:032}/paid/order_pay")
}

#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// This one alone: for a profile. There is nothing to hold it to then.
    pub(crate) client: Option<Client>,
    pub(crate) window: usize,
    pub(crate) rounds: usize,
    pub(crate) messages: usize,
    pub(crate) workers: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    RawTcp,
    OursTcp,
    RawWebSocket,
    OursWebSocket,
    Amqp,
    RawOutbox,
    OursOutbox,
}

const CLIENTS: [Client; 7] = [
    Client::RawTcp,
    Client::OursTcp,
    Client::RawWebSocket,
    Client::OursWebSocket,
    Client::Amqp,
    Client::RawOutbox,
    Client::OursOutbox,
];

impl Client {
    fn name(self) -> &'static str {
        match self {
            Self::RawTcp => "raw socket, TCP",
            Self::OursTcp => "stomp-bridge, TCP",
            Self::RawWebSocket => "raw socket, WebSocket",
            Self::OursWebSocket => "stomp-bridge, WebSocket",
            Self::Amqp => "lapin, AMQP",
            Self::RawOutbox => "raw socket, TCP, an outbox's headers",
            Self::OursOutbox => "stomp-bridge, TCP, an outbox's headers",
        }
    }

    /// What is compared at this window.
    fn at(window: usize) -> impl Iterator<Item = Self> {
        let all = CLIENTS.into_iter();
        all.filter(move |client| {
            window == DEEP || !matches!(client, Self::RawOutbox | Self::OursOutbox)
        })
    }

    async fn run(self, rabbit: Arc<Rabbit>, plan: Plan) -> Result<Taken> {
        let Rabbit {
            stomp, web_stomp, ..
        } = &*rabbit;
        match self {
            Self::RawTcp => raw::tcp(stomp, plan, Headers::Few).await,
            Self::OursTcp => ours::run(stomp, plan, Headers::Few).await,
            Self::RawWebSocket => raw::web_socket(web_stomp, plan, Headers::Few).await,
            Self::OursWebSocket => ours::run(web_stomp, plan, Headers::Few).await,
            Self::Amqp => amqp::run(&rabbit.amqp, plan).await,
            Self::RawOutbox => raw::tcp(stomp, plan, Headers::Outbox).await,
            Self::OursOutbox => ours::run(stomp, plan, Headers::Outbox).await,
        }
    }
}

/// What one run took, from the first SEND to the last receipt.
#[derive(Clone, Copy)]
struct Taken {
    time: Duration,
    processor: Duration,
}

struct Stopwatch {
    started: Instant,
    processor: Duration,
}

impl Stopwatch {
    fn start() -> Self {
        Self {
            processor: processor_time(),
            started: Instant::now(),
        }
    }

    fn stop(&self) -> Taken {
        Taken {
            time: self.started.elapsed(),
            processor: processor_time().saturating_sub(self.processor),
        }
    }
}

#[derive(Clone, Copy)]
struct Seen {
    per_second: f64,
    /// Processor time of the client for one message, in microseconds.
    processor_us: f64,
    broker_cores: f64,
}

/// The rounds of one client.
struct Row {
    client: Client,
    per_second: Spread,
    processor_us: Spread,
    broker_cores: Spread,
}

pub(crate) fn run(rabbit: &Arc<Rabbit>, plan: Plan, goals: &mut Goals) -> Result<()> {
    let clients: Vec<Client> = Client::at(plan.window).collect();
    let mut seen: Vec<Vec<Seen>> = clients.iter().map(|_| Vec::new()).collect();
    for round in 0..plan.rounds {
        for turn in 0..clients.len() {
            // Who is first changes, so that what one leaves behind does not always meet the same one.
            let at = (round + turn) % clients.len();
            if plan.client.is_some_and(|client| client != clients[at]) {
                continue;
            }
            seen[at].push(one(clients[at], rabbit, plan)?);
        }
    }
    let rows: Vec<Row> = clients
        .into_iter()
        .zip(&seen)
        .filter(|(_, rounds)| !rounds.is_empty())
        .map(|(client, rounds)| Row {
            client,
            per_second: Spread::of(rounds.iter().map(|seen| seen.per_second)),
            processor_us: Spread::of(rounds.iter().map(|seen| seen.processor_us)),
            broker_cores: Spread::of(rounds.iter().map(|seen| seen.broker_cores)),
        })
        .collect();
    print(plan, &rows);
    match plan.client {
        None => judge(plan.window, &rows, goals),
        Some(_) => Ok(()),
    }
}

fn one(client: Client, rabbit: &Arc<Rabbit>, plan: Plan) -> Result<Seen> {
    let runtime = runtime(plan.workers)?;
    let (taken, broker) = runtime.block_on(async {
        amqp::purge(&rabbit.admin)
            .await
            .context("cannot purge the queue")?;
        let before = rabbit.process.processor_time()?;
        // A task, as callers are: the runtime looks after its sockets before it comes back to this future.
        let run = tokio::spawn(timeout(LIMIT, client.run(Arc::clone(rabbit), plan)));
        let taken = run
            .await?
            .context("it took too long")
            .flatten()
            .with_context(|| client.name())?;
        let broker = rabbit.process.processor_time()?.saturating_sub(before);
        anyhow::Ok((taken, broker))
    })?;
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let messages = plan.messages as f64;
    Ok(Seen {
        per_second: messages / taken.time.as_secs_f64(),
        processor_us: taken.processor.as_secs_f64() * 1e6 / messages,
        broker_cores: broker.as_secs_f64() / taken.time.as_secs_f64(),
    })
}

fn runtime(workers: usize) -> Result<Runtime> {
    let mut builder = match workers {
        0 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    Ok(builder
        .worker_threads(workers.max(1))
        .enable_all()
        .build()?)
}

fn print(plan: Plan, rows: &[Row]) {
    let Plan {
        window,
        rounds,
        messages,
        ..
    } = plan;
    println!(
        "\nWindow {window}, {messages} messages, {rounds} rounds; least / median / most:\n\n\
         | client | messages/s | client's processor us a message | broker's cores |\n|---|---|---|---|"
    );
    for row in rows {
        println!(
            "| {} | {} | {:.1} | {:.2} |",
            row.client.name(),
            row.per_second.whole(),
            row.processor_us.median,
            row.broker_cores.median,
        );
    }
}

fn judge(window: usize, rows: &[Row], goals: &mut Goals) -> Result<()> {
    let of = |client: Client| {
        let row = rows.iter().find(|row| row.client == client);
        row.context("a client is not in the table")
    };
    let lapin = of(Client::Amqp)?.processor_us.median;
    for (how, ours, raw) in [
        ("TCP", Client::OursTcp, Client::RawTcp),
        ("WebSocket", Client::OursWebSocket, Client::RawWebSocket),
        (
            "TCP, an outbox's headers",
            Client::OursOutbox,
            Client::RawOutbox,
        ),
    ] {
        if !Client::at(window).any(|client| client == ours) {
            continue;
        }
        let (ours, raw) = (of(ours)?, of(raw)?);
        goals.add(
            &format!("publish, window {window}, {how}"),
            Goal::AtLeast(0.97),
            ours.per_second.median / raw.per_second.median,
            "x raw",
        );
        if window != DEEP {
            continue;
        }
        for (most, other, unit) in [
            (1.5, raw.processor_us.median, "x raw"),
            (0.5, lapin, "x lapin"),
        ] {
            goals.add(
                &format!("client's processor, window {window}, {how}"),
                Goal::Below(most),
                ours.processor_us.median / other,
                unit,
            );
        }
    }
    Ok(())
}
