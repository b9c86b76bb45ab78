//! STOMP from a shell: `stomp-bridge --help` tells the options, the package's README the rest.

mod bench;
mod broker;
mod cli;
mod doctor;
mod exit;
mod publish;
mod subscribe;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};
use exit::Exit;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // One provider for all TLS of the process; a library never chooses.
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        return exit::fault("another TLS provider is installed already").into();
    }
    let result = match cli.command {
        Command::Pub(args) => publish::run(args).await,
        Command::Sub(args) => subscribe::run(args).await,
        Command::Bench(args) => bench::run(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Completions { shell } => Ok(completions(shell)),
        Command::Man { command } => Ok(man(command.as_deref())),
    };
    match result {
        Ok(exit) => exit,
        Err(error) => exit::fault(&format!("{error:#}")),
    }
    .into()
}

fn completions(shell: clap_complete::Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "stomp-bridge", &mut script);
    exit::print(&script)
}

fn man(name: Option<&str>) -> Exit {
    let mut command = Cli::command();
    // Gives sub-commands their full names.
    command.build();
    let found = match name {
        None => Some(&command),
        Some(name) => command.find_subcommand(name),
    };
    let Some(command) = found else {
        return exit::fault("man: there is no such sub-command");
    };
    let mut page = Vec::new();
    match clap_mangen::Man::new(command.clone()).render(&mut page) {
        Ok(()) => exit::print(&page),
        Err(error) => exit::fault(&format!("no manual page: {error}")),
    }
}
