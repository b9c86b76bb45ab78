//! Benches that need more than a crate's own dependencies: each is a package of its own under `bench`.

mod bridge;
mod store;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::step::Steps;

#[derive(Args)]
#[group(skip)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Measures the ledger beside redb, SQLite, fjall and a bare log
    Store(store::Options),
    /// Measures the bridge beside raw sockets, lapin and RabbitMQ
    Bridge(bridge::Options),
}

pub(crate) fn run(steps: &mut Steps, options: &Options) -> Result<()> {
    match &options.what {
        What::Store(options) => store::run(steps, options),
        What::Bridge(options) => bridge::run(steps, options),
    }
}
