//! A service that is told of payments over STOMP and marks its own orders paid: `order-listener --help` tells the
//! options, the package's README the rest.

mod cli;
mod command;
mod deliver;
mod desk;
mod fault;
mod feed;
mod ledger;
mod listen;
mod message;
mod parked;

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use clap::Parser;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    // One provider for all TLS of the process; a library never chooses.
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let result = if provider.install_default().is_err() {
        Err(anyhow::anyhow!("another TLS provider is installed already"))
    } else {
        command::run(cli).await
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("order-listener: {error:#}");
            ExitCode::from(2)
        }
    }
}
