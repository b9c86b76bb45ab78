//! One publisher, 1 000 pages that all get every message: the embedded broker beside RabbitMQ.

use std::time::Duration;

use anyhow::Result;

use crate::machine::Process;
use crate::pages::{Pages, Route};
use crate::rabbit::{Rabbit, address_of, user_of};
use crate::report::{Goal, Goals, Spread};
use crate::{embedded, machine};

const PAGES: usize = 1_000;
/// More would meet the bound of messages on their way to one page, which the publisher does not wait for.
const MESSAGES: usize = 100;
/// RabbitMQ's policy for pages' queues keeps ten messages.
const WINDOW: usize = 10;

struct Seen {
    per_second: f64,
    cores: f64,
}

pub(crate) fn run(rabbit: &Rabbit, rounds: usize, goals: &mut Goals) -> Result<()> {
    let (broker, at) = embedded::start()?;
    let mut of_embedded = Pages::on_embedded(at, PAGES, Route::Everyone)?;
    let mut of_rabbit = Pages::start(
        address_of(&rabbit.web_stomp)?,
        PAGES,
        Route::Everyone,
        &user_of(&rabbit.listener)?,
        &user_of(&rabbit.web_stomp)?,
    )?;
    let (mut embedded, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        peer.push(one(&mut of_rabbit, rabbit.process)?);
        embedded.push(one(&mut of_embedded, broker.process())?);
    }
    println!(
        "\n1 publisher, {PAGES} pages, {MESSAGES} messages, window {WINDOW}, {rounds} rounds; least / median / most \
         (load {}):\n\n| broker | deliveries/s | its cores |\n|---|---|---|",
        machine::load()?
    );
    let row = |name: &str, rounds: &[Seen]| {
        let per_second = Spread::of(rounds.iter().map(|seen| seen.per_second));
        let cores = Spread::of(rounds.iter().map(|seen| seen.cores));
        println!("| {name} | {} | {:.2} |", per_second.whole(), cores.median);
        per_second.median
    };
    let (peer, ours) = (row("RabbitMQ", &peer), row("embedded", &embedded));
    goals.add(
        "1 publisher to 1 000 pages, embedded broker",
        Goal::AtLeast(10.0),
        ours / peer,
        "x RabbitMQ",
    );
    Ok(())
}

fn one(pages: &mut Pages, server: Process) -> Result<Seen> {
    let before = server.processor_time()?;
    let took = pages.fanout(MESSAGES, WINDOW)?;
    let used: Duration = server.processor_time()?.saturating_sub(before);
    let seconds = took.as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let deliveries = (MESSAGES * PAGES) as f64;
    Ok(Seen {
        per_second: deliveries / seconds,
        cores: used.as_secs_f64() / seconds,
    })
}
