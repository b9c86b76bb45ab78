//! One connection: its settings, its prepared statements, and the task that drives it.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
    time::timeout,
};
use tokio_postgres::{
    AsyncMessage, Client, Config, Connection, NoTls, Row, SimpleQueryMessage, Socket, Statement,
    types::ToSql,
};

use super::{fault::Fault, fault::chain, sql::Sql, tls::MakeTls};
use crate::StoreError;

/// The parameters of a statement.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// What is done with a notification.
pub(super) type OnNotify = Arc<dyn Fn() + Send + Sync>;

/// The client waits so much longer than the server, which ends a statement by itself.
const GRACE: Duration = Duration::from_secs(2);
/// How long connecting may take, TLS and log-in included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Every connection has these.
const SETTINGS: &str = "SET default_transaction_isolation TO 'read committed'";
/// These are PostgreSQL's own; another database may not know them, and needs them not. The tables grow faster than its
/// statistics, so only plans by index are let in.
const PLAN_SETTINGS: [&str; 4] = [
    "SET enable_seqscan TO off",
    "SET enable_hashjoin TO off",
    "SET enable_mergejoin TO off",
    "SET jit TO off",
];

/// What it takes to connect.
pub(super) struct Connector {
    pub(super) config: Config,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) schema: String,
    pub(super) statement_timeout: Duration,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Groups of orders: few statements, whose plans do not depend on the tables' sizes and are kept.
    Orders,
    /// All else: planned each time, for the tables as they are.
    Records,
    /// What may be lost: acknowledged before it is on disk.
    Forgettable,
}

impl Purpose {
    const fn plan_setting(self) -> &'static str {
        match self {
            Self::Orders => "SET plan_cache_mode TO force_generic_plan",
            Self::Records | Self::Forgettable => "SET plan_cache_mode TO force_custom_plan",
        }
    }
}

impl Connector {
    /// A new connection.
    pub(super) async fn connect(
        &self,
        purpose: Purpose,
        on_notify: Option<OnNotify>,
    ) -> Result<Session, StoreError> {
        let connecting = async {
            if let Some(tls) = &self.tls {
                let tls = MakeTls(Arc::clone(tls));
                let (client, connection) = self.config.connect(tls).await?;
                return Ok((client, drive(connection, on_notify)));
            }
            let (client, connection) = self.config.connect(NoTls).await?;
            Ok((client, drive(connection, on_notify)))
        };
        let (client, driver) = timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| unavailable("no connection in time".to_owned()))?
            .map_err(|error: tokio_postgres::Error| unavailable(chain(&error)))?;
        let session = Session {
            client,
            driver,
            schema: self.schema.clone(),
            limit: self.statement_timeout + GRACE,
            statements: Mutex::default(),
        };
        self.set_up(&session, purpose).await?;
        Ok(session)
    }

    async fn set_up(&self, session: &Session, purpose: Purpose) -> Result<(), StoreError> {
        let limit_ms = self.statement_timeout.as_millis();
        session
            .batch(&format!("{SETTINGS}; SET statement_timeout TO {limit_ms}"))
            .await?;
        for setting in PLAN_SETTINGS.into_iter().chain([purpose.plan_setting()]) {
            match session.batch(setting).await {
                Ok(()) | Err(Fault::Refused { .. }) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        let commit = match purpose {
            Purpose::Orders | Purpose::Records => {
                // `off` would acknowledge what a crash takes back; every other value is at least as good as `local`.
                let current = session.setting("synchronous_commit").await?;
                (current.as_deref() == Some("off")).then_some("SET synchronous_commit TO on")
            }
            Purpose::Forgettable => Some("SET synchronous_commit TO off"),
        };
        match commit {
            Some(commit) => match session.batch(commit).await {
                Err(Fault::Refused { .. }) if purpose == Purpose::Forgettable => Ok(()),
                done => Ok(done?),
            },
            None => Ok(()),
        }
    }
}

fn unavailable(why: String) -> StoreError {
    StoreError::Unavailable { why }
}

/// Drives the connection until its client or the server ends it.
fn drive<T>(mut connection: Connection<Socket, T>, on_notify: Option<OnNotify>) -> JoinHandle<()>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        loop {
            match poll_fn(|cx| connection.poll_message(cx)).await {
                Some(Ok(AsyncMessage::Notification(_))) => {
                    if let Some(notify) = &on_notify {
                        notify();
                    }
                }
                Some(Ok(AsyncMessage::Notice(notice))) => {
                    tracing::debug!(message = notice.message(), "the database says");
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    tracing::debug!(error = chain(&error), "a connection broke");
                    return;
                }
                None => return,
            }
        }
    })
}

/// A connection. Dropping it ends it.
pub(super) struct Session {
    client: Client,
    driver: JoinHandle<()>,
    schema: String,
    limit: Duration,
    statements: Mutex<HashMap<Sql, Statement>>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Session {
    /// Whether the connection is known to be gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// The rows that a statement gives.
    pub(super) async fn query(&self, sql: Sql, params: Params<'_>) -> Result<Vec<Row>, Fault> {
        match self.run(sql, params).await {
            Err(Fault::Unprepared { code, .. }) => {
                tracing::debug!(?sql, code, "prepared anew");
                self.statements().remove(&sql);
                match self.run(sql, params).await {
                    // Not for want of preparing, then.
                    Err(Fault::Unprepared { code, message }) => {
                        Err(Fault::Refused { code, message })
                    }
                    done => done,
                }
            }
            done => done,
        }
    }

    async fn run(&self, sql: Sql, params: Params<'_>) -> Result<Vec<Row>, Fault> {
        let statement = self.prepared(sql).await?;
        timeout(self.limit, self.client.query(&statement, params))
            .await
            .map_err(|_| Fault::timed_out())?
            .map_err(Fault::from)
    }

    fn statements(&self) -> MutexGuard<'_, HashMap<Sql, Statement>> {
        self.statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Text without parameters.
    pub(super) async fn batch(&self, text: &str) -> Result<(), Fault> {
        timeout(self.limit, self.client.batch_execute(text))
            .await
            .map_err(|_| Fault::timed_out())?
            .map_err(Fault::from)
    }

    /// A setting of the server's; nothing where it does not know it.
    pub(super) async fn setting(&self, name: &str) -> Result<Option<String>, Fault> {
        match self.texts(&format!("SHOW {name}")).await {
            Ok(mut values) => Ok(values.pop().flatten()),
            Err(Fault::Refused { .. }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The values of the first row that a text without parameters gives, as text; none when there is no row.
    pub(super) async fn texts(&self, text: &str) -> Result<Vec<Option<String>>, Fault> {
        let messages = timeout(self.limit, self.client.simple_query(text))
            .await
            .map_err(|_| Fault::timed_out())?
            .map_err(Fault::from)?;
        let row = messages.into_iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Ok(row.map_or_else(Vec::new, |row| {
            (0..row.len())
                .map(|at| row.get(at).map(str::to_owned))
                .collect()
        }))
    }

    async fn prepared(&self, sql: Sql) -> Result<Statement, Fault> {
        let known = self.statements().get(&sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let text = sql.text(&self.schema);
        let statement = timeout(self.limit, self.client.prepare(&text))
            .await
            .map_err(|_| Fault::timed_out())?
            .map_err(Fault::from)?;
        self.statements().insert(sql, statement.clone());
        Ok(statement)
    }
}
