//! `doctor`: from the host's name to a receipt, and what is wrong on the way.
//!
//! The steps stop at the first that fails. What the library says of it, and what the port turns out to speak
//! ([`identify`]), make a [`Diagnosis`]: one line, with a code for programs.

mod connect;
mod diagnosis;
mod identify;
mod session;

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stomp_bridge::client::{ConnectError, Destination};

use crate::{
    broker::Broker,
    cli::DoctorArgs,
    exit::{self, Exit},
};
use diagnosis::Diagnosis;
use identify::Speaks;

/// A step that went well.
pub(crate) struct Done {
    pub(crate) step: &'static str,
    pub(crate) took: Duration,
    pub(crate) detail: String,
}

/// What is tried once the session is open.
pub(crate) enum Trial {
    /// A SEND that RabbitMQ confirms and drops.
    Nowhere,
    /// A SEND that arrives.
    Send(Destination),
    /// A SUBSCRIBE that takes nothing.
    Subscribe(Destination),
}

impl Trial {
    fn new(args: &DoctorArgs) -> Result<Self> {
        Ok(match (&args.send, &args.subscribe) {
            (Some(path), _) => Self::Send(path.parse().context("--send")?),
            (None, Some(path)) => Self::Subscribe(path.parse().context("--subscribe")?),
            (None, None) => Self::Nowhere,
        })
    }
}

pub(crate) async fn run(args: DoctorArgs) -> Result<Exit> {
    let broker = Broker::new(&args.target, args.address.as_deref())?;
    let trial = Trial::new(&args)?;
    let watch = Duration::from_secs(args.watch);
    let print = |done: &Done| {
        if !args.json {
            let ms = done.took.as_secs_f64() * 1e3;
            let line = format!("ok    {:<10} {ms:>9.1} ms  {}\n", done.step, done.detail);
            // The verdict follows in any case.
            exit::write(line.as_bytes()).ok();
        }
    };
    let mut steps = Vec::new();
    let mut tell = |done: Done| {
        print(&done);
        steps.push(done);
    };
    let found = examine(&broker, &trial, watch, &mut tell).await;
    let text = if args.json {
        let report = json!({
            "url": broker.url.to_string(),
            "steps": steps.iter().map(step_json).collect::<Vec<_>>(),
            "diagnosis": found.as_ref().err().map(Diagnosis::json),
        });
        format!("{report}\n")
    } else {
        match &found {
            Ok(()) => format!("fine  {}\n", broker.url),
            Err(diagnosis) => format!("WRONG {diagnosis}\n"),
        }
    };
    exit::write(text.as_bytes())?;
    Ok(found.map_or(Exit::Found, |()| Exit::Clean))
}

async fn examine(
    broker: &Broker,
    trial: &Trial,
    watch: Duration,
    tell: &mut (impl FnMut(Done) + Send),
) -> Result<(), Diagnosis> {
    if let Err(error) = connect::steps(broker, tell).await {
        // Behind a proxy only the proxy can be asked.
        let direct = broker.options.proxy.proxy_for(&broker.url).is_none();
        let speaks = if direct && is_puzzling(&error) {
            identify::ask(&broker.url, broker.patience).await
        } else {
            Speaks::NotAsked
        };
        return Err(diagnosis::of_connect(&broker.url, &error, &speaks));
    }
    session::examine(broker, trial, watch, tell).await
}

/// Whether the error may mean that something else than the URL says listens there.
fn is_puzzling(error: &ConnectError) -> bool {
    matches!(
        error,
        ConnectError::Tls(_)
            | ConnectError::UpgradeRefused { .. }
            | ConnectError::NotWebSocket { .. }
            | ConnectError::NotStomp { .. }
            | ConnectError::Closed { .. }
            | ConnectError::TimedOut { .. }
    )
}

fn step_json(done: &Done) -> Value {
    json!({"step": done.step, "ms": done.took.as_secs_f64() * 1e3, "detail": done.detail})
}
