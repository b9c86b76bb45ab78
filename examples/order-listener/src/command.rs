//! The sub-commands.

use std::{
    fs,
    io::{self, ErrorKind, Read, Write},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use order_store::{OrderQuery, OrderStore, PAGE_MAX, SledOptions, SledStore};
use serde::Deserialize;
use serde_json::{Deserializer, json};
use stomp_bridge::client::{BrokerUrl, ConnectOptions, Credentials, Destination, ExtraRoots};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use wxpay_core::{Body, Fen, OutTradeNo};

use crate::{
    cli::{Cli, Command, ParkedCommand, Settings},
    deliver,
    desk::Desk,
    feed::Feed,
    ledger::{Ledger, NewOrder, NotTaken},
    listen::Listener,
    message::OrderPay,
    parked::{Parked, ParkedFile},
};

/// The desk's token, when it is not in a file.
const DESK_TOKEN: &str = "PAYDESK_API_TOKEN";
/// The exit code of a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Runs what the command line says. An error means that it could not be tried: exit 2.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode> {
    let settings = cli.settings;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => Ok(serve(&settings).await.unwrap_or_else(|error| fault(&error))),
        Command::Import => import(&settings).await,
        Command::Orders => orders(&settings).await,
        Command::Parked(ParkedCommand::List) => list(&settings),
        Command::Parked(ParkedCommand::Retry) => retry(&settings).await,
    }
}

async fn serve(settings: &Settings) -> Result<ExitCode> {
    let (url, options) = broker(settings)?;
    let destination: Destination = settings.destination.parse().context("--destination")?;
    // Heard from before the first message on.
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let ledger = ledger(settings)?;
    let store = Arc::clone(&ledger.store);
    let feed = Feed::open(&url, &destination, &options, settings.prefetch).await?;
    tracing::info!(broker = %url, %destination, "listening");
    let listener = Listener {
        ledger,
        parked: ParkedFile::new(&settings.data),
        bad_messages: settings.bad_messages,
        prefetch: settings.prefetch.into(),
    };

    let (stop, stopped) = watch::channel(false);
    let ((ending, ended), halt) = (watch::channel(false), stop.clone());
    tokio::spawn(async move {
        for first in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if !first {
                std::process::exit(INTERRUPTED);
            }
            tracing::info!("stopping; a second Ctrl-C ends at once");
            halt.send_replace(true);
        }
    });
    let mut deliveries = tokio::spawn(deliver::run(Arc::clone(&store), ended));
    let (heard, handed_on) = tokio::select! {
        heard = listener.run(feed, stopped.clone()) => {
            // What became paid up to now is handed on before the end.
            ending.send_replace(true);
            (heard, deliveries.await)
        }
        // Paid orders that nobody is told of must not pile up in silence.
        handed_on = &mut deliveries => (Ok(()), handed_on),
    };
    let closed = store.close().await;
    for result in [heard, handed_on?, closed.map_err(Into::into)] {
        result?;
    }
    Ok(ExitCode::SUCCESS)
}

fn broker(settings: &Settings) -> Result<(BrokerUrl, ConnectOptions)> {
    let text = settings.broker.as_deref();
    let text = text.context("which broker? Give --broker URL, or set ORDER_LISTENER_BROKER")?;
    let mut url: BrokerUrl = text.parse().context("--broker")?;
    if let Some(path) = &settings.passcode_file {
        let Some(login) = url.credentials().map(|c| c.login().to_owned()) else {
            bail!("--broker: there is a passcode and no user; write USER@ before the host");
        };
        let passcode = fs::read_to_string(path)
            .with_context(|| format!("--passcode-file: cannot read {}", path.display()))?;
        let passcode = passcode.trim_end_matches(['\r', '\n']);
        url = url.with_credentials(Credentials::new(login, passcode)?);
    }
    let mut extra_roots = ExtraRoots::default();
    if let Some(path) = &settings.ca {
        let pem = fs::read(path).with_context(|| format!("--ca: {}", path.display()))?;
        extra_roots.add_pem(&pem).context("--ca")?;
    }
    let options = ConnectOptions {
        extra_roots,
        ..ConnectOptions::default()
    };
    Ok((url, options))
}

