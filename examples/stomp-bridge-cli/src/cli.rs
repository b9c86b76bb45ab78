//! The command line.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Publish, read, measure and diagnose a STOMP broker, such as RabbitMQ with `rabbitmq_stomp` or `rabbitmq_web_stomp`.
///
/// Exit code: 0 nothing wrong, 1 a message was not confirmed or something was found, 2 it could not be tried.
#[derive(Parser)]
#[command(name = "stomp-bridge", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What is done.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Publish messages and wait for the broker's receipts
    Pub(PubArgs),
    /// Print the messages of a destination
    Sub(SubArgs),
    /// Measure messages a second, and the wait for a receipt
    Bench(BenchArgs),
    /// Connect step by step, and say in one line what is wrong and how to mend it
    Doctor(DoctorArgs),
    /// Print the completions of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, of the command or of one of its sub-commands
    Man {
        /// Which sub-command
        command: Option<String>,
    },
}

/// Which broker, and who connects.
#[derive(Args)]
pub(crate) struct Target {
    /// The broker, such as stomp://USER@HOST:61613 or ws://USER@HOST:15674/ws; stomps and wss with TLS; ?vhost=NAME behind it for another virtual host
    #[arg(long, value_name = "URL", env = "STOMP_URL", hide_env_values = true)]
    pub(crate) url: Option<String>,
    /// File that holds the passcode, in place of one in the URL or in STOMP_PASSCODE
    #[arg(long, value_name = "FILE", env = "STOMP_PASSCODE_FILE")]
    pub(crate) passcode_file: Option<PathBuf>,
    /// PEM file of authorities to trust besides the public ones
    #[arg(long, value_name = "FILE", env = "STOMP_CA_FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The client's certificate chain in PEM, where the broker asks for one
    #[arg(long, value_name = "FILE", requires = "key", env = "STOMP_CERT_FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// Its key in PEM
    #[arg(long, value_name = "FILE", requires = "cert", env = "STOMP_KEY_FILE")]
    pub(crate) key: Option<PathBuf>,
    /// A proxy on the way, http, socks5 or socks5h://USER:PASSWORD@HOST:PORT; or `env`, for the one that HTTPS_PROXY, ALL_PROXY and NO_PROXY say
    #[arg(long, value_name = "URL", env = "STOMP_PROXY", hide_env_values = true)]
    pub(crate) proxy: Option<String>,
    /// How long each wait may last: for the connection, for a receipt
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
}

/// What is published.
#[derive(Args)]
pub(crate) struct PubArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Where to: /queue/NAME, /amq/queue/NAME, /exchange/NAME, /exchange/NAME/KEY or /topic/KEY
    pub(crate) destination: String,
    /// The body; without it and --file it is read from standard input
    pub(crate) body: Option<String>,
    /// File that holds the body
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    pub(crate) file: Option<PathBuf>,
    /// A further header; may be given again
    #[arg(long, value_name = "NAME:VALUE")]
    pub(crate) header: Vec<String>,
    /// The content-type header
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// An id that lets a consumer drop a repeat (x-outbox-id, amqp-message-id); with --count, -1, -2, … is put behind it
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Lets the broker lose the message in a restart
    #[arg(long)]
    pub(crate) transient: bool,
    /// How often it is sent
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) count: NonZeroUsize,
    /// How many may wait for their receipt at once
    #[arg(long, value_name = "N", default_value = "256")]
    pub(crate) window: NonZeroUsize,
    /// At most so many a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rate: Option<u32>,
    /// Prints no line for each receipt, only the summary
    #[arg(long, conflicts_with = "json")]
    pub(crate) quiet: bool,
    /// A line of JSON for each receipt
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is read.
#[derive(Args)]
pub(crate) struct SubArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Where from: /queue/NAME, /amq/queue/NAME, /exchange/NAME, /exchange/NAME/KEY or /topic/KEY
    pub(crate) destination: String,
    /// When a message counts as consumed
    #[arg(long, value_enum, default_value_t = Ack::ClientIndividual)]
    pub(crate) ack: Ack,
    /// Ends after so many messages
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<NonZeroUsize>,
    /// How many the broker may send ahead of their acknowledgement
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) prefetch: u16,
    /// A line of JSON for each message, with its headers
    #[arg(long)]
    pub(crate) json: bool,
}

/// The acknowledgement modes of STOMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ack {
    /// As soon as the broker has sent it: what is under way is lost in the end
    Auto,
    /// When it was printed, and all before it
    Client,
    /// When it was printed
    ClientIndividual,
}

/// What is measured.
#[derive(Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Where to; the messages stay there
    pub(crate) destination: String,
    /// Messages of one run
    #[arg(long, value_name = "N", default_value = "5000")]
    pub(crate) count: NonZeroUsize,
    /// How many may wait for their receipt at once; a run for each
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "1,100,1000"
    )]
    pub(crate) window: Vec<NonZeroUsize>,
    /// Bytes of a body
    #[arg(long, value_name = "BYTES", default_value_t = 64, value_parser = clap::value_parser!(u32).range(0..=1_048_576))]
    pub(crate) size: u32,
    /// Lets the broker lose the messages in a restart
    #[arg(long)]
    pub(crate) transient: bool,
    /// A line of JSON for each run
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is looked at.
#[derive(Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The broker, as with --url
    #[arg(value_name = "URL", conflicts_with = "url")]
    pub(crate) address: Option<String>,
    /// Sends a real message there, which whoever reads there will get; without it the message goes to a queue that does not exist, and RabbitMQ drops it
    #[arg(long, value_name = "DESTINATION")]
    pub(crate) send: Option<String>,
    /// Subscribes there instead, and consumes nothing; /queue/NAME declares the queue
    #[arg(long, value_name = "DESTINATION", conflicts_with = "send")]
    pub(crate) subscribe: Option<String>,
    /// How long the connection is watched for heart-beats in the end; 0 for not at all
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub(crate) watch: u64,
    /// JSON for programs
    #[arg(long)]
    pub(crate) json: bool,
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
