//! The sub-commands.

mod orders;
mod parked;
mod serve;

use std::{
    fs,
    io::{self, ErrorKind, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use order_store::{OrderStore, SledOptions, SledStore};

use crate::{
    cli::{Cli, Command, ParkedCommand, Settings},
    desk::Desk,
    ledger::Ledger,
};

/// The desk's token, when it is not in a file.
const DESK_TOKEN: &str = "PAYDESK_API_TOKEN";
/// How long a look beside a running listener waits before it gives up.
const AT_ONCE: Duration = Duration::from_millis(500);

/// Runs what the command line says. An error means that it could not be tried: exit 2.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode> {
    let settings = cli.settings;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => Ok(serve::serve(&settings)
            .await
            .unwrap_or_else(|error| fault(&error))),
        Command::Import => orders::import(&settings).await,
        Command::Orders => orders::list(&settings).await,
        Command::Parked(ParkedCommand::List) => parked::list(&settings),
        Command::Parked(ParkedCommand::Retry) => parked::retry(&settings).await,
    }
}

fn ledger(settings: &Settings, lock_patience: Duration) -> Result<Ledger> {
    let required = "is required";
    let mch_id = settings
        .mch_id
        .as_deref()
        .with_context(|| format!("--mch-id {required}"))?;
    let appid = settings
        .appid
        .as_deref()
        .with_context(|| format!("--appid {required}"))?;
    let token = match &settings.desk_token_file {
        Some(path) => Some(
            fs::read_to_string(path)
                .with_context(|| format!("--desk-token-file: cannot read {}", path.display()))?,
        ),
        None => std::env::var(DESK_TOKEN).ok(),
    };
    let token = token
        .as_deref()
        .map(|token| token.trim_end_matches(['\r', '\n']));
    let desk = settings.desk.as_deref();
    Ok(Ledger {
        mch_id: mch_id.parse().context("--mch-id")?,
        appid: appid.parse().context("--appid")?,
        desk: desk.map(|base| Desk::new(base, token)).transpose()?,
        store: open(settings, lock_patience)?,
    })
}

fn open(settings: &Settings, lock_patience: Duration) -> Result<Arc<dyn OrderStore>> {
    let data = &settings.data;
    fs::create_dir_all(data).with_context(|| format!("--data: cannot make {}", data.display()))?;
    let options = SledOptions {
        lock_patience,
        ..SledOptions::default()
    };
    let store = SledStore::open(data.join("ledger"), options).context("--data")?;
    Ok(Arc::new(store))
}

/// A listener that cannot start, or go on, ends with 1.
fn fault(error: &anyhow::Error) -> ExitCode {
    eprintln!("order-listener: {error:#}");
    ExitCode::FAILURE
}

fn found(problems: usize) -> ExitCode {
    ExitCode::from(u8::from(problems > 0))
}

/// Prints to a reader that may have gone away, such as `head`.
fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
