//! Which broker is tried next, and when. The order is pure; the attempt around it is not.

use super::backoff::Backoff;
use super::connect::session_config;
use super::connect_error::ConnectError;
use super::connection::Connection;
use super::credentials::{Credentials, CredentialsProvider};
use super::event::ServerInfo;
use super::options::ConnectOptions;
use super::url::BrokerUrl;
use super::urls::BrokerUrls;
use std::time::Duration;

/// Connects to one of several brokers, again and again.
///
/// After a failure the next broker is tried at once; after a full round of failures there is a
/// wait, longer from round to round. A connection that [served](Self::served) and was lost is
/// begun again at the same broker, after the shortest wait.
pub(crate) struct Connector {
    urls: BrokerUrls,
    credentials: Option<CredentialsProvider>,
    options: ConnectOptions,
    backoff: Backoff,
    rounds: Rounds,
}

impl Connector {
    pub(crate) fn new(
        urls: BrokerUrls,
        credentials: Option<CredentialsProvider>,
        options: ConnectOptions,
        backoff: Backoff,
    ) -> Self {
        let rounds = Rounds::new(urls.len());
        Self {
            urls,
            credentials,
            options,
            backoff,
            rounds,
        }
    }

    /// The broker of the present attempt or connection.
    pub(crate) fn url(&self) -> &BrokerUrl {
        self.urls.at(self.rounds.at)
    }

    /// The number of the present attempt since a connection last served, from 1.
    pub(crate) fn attempt(&self) -> u32 {
        self.rounds.failures.saturating_add(1)
    }

    /// One attempt at [`url`](Self::url), with credentials that are asked for now. Can be dropped
    /// at any point. Say [`failed`](Self::failed) after an error, and after the end of a
    /// connection.
    pub(crate) async fn connect_next<T>(
        &self,
        receipt_timeout: Duration,
        window: usize,
    ) -> Result<(Connection<T>, ServerInfo), ConnectError> {
        let url = self.url();
        let credentials = Credentials::for_connect(self.credentials.as_ref(), url);
        let session = session_config(url, &self.options, receipt_timeout, window);
        Connection::open(url, credentials.as_ref(), &self.options, session).await
    }

    /// Something came of this connection, such as a receipt: it is no failure.
    pub(crate) fn served(&mut self) {
        self.rounds.served();
    }

    /// The attempt failed, or the connection is over: how long to wait before the next attempt.
    /// `random` is uniform.
    pub(crate) fn failed(&mut self, random: u64) -> Duration {
        self.rounds
            .failed()
            .map_or(Duration::ZERO, |round| self.backoff.wait(round, random))
    }
}

/// Goes through the brokers in turn.
#[derive(Debug, PartialEq, Eq)]
struct Rounds {
    brokers: usize,
    at: usize,
    /// Brokers of this round that failed.
    tried: usize,
    /// Waits since a connection last served.
    waits: u32,
    /// Failures since a connection last served.
    failures: u32,
    /// Whether the present connection served.
    serves: bool,
}

impl Rounds {
    fn new(brokers: usize) -> Self {
        Self {
            brokers,
            at: 0,
            tried: 0,
            waits: 0,
            failures: 0,
            serves: false,
        }
    }

    fn served(&mut self) {
        if !self.serves {
            (self.tried, self.waits, self.failures) = (0, 0, 0);
            self.serves = true;
        }
    }

    /// The number of the wait that is due, if one is.
    fn failed(&mut self) -> Option<u32> {
        self.failures = self.failures.saturating_add(1);
        if !std::mem::take(&mut self.serves) {
            self.at = (self.at + 1) % self.brokers;
            self.tried += 1;
            if self.tried < self.brokers {
                return None;
            }
            self.tried = 0;
        }
        let wait = self.waits;
        self.waits = self.waits.saturating_add(1);
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Limits, Parser};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    #[test]
    fn all_are_tried_before_there_is_a_wait_and_waits_grow_by_the_round() {
        let mut rounds = Rounds::new(3);
        let seen: Vec<_> = (0..7).map(|_| (rounds.at, rounds.failed())).collect();
        let expected = [
            (0, None),
            (1, None),
            (2, Some(0)),
            (0, None),
            (1, None),
            (2, Some(1)),
            (0, None),
        ];
        assert_eq!(seen, expected);
        assert_eq!(rounds.failures, 7);
    }

    #[test]
    fn one_broker_is_waited_for_each_time() {
        let mut rounds = Rounds::new(1);
        assert_eq!([0; 3].map(|_| rounds.failed()), [0, 1, 2].map(Some));
        assert_eq!(rounds.at, 0);
    }

    #[test]
    fn the_broker_that_served_is_tried_first_again_and_then_all_others() {
        let mut rounds = Rounds::new(2);
        assert_eq!(rounds.failed(), None);
        rounds.served();
        rounds.served();
        let seen: Vec<_> = (0..4).map(|_| (rounds.at, rounds.failed())).collect();
        let expected = [(1, Some(0)), (1, None), (0, Some(1)), (1, None)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_connection_that_leads_to_nothing_counts_as_a_failure() {
        let mut rounds = Rounds::new(1);
        rounds.served();
        assert_eq!(rounds.failed(), Some(0));
        // Connected, cut before anything came of it.
        assert_eq!(rounds.failed(), Some(1));
    }

    /// Answers one CONNECT; tells its passcode.
    async fn serve_one(listener: &TcpListener) -> (TcpStream, String) {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut parser = Parser::new(Limits::default());
        let connect = loop {
            if let Some(frame) = parser.next_frame().unwrap() {
                break frame;
            }
            parser.push(&[tcp.read_u8().await.unwrap()]);
        };
        let connected = b"CONNECTED\nversion:1.2\n\n\0";
        tcp.write_all(connected).await.unwrap();
        (tcp, connect.header("passcode").unwrap().to_owned())
    }

    #[tokio::test]
    async fn the_next_broker_is_tried_at_once_with_fresh_credentials() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dead = gone.local_addr().unwrap();
        drop(gone);
        let alive = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let list = format!("stomp://{dead},stomp://{}", alive.local_addr().unwrap());
        let asked = Arc::new(AtomicU32::new(0));
        let provider: CredentialsProvider = Arc::new(move || {
            let n = asked.fetch_add(1, Ordering::Relaxed);
            Credentials::new("payer", format!("token-{n}")).unwrap()
        });
        let mut connector = Connector::new(
            list.parse().unwrap(),
            Some(provider),
            ConnectOptions::default(),
            Backoff::default(),
        );
        let second = Duration::from_secs(1);
        let refused = connector.connect_next::<()>(second, 1).await.map(|_| ());
        let addr = dead.to_string();
        assert_eq!(refused, Err(ConnectError::Refused { addr }));
        assert_eq!(connector.failed(u64::MAX), Duration::ZERO);
        assert_eq!(connector.attempt(), 2);

        let attempt = connector.connect_next::<()>(second, 1);
        let (opened, (_tcp, passcode)) = tokio::join!(attempt, serve_one(&alive));
        assert_eq!(opened.unwrap().1.version, "1.2");
        assert_eq!(passcode, "token-1");

        // It served and was lost: the same one again, after the shortest wait.
        connector.served();
        assert_eq!(connector.failed(u64::MAX), Backoff::default().base);
        let attempt = connector.connect_next::<()>(second, 1);
        let (opened, (_tcp, passcode)) = tokio::join!(attempt, serve_one(&alive));
        assert!(opened.is_ok());
        assert_eq!(passcode, "token-2");
    }
}
