//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Is told of payments over STOMP, and marks its own orders paid, each once.
///
/// Without a sub-command it serves: it reads the destination, and prints a line of JSON for each order that became paid.
#[derive(Parser)]
#[command(name = "order-listener", version)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What is done.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Listen until Ctrl-C (the default)
    Serve,
    /// Take in orders from standard input: what `paydesk orders --json` prints, or {"out_trade_no","total_fee","body"?} again and again
    Import,
    /// List the orders that this service knows, newest first
    Orders,
    /// Messages that were set aside
    #[command(subcommand)]
    Parked(ParkedCommand),
}

/// What to do with messages that were set aside.
#[derive(Subcommand)]
pub(crate) enum ParkedCommand {
    /// Print them, a line of JSON each
    List,
    /// Try each again; what is good now is taken out
    Retry,
}

/// Where everything is.
#[derive(Args)]
pub(crate) struct Settings {
    /// The broker, such as stomp://USER:PASSCODE@HOST:61613 or ws://USER:PASSCODE@HOST:15674/ws; with commas, several that are tried in turn
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "ORDER_LISTENER_BROKER",
        hide_env_values = true
    )]
    pub(crate) broker: Option<String>,
    /// File that holds the passcode, in place of one in the URL
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "ORDER_LISTENER_PASSCODE_FILE"
    )]
    pub(crate) passcode_file: Option<PathBuf>,
    /// PEM file of authorities to trust besides the public ones
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "ORDER_LISTENER_CA_FILE"
    )]
    pub(crate) ca: Option<PathBuf>,
    /// A proxy on the way, http, socks5 or socks5h://USER:PASSWORD@HOST:PORT; or `env`, for the one that HTTPS_PROXY, ALL_PROXY and NO_PROXY say
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "ORDER_LISTENER_PROXY",
        hide_env_values = true
    )]
    pub(crate) proxy: Option<String>,
    /// What is read
    #[arg(
        long,
        global = true,
        value_name = "DESTINATION",
        env = "ORDER_LISTENER_DESTINATION",
        default_value = "/queue/order_pay"
    )]
    pub(crate) destination: String,
    /// The folder of this service's own ledger and of messages that were set aside
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "ORDER_LISTENER_DATA",
        default_value = "./order-listener-data"
    )]
    pub(crate) data: PathBuf,
    /// The merchant whose orders these are
    #[arg(long, global = true, value_name = "MCH_ID", env = "WXPAY_MCH_ID")]
    pub(crate) mch_id: Option<String>,
    /// The merchant's account
    #[arg(long, global = true, value_name = "APPID", env = "WXPAY_APPID")]
    pub(crate) appid: Option<String>,
    /// Base URL of the payment desk: every message is checked there, and orders that this service does not know are learned there
    #[arg(long, global = true, value_name = "URL", env = "ORDER_LISTENER_DESK")]
    pub(crate) desk: Option<String>,
    /// File that holds the desk's API token
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "PAYDESK_API_TOKEN_FILE"
    )]
    pub(crate) desk_token_file: Option<PathBuf>,
    /// What becomes of a message that can never be taken
    #[arg(long, global = true, value_enum, env = "ORDER_LISTENER_BAD_MESSAGES", default_value_t = BadMessages::Park)]
    pub(crate) bad_messages: BadMessages,
    /// Messages under way at once
    #[arg(long, global = true, value_name = "N", env = "ORDER_LISTENER_PREFETCH", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) prefetch: u16,
}

/// What becomes of a message that can never be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BadMessages {
    /// Written to parked.jsonl and acknowledged
    Park,
    /// Refused for good (NACK): the queue's dead-letter exchange gets it, or nobody
    DeadLetter,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
