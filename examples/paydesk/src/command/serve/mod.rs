//! `paydesk serve`: puts the parts together, runs them, and takes them apart in order.

mod parts;
mod signals;

use std::{io::Write, net::SocketAddr, sync::Arc};

use order_store::Health;
use stomp_bridge::{broker::Broker, client::Publisher};
use tokio::net::TcpListener;
use tokio::{
    task::JoinHandle,
    time::{interval, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use wxpay_sim::{RunningSim, Sim};

use super::{Exit, fault, look};
use crate::{
    config::{BrokerSetting, LogFormat, RawSettings, Settings, StoreSetting},
    desk::{Relay, RelayStatus, Sweeper},
    http::{self, App, Front},
    ledger::Ledger,
    operator::Operator,
};
pub(super) use parts::offline_desk;
use parts::{broker_for, desk_for};
use signals::Signals;

/// Serves until it is told to stop. Every fault of the start is one line that names the option.
pub(super) fn serve(raw: RawSettings) -> Exit {
    let result = Settings::resolve(raw)
        .map_err(|error| error.to_string())
        .and_then(|settings| {
            logging(settings.log_format);
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .map_err(|error| format!("cannot start: {error}"))?;
            runtime.block_on(run(settings))
        });
    match result {
        Ok(()) => Exit::Clean,
        Err(reason) => {
            fault(&reason);
            Exit::Found
        }
    }
}

fn logging(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => {
            use std::io::IsTerminal;
            lines.with_ansi(std::io::stderr().is_terminal()).init();
        }
        LogFormat::Json => lines.json().init(),
    }
}

async fn bind(listen: SocketAddr) -> Result<(TcpListener, SocketAddr), String> {
    let problem = |error| format!("--listen: cannot listen on {listen}: {error}");
    let listener = TcpListener::bind(listen).await.map_err(problem)?;
    let bound = listener.local_addr().map_err(problem)?;
    Ok((listener, bound))
}

async fn simulator(settings: &Settings) -> Result<Option<RunningSim>, String> {
    let Some(config) = parts::sim_config(settings) else {
        return Ok(None);
    };
    Sim::start(config)
        .await
        .map(Some)
        .map_err(|error| format!("--gateway: {error}"))
}

async fn run(settings: Settings) -> Result<(), String> {
    let mut signals = Signals::listen().map_err(|error| format!("cannot hear signals: {error}"))?;
    let (listener, bound) = bind(settings.listen).await?;
    let store = look::open(&settings.store).await?;
    let sim = simulator(&settings).await?;
    let started = start(settings, listener, bound, store.clone(), sim.as_ref()).await;
    let result = match started {
        Ok(desk) => {
            let end = tokio::select! {
                () = signals.next() => {
                    tracing::info!("stopping; a second Ctrl-C ends at once");
                    Ok(())
                }
                why = failure(&store) => {
                    tracing::error!(why, "the ledger failed: stopping, as nothing can be answered any more");
                    Err(format!("--store: the ledger failed: {why}"))
                }
            };
            signals.end_at_the_next();
            desk.stop().await;
            end
        }
        Err(reason) => Err(reason),
    };
    if let Some(sim) = sim {
        sim.shutdown().await;
    }
    let closed = store
        .close()
        .await
        .map_err(|error| format!("--store: the ledger did not close cleanly: {error}"));
    // What came first is what went wrong.
    result.and(closed)
}

/// Waits until the ledger has failed for good, and says why. A database that is away is waited for elsewhere.
async fn failure(store: &Ledger) -> String {
    let mut looks = interval(parts::HEALTH_LOOK);
    loop {
        looks.tick().await;
        if let Health::Failed { why, .. } = store.health() {
            return why;
        }
    }
}

/// Everything that runs, and the order in which it stops.
struct Started {
    /// The accept loop and its notifies, the sweeper and the operator's socket.
    front: Front,
    /// Ends the relay, after the front can add nothing more to the outbox.
    back: CancellationToken,
    relay: JoinHandle<()>,
    publisher: Publisher,
    broker: Option<Broker>,
}

impl Started {
    async fn stop(self) {
        self.front.stop.cancel();
        self.front.tasks.close();
        if timeout(parts::FRONT_DRAIN, self.front.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some work did not end in time; the next start finishes it");
        }
        self.back.cancel();
        if let Err(error) = self.relay.await {
            tracing::error!(%error, "the relay did not end well");
        }
        let drained = self.publisher.shutdown(parts::PUBLISHER_DRAIN).await;
        if drained.unsettled > 0 {
            tracing::warn!(
                rows = drained.unsettled,
                "the outbox keeps what was not confirmed"
            );
        }
        if let Some(broker) = self.broker {
            broker.shutdown(parts::BROKER_DRAIN).await;
        }
    }
}

async fn start(
    settings: Settings,
    listener: TcpListener,
    bound: SocketAddr,
    store: Ledger,
    sim: Option<&RunningSim>,
) -> Result<Started, String> {
    parts::check_accounts(&settings, &store).await?;
    let messaging = broker_for(&settings, bound).await?;
    let desk = Arc::new(desk_for(&settings, bound, store.clone(), sim)?);
    let relay_status = RelayStatus::default();
    let front = Front::default();
    let shared = parts::shared(
        &settings,
        bound,
        desk.clone(),
        &messaging,
        sim,
        relay_status.clone(),
        front.clone(),
    )?;
    let access = http::Access::new(&settings, bound);
    let router = http::router(App(Arc::new(shared)), access);

    let operator = operator_for(&settings)?;
    let back = CancellationToken::new();
    let stop = || front.stop.clone();
    front.tasks.spawn(http::serve(listener, router, stop()));
    if let Some(operator) = operator {
        front.tasks.spawn(operator.run(desk.clone(), stop()));
    }
    front.tasks.spawn(Sweeper { desk }.run(stop()));
    let relay = tokio::spawn(
        Relay {
            store,
            publisher: messaging.publisher.clone(),
            owner: parts::relay_id(),
            status: relay_status,
        }
        .run(back.clone()),
    );
    announce(&settings, bound, sim)?;
    Ok(Started {
        front,
        back,
        relay,
        publisher: messaging.publisher,
        broker: messaging.broker,
    })
}

/// The socket that operators ask through while this process holds the folder. A database takes them beside us.
fn operator_for(settings: &Settings) -> Result<Option<Operator>, String> {
    match &settings.store {
        StoreSetting::Sled(folder) => Operator::bind(folder)
            .map(Some)
            .map_err(|error| format!("--store: cannot make the operator's socket: {error}")),
        StoreSetting::Postgres(_) => {
            if matches!(settings.broker, BrokerSetting::Embedded) {
                tracing::warn!(
                    "the broker is this process's own: pages and services of another desk on this database do not hear it; give --broker"
                );
            }
            Ok(None)
        }
    }
}

/// The addresses to open, on standard output: programs read them too.
fn announce(
    settings: &Settings,
    bound: SocketAddr,
    sim: Option<&RunningSim>,
) -> Result<(), String> {
    use std::fmt::Write as _;
    let mut text = String::from("paydesk is ready\n");
    if let Some(sim) = sim {
        let _ = writeln!(text, "  phone     http://{}/", sim.addr());
    }
    let _ = writeln!(text, "  operator  http://{bound}/admin");
    let _ = writeln!(text, "  ledger    {}", settings.store);
    let broker = match &settings.broker {
        BrokerSetting::Embedded => format!("embedded, ws://{bound}/ws"),
        BrokerSetting::Remote(url) => url.to_string(),
    };
    let _ = writeln!(text, "  broker    {broker}");
    let _ = writeln!(text, "  shop      http://{bound}/");
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot write standard output: {error}"))
}
