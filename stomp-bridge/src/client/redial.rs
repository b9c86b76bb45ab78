//! One attempt of a publisher or subscriber to get a connection. Everything about where to dial
//! stands here.

use super::connect::{ConnectError, ConnectOptions, ServerInfo, session_config};
use super::connection::Connection;
use super::credentials::{Credentials, CredentialsProvider};
use super::url::BrokerUrl;
use std::time::Duration;

/// Asks for the credentials, dials, shakes hands.
pub(crate) async fn open_connection<T>(
    url: &BrokerUrl,
    credentials: Option<&CredentialsProvider>,
    options: &ConnectOptions,
    receipt_timeout: Duration,
    window: usize,
) -> Result<(Connection<T>, ServerInfo), ConnectError> {
    let credentials = Credentials::for_connect(credentials, url);
    let session = session_config(url, options, receipt_timeout, window);
    Connection::open(url, credentials.as_ref(), options, session).await
}

/// Without randomness the backoff is still a backoff, only without jitter.
pub(crate) fn jitter() -> u64 {
    getrandom::u64().unwrap_or(u64::MAX)
}
