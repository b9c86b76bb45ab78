//! The sub-commands, one file each.

mod bar;
mod check;
mod compact;
mod definitions;
mod export;
mod import;
mod look;
mod notifies;
mod orders;
mod outbox;
mod reconcile;
mod refunds;
mod serve;
mod sign;
mod table;
mod totals;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use crate::{
    cli::{Cli, Command, KeyArgs},
    config::{self, BrokerSetting, RawSettings, Settings},
    random,
};

/// How a sub-command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing wrong: 0.
    Clean,
    /// It found something, or `serve` could not start: 1.
    Found,
    /// It could not look: 2.
    Fault,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Clean => Self::SUCCESS,
            Exit::Found => Self::from(1),
            Exit::Fault => Self::from(2),
        }
    }
}

/// Says in one line why a sub-command could not look.
pub(crate) fn fault(reason: &str) -> Exit {
    eprintln!("paydesk: {reason}");
    Exit::Fault
}

/// Prints to a reader that may have gone away, such as `head`.
pub(crate) fn print(text: &str) -> Exit {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Exit::Clean,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Clean,
        Err(error) => fault(&format!("cannot write standard output: {error}")),
    }
}

/// Runs what the command line says.
pub(crate) fn run(cli: Cli) -> Exit {
    let raw = cli.settings;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::serve(raw),
        Command::Sign(args) => keyed(raw, args, |key, sign_type| {
            sign::sign_input(&key[0], sign_type.unwrap_or(wxpay_core::SignType::Md5))
        }),
        Command::Verify(args) => keyed(raw, args, sign::verify_input),
        Command::Orders(args) => orders::orders(raw, &args),
        Command::Notifies(command) => notifies::notifies(raw, command),
        Command::Outbox(command) => outbox::outbox(raw, command),
        Command::Refunds(args) => refunds::refunds(raw, &args),
        Command::Reconcile(args) => reconcile::reconcile(raw, &args),
        Command::Totals(args) => totals::totals(raw, &args),
        Command::Compact => compact::compact(raw),
        Command::Export => export::export(raw),
        Command::Import(args) => import::import(raw, &args),
        Command::Check(output) => check::check(raw, &output),
        Command::RabbitmqDefinitions => rabbitmq_definitions(raw),
    }
}

/// The key from the sub-command's own flags, or from where `serve` takes it.
fn keyed(
    raw: RawSettings,
    args: KeyArgs,
    act: impl FnOnce(&[wxpay_core::ApiKey], Option<wxpay_core::SignType>) -> Exit,
) -> Exit {
    let result = (|| {
        let mut raw = raw.with_file().map_err(|error| error.to_string())?;
        if args.key.is_some() || args.key_file.is_some() {
            raw.api_key = args.key;
            raw.api_key_file = args.key_file;
        }
        let key = config::api_key(&raw)
            .map_err(|error| error.to_string())?
            .ok_or("no key: give --key, --key-file, WXPAY_API_KEY or WXPAY_API_KEY_FILE")?;
        let sign_type = KeyArgs::sign_type(&raw)?;
        Ok::<_, String>(([key], sign_type))
    })();
    match result {
        Ok((keys, sign_type)) => act(&keys, sign_type),
        Err(reason) => fault(&reason),
    }
}

fn rabbitmq_definitions(raw: RawSettings) -> Exit {
    let settings = match Settings::resolve(raw) {
        Ok(settings) => settings,
        Err(error) => return fault(&error.to_string()),
    };
    let BrokerSetting::Remote(url) = &settings.broker else {
        return fault(
            "--broker: give the URL that the service will publish to; its user and passcode go into the definitions",
        );
    };
    let Some(credentials) = url.credentials() else {
        return fault("--broker: the URL names no user and passcode");
    };
    let publisher = definitions::Publisher {
        login: credentials.login(),
        passcode: credentials.passcode(),
    };
    let definitions =
        definitions::definitions(&publisher, settings.browser_fanout, random::bytes());
    print(&format!("{definitions:#}\n"))
}
