//! The command line.

use clap::{Args, Parser, Subcommand};
use serde::{Deserialize, Serialize};
use wxpay_core::SignType;

use crate::config::RawSettings;

/// A payment desk for WeChat Pay V2 Native.
///
/// Without a sub-command it serves: the shop's API, the pay page, the gateway's notifies, and, unless told otherwise, a
/// ledger under ./paydesk-data, a broker and a simulated gateway, all inside this one process.
#[derive(Parser)]
#[command(name = "paydesk", version, args_conflicts_with_subcommands = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: RawSettings,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What is done.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve until Ctrl-C (the default)
    Serve,
    /// Sign a flat JSON object or an XML message from standard input; prints the signed XML
    Sign(KeyArgs),
    /// Verify an XML message from standard input; prints its fields as JSON
    Verify(KeyArgs),
    /// List orders, newest first
    Orders(OrdersArgs),
    /// The notifies that came: list, show, replay
    #[command(subcommand)]
    Notifies(NotifiesCommand),
    /// Messages that have still to go out: list, retry, park
    #[command(subcommand)]
    Outbox(OutboxCommand),
    /// List refunds, those of the newest orders first
    Refunds(RefundsArgs),
    /// Hold the ledger against a day's bill of the gateway; exit 1 when they differ
    Reconcile(ReconcileArgs),
    /// What came in and went back, by day and merchant, in fen
    Totals(TotalsArgs),
    /// Rebuild the files of a folder that no desk runs on, so that they take less space
    Compact,
    /// Write the whole ledger to standard output, a JSON line a record
    Export,
    /// Read an export from standard input into an empty ledger
    Import(ImportArgs),
    /// Read the whole ledger and prove that it agrees with itself
    Check(OutputArgs),
    /// Print the definitions that RabbitMQ needs; the publisher's account is the one in --broker
    RabbitmqDefinitions,
}

/// The key of `sign` and `verify`.
#[derive(Args)]
pub(crate) struct KeyArgs {
    /// The API key; better --api-key-file or the environment, since a command line is seen by every user of the machine
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// File that holds the API key
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub(crate) key_file: Option<String>,
}

/// How a list is printed.
#[derive(Args)]
pub(crate) struct OutputArgs {
    /// JSON for programs instead of a table for people
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which orders.
#[derive(Args)]
pub(crate) struct OrdersArgs {
    /// Only orders in this state
    #[arg(long)]
    pub(crate) state: Option<String>,
    /// Only orders made since this time (RFC 3339)
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// Go on after the page that ended with this cursor
    #[arg(long)]
    pub(crate) cursor: Option<String>,
    /// How many
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What to do with the inbox.
#[derive(Subcommand)]
pub(crate) enum NotifiesCommand {
    /// List them, newest first
    List {
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Print one as it came
    Show {
        /// Its id in the list
        id: String,
    },
    /// Put one through the desk again: what it did once it does not do twice
    Replay {
        /// Its id in the list
        id: String,
    },
}

/// What to do with the outbox.
#[derive(Subcommand)]
pub(crate) enum OutboxCommand {
    /// List rows in the order in which they go out; exit 1 when one is set aside
    List {
        /// Only rows that were set aside
        #[arg(long)]
        parked: bool,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Make rows that were set aside or put off ready again
    Retry {
        /// Their ids in the list
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// All rows that were set aside
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
    /// Set one row aside: it is kept, and not sent until it is retried
    Park {
        /// Its id in the list
        id: String,
        /// Why, for the next person
        #[arg(long, default_value = "set aside by an operator")]
        reason: String,
    },
}

/// Which rows of the outbox.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum OutboxFilter {
    All,
    Parked,
}

/// Which refunds.
#[derive(Args)]
pub(crate) struct RefundsArgs {
    /// Only those of this order
    pub(crate) out_trade_no: Option<String>,
    /// Only those in this state: processing, success, closed, change
    #[arg(long)]
    pub(crate) state: Option<String>,
    /// How many
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Which bill.
#[derive(Args)]
pub(crate) struct ReconcileArgs {
    /// The day in Beijing, as in 2019-03-20
    #[arg(long)]
    pub(crate) date: String,
    /// The day's bill, all kinds of rows, not packed [default: downloaded from the gateway]
    #[arg(long, value_name = "FILE")]
    pub(crate) bill: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Which days.
#[derive(Args)]
pub(crate) struct TotalsArgs {
    /// The first day in Beijing, as in 2019-03-20
    #[arg(long, value_name = "DATE")]
    pub(crate) from: String,
    /// The last day [default: the first]
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// How an import begins.
#[derive(Args)]
pub(crate) struct ImportArgs {
    /// Go on with an import that was cut off: records that are there already, as they are, are left alone
    #[arg(long)]
    pub(crate) resume: bool,
}

impl KeyArgs {
    /// The sign type that was asked for, if one was.
    pub(crate) fn sign_type(raw: &RawSettings) -> Result<Option<SignType>, String> {
        raw.sign_type
            .as_deref()
            .map(|text| {
                text.parse()
                    .map_err(|error| format!("--sign-type: {error}"))
            })
            .transpose()
    }
}
