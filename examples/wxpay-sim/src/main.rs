//! `wxpay-sim`: the simulator as a program of its own.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use tracing_subscriber::EnvFilter;
use wxpay_sim::{Merchant, RunningSim, Sim, SimConfig, TEST_API_KEY, TEST_APPID, TEST_MCH_ID};

/// A stand-in for the WeChat Pay V2 gateway
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Where to listen
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9011")]
    listen: SocketAddr,
    /// A merchant to know, instead of the public test merchant; may be given again
    #[arg(long, value_name = "APPID:MCH_ID:API_KEY")]
    merchant: Vec<String>,
    /// A host besides loopback that notifies may be posted to; may be given again
    #[arg(long, value_name = "HOST")]
    allow_notify: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wxpay-sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<()> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow!("a TLS provider is installed already"))?;
    // Listened for before anything is printed, so that whoever reads the addresses can stop the process.
    let stop = stop_signal()?;
    let sim = start(options).await?;
    stop.await;
    sim.shutdown().await;
    Ok(())
}

/// Waits for Ctrl-C, or for the TERM of a service manager.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Waits for Ctrl-C.
#[cfg(windows)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

async fn start(options: Options) -> Result<RunningSim> {
    // Read here and not by clap, whose message would repeat the key.
    let given: Vec<Merchant> = options
        .merchant
        .iter()
        .map(|text| text.parse().context("--merchant"))
        .collect::<Result<_>>()?;
    let is_test = given.is_empty();
    let sim = Sim::start(SimConfig {
        listen: options.listen,
        merchants: if is_test {
            vec![Merchant::test()]
        } else {
            given
        },
        allow_notify: options.allow_notify,
        ..SimConfig::default()
    })
    .await
    .map_err(|error| {
        let option = match error {
            wxpay_sim::StartError::PortInUse { .. } | wxpay_sim::StartError::Listen { .. } => {
                "--listen"
            }
            wxpay_sim::StartError::AllowNotify { .. } => "--allow-notify",
            wxpay_sim::StartError::MerchantTwice { .. } => "--merchant",
            _ => "start",
        };
        anyhow!("{option}: {error}")
    })?;
    println!("gateway  {}", sim.url());
    println!("phone    {}/", sim.url());
    if is_test {
        println!(
            "merchant appid {TEST_APPID}, mch_id {TEST_MCH_ID}, API key {TEST_API_KEY} (public, worthless)"
        );
    }
    if !sim.addr().ip().is_loopback() {
        tracing::warn!("whoever reaches {} can pay every order here", sim.addr());
    }
    Ok(sim)
}