fn ledger(settings: &Settings) -> Result<Ledger> {
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
        store: open(settings)?,
    })
}

fn open(settings: &Settings) -> Result<Arc<dyn OrderStore>> {
    let data = &settings.data;
    fs::create_dir_all(data).with_context(|| format!("--data: cannot make {}", data.display()))?;
    let store = SledStore::open(data.join("ledger"), SledOptions::default()).context("--data")?;
    Ok(Arc::new(store))
}

/// An order as the desk's list has it, or as a person writes it.
#[derive(Deserialize)]
struct OrderLine {
    out_trade_no: OutTradeNo,
    total_fee: Fen,
    body: Option<Body>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Page { orders: Vec<OrderLine> },
    One(OrderLine),
}

async fn import(settings: &Settings) -> Result<ExitCode> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .context("standard input")?;
    let mut lines = Vec::new();
    for input in Deserializer::from_str(&text).into_iter() {
        match input.context("standard input")? {
            Input::Page { orders } => lines.extend(orders),
            Input::One(order) => lines.push(order),
        }
    }
    let ledger = ledger(settings)?;
    let (mut fresh, mut refused) = (0_usize, 0_usize);
    let total = lines.len();
    for OrderLine {
        out_trade_no: number,
        total_fee,
        body,
    } in lines
    {
        match ledger
            .add(NewOrder {
                number: number.clone(),
                total_fee,
                body,
            })
            .await
        {
            Ok(outcome) => fresh += usize::from(outcome.is_new()),
            Err(NotTaken::Bad(why)) => {
                refused += 1;
                eprintln!("order-listener: {number}: {why}");
            }
            Err(error) => return Err(error.into()),
        }
    }
    ledger.store.close().await?;
    print(&format!(
        "{total} orders read, {fresh} new, {refused} refused\n"
    ))?;
    Ok(found(refused))
}

async fn orders(settings: &Settings) -> Result<ExitCode> {
    let store = open(settings)?;
    let mut query = OrderQuery {
        limit: PAGE_MAX,
        ..OrderQuery::default()
    };
    loop {
        let page = store.list(query.clone()).await?;
        for order in &page.orders {
            let line = json!({
                "out_trade_no": order.key.out_trade_no,
                "state": order.state().as_str(),
                "total_fee": order.terms.total_fee,
                "transaction_id": order.transaction_id(),
                "confirmed": order.first_payment().map(|_| !order.has_unconfirmed()),
            });
            print(&format!("{line}\n"))?;
        }
        match page.next {
            Some(cursor) => query.cursor = Some(cursor),
            None => break,
        }
    }
    store.close().await?;
    Ok(ExitCode::SUCCESS)
}

fn list(settings: &Settings) -> Result<ExitCode> {
    let all = ParkedFile::new(&settings.data).read().context("--data")?;
    for parked in &all {
        print(&format!("{}\n", serde_json::to_string(parked)?))?;
    }
    Ok(found(all.len()))
}

async fn retry(settings: &Settings) -> Result<ExitCode> {
    // The ledger's lock keeps a running listener out while the file is rewritten.
    let ledger = ledger(settings)?;
    let file = ParkedFile::new(&settings.data);
    let all = file.read().context("--data")?;
    let total = all.len();
    let mut rest = Vec::new();
    for parked in all {
        let taken = match OrderPay::read(parked.body.as_bytes()) {
            Ok(message) => ledger.take(&message).await,
            Err(error) => Err(crate::ledger::Bad::from(error).into()),
        };
        match taken {
            Ok(_) => {}
            Err(NotTaken::Bad(bad)) => rest.push(Parked {
                code: bad.code().to_owned(),
                reason: bad.to_string(),
                ..parked
            }),
            Err(error) => return Err(error.into()),
        }
    }
    file.replace(&rest).context("--data")?;
    ledger.store.close().await?;
    let left = rest.len();
    print(&format!(
        "{total} messages tried, {} taken, {left} left\n",
        total - left
    ))?;
    Ok(found(left))
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
