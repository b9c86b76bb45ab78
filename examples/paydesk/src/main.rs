//! A payment desk for WeChat Pay V2 Native: `paydesk --help` tells the options, the package's README the rest.

mod broker;
mod cli;
mod clock;
mod command;
mod config;
mod desk;
mod hex;
mod http;
mod ledger;
mod operator;
mod pages;
mod random;
mod ticket;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // One provider for all TLS of the process; a library never chooses.
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        return command::fault("another TLS provider is installed already").into();
    }
    command::run(cli::Cli::parse()).into()
}
