//! stomp-bridge beside what bounds it: the client beside a raw socket and an AMQP client on one RabbitMQ, the embedded
//! broker beside RabbitMQ.
//!
//! `cargo xtask bench bridge` builds and runs this. Every round goes through all that are compared, so that a machine that
//! is slow for a while is slow for all. Goals are ratios within the run.

mod child;
mod embedded;
mod fanout;
mod idle;
mod machine;
mod pages;
mod private;
mod publish;
mod rabbit;
mod report;
mod socket;

use std::sync::Arc;

use anyhow::{Result, bail};
use clap::{Parser, ValueEnum};

use rabbit::Rabbit;
use report::Goals;

/// What is measured.
#[derive(Parser)]
#[command(about = "stomp-bridge's speed, beside raw sockets, an AMQP client and RabbitMQ")]
struct Options {
    /// Fewer messages and rounds: under a minute
    #[arg(long)]
    quick: bool,
    /// These groups alone
    #[arg(long, value_delimiter = ',')]
    only: Vec<Group>,
    /// Rounds of each group
    #[arg(long)]
    rounds: Option<usize>,
    /// Messages of one publishing run
    #[arg(long)]
    messages: Option<usize>,
    /// A missed goal is an error
    #[arg(long)]
    check: bool,
    /// Of those that publish this one alone, for a profile
    #[arg(long)]
    client: Option<publish::Client>,
    /// Threads of the publishing clients' runtime; 0 is the calling thread
    #[arg(long, default_value_t = 0)]
    workers: usize,
    /// Of the children that are servers and pages: what this process is
    #[arg(long, hide = true)]
    child: Option<Child>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Publishing with one message on its way
    Publish1,
    /// Publishing with 100
    Publish100,
    /// Publishing with 1 000, and what it costs the processor
    Publish1000,
    /// One publisher to 1 000 pages
    Fanout,
    /// 10 000 pages that wait
    Idle,
    /// One page's notice, among 10 pages and among 10 000
    Private,
}

#[derive(Clone, Copy, ValueEnum)]
enum Child {
    Broker,
    Pages,
}

fn main() -> Result<()> {
    let options = Options::parse();
    match options.child {
        Some(Child::Broker) => return embedded::serve(),
        Some(Child::Pages) => return pages::serve(),
        None => {}
    }
    let wanted = |group| options.only.is_empty() || options.only.contains(&group);
    let rounds = options.rounds.unwrap_or(if options.quick { 3 } else { 5 });
    if rounds == 0 {
        bail!("--rounds 0 measures nothing");
    }
    println!("load at the start: {}", machine::load()?);
    let mut goals = Goals::default();
    for (group, window) in [
        (Group::Publish1, 1),
        (Group::Publish100, 100),
        (Group::Publish1000, 1000),
    ] {
        if wanted(group) {
            let quick = if window == 1 { 1_000 } else { 4_000 };
            let messages = if options.quick { quick } else { 20_000 };
            let plan = publish::Plan {
                client: options.client,
                window,
                rounds,
                messages: options.messages.unwrap_or(messages),
                workers: options.workers,
            };
            publish::run(&Arc::new(Rabbit::from_env()?), plan, &mut goals)?;
        }
    }
    if wanted(Group::Fanout) {
        fanout::run(&Rabbit::from_env()?, rounds, &mut goals)?;
    }
    if wanted(Group::Idle) {
        idle::run(&mut goals)?;
    }
    if wanted(Group::Private) {
        let notices = if options.quick { 500 } else { 2_000 };
        private::run(rounds, notices, &mut goals)?;
    }
    println!("\nload at the end: {}", machine::load()?);
    goals.print();
    match goals.missed() {
        missed if missed > 0 && options.check => bail!("goals missed: {missed}"),
        _ => Ok(()),
    }
}
