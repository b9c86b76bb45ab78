//! One attempt to connect, from what is configured.

use super::connect_error::ConnectError;
use super::connection::Connection;
use super::credentials::{Credentials, CredentialsProvider};
use super::event::ServerInfo;
use super::far::bounded;
use super::options::ConnectOptions;
use super::session::{OwnBeats, SessionConfig};
use super::step::{StepReport, Steps};
use super::url::BrokerUrl;
use std::time::Duration;

/// One bounded attempt, step by step: `on_step` hears of each step that succeeded. An error says
/// [which step](ConnectError::step) failed and [what may mend it](ConnectError::hint). A connection
/// that is made says goodbye at once.
///
/// ```no_run
/// # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
/// use stomp_bridge::client::{ConnectOptions, probe};
///
/// let url = "wss://payer:secret@broker.example/ws".parse()?;
/// let told = |step: stomp_bridge::client::StepReport| {
///     println!("{}: {} in {:?}", step.step, step.detail, step.took);
/// };
/// match probe(&url, &ConnectOptions::default(), told).await {
///     Ok(server) => println!("STOMP {}", server.version),
///     Err(e) => println!("failed at {}: {e}: {}", e.step(), e.hint()),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ConnectError`], whose text is one line for an operator.
pub async fn probe(
    url: &BrokerUrl,
    options: &ConnectOptions,
    mut on_step: impl FnMut(StepReport) + Send,
) -> Result<ServerInfo, ConnectError> {
    let config = session_config(url, options, options.connect_timeout, 1);
    let steps = &mut Steps::told_to(&mut on_step);
    let opened = Connection::<()>::open_told(url, url.credentials(), options, config, steps);
    let (connection, server) = opened.await?;
    connection.goodbye().await;
    Ok(server)
}

pub(crate) fn session_config(
    url: &BrokerUrl,
    options: &ConnectOptions,
    receipt_timeout: Duration,
    window: usize,
) -> SessionConfig {
    let own_beats = if url.scheme().is_websocket() {
        OwnBeats::Unannounced
    } else {
        OwnBeats::Announced
    };
    SessionConfig {
        heartbeat: bounded(options.heartbeat),
        own_beats,
        connect_timeout: bounded(options.connect_timeout),
        receipt_timeout: bounded(receipt_timeout),
        window,
    }
}

impl Credentials {
    /// Those of this connect: the provider's, else the URL's.
    pub(crate) fn for_connect(
        provider: Option<&CredentialsProvider>,
        url: &BrokerUrl,
    ) -> Option<Self> {
        provider
            .map(|ask| ask())
            .or_else(|| url.credentials().cloned())
    }
}
