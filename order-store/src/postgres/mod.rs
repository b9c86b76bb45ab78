//! The ledger in PostgreSQL, for many machines.
//!
//! # What a commit guarantees
//! A group of commands is one statement, and so one transaction: the orders' rows, the log, the outbox, the indexes of what is
//! unique, and what it adds to the day's totals. It is answered when the server has answered the commit, with
//! `synchronous_commit` as the server has it but never `off`; a server with `fsync` off is refused. An order's row has a version,
//! and is written only over the version that the group was decided on; a number, transaction or refund is written only where there
//! is none. If another machine was faster the whole group leaves no trace, is read again and decided again. A serialisation
//! failure or a deadlock is tried again too. If the connection ends under a commit nobody knows what became of it: the group's random
//! name is looked up in the log before anything else is done, and the caller hears what is true, or
//! [`StoreError::NoAnswer`] when the database stays away.
//!
//! # Tables
//! | table | key | holds |
//! |---|---|---|
//! | `orders` | shard, merchant, number | the order as JSON, its version, and what lists are sorted by |
//! | `log` | shard, merchant, number, n | the rows of the log, never changed |
//! | `numbers`, `transactions`, `refunds` | shard, name | whose it is |
//! | `outbox` | shard, merchant, number, n | rows to be sent, with lease, fence and tries |
//! | `inbox`, `inbox_next` | ring, slot | two rings of notifies |
//! | `inbox_writes` | ring, slot | the name of each write to a ring, so that none is done twice |
//! | `tally`, `totals` | shard, merchant, number, n; merchant, day | what is to be rolled up, and what was |
//! | `accounts` | merchant, appid | the accounts that have orders |
//! | `migrations` | format | the steps of the schema, which take nothing away but an index |
//!
//! # What a payment writes
//! One version of the order's row, with an entry in its key and in the index by state; a row of the log, one of `transactions`,
//! two of the outbox, each of these with its key, and those of the outbox in `outbox_ready` as well. What payments add to the totals is
//! one row of `tally` for each merchant and day of the group, however many payments it has. It reads the order. Whether the
//! transaction is another's it does not read: its key refuses the group then, and the group is decided again with the owners looked up.
//!
//! # Outbox
//! Leases run by the database's clock. A claim locks the first row of each order it wants, steps over what others have locked,
//! and lends an order's rows from the first on up to one that is not free: so an order's rows go out in their order, and
//! two relays never have a row at once. Each claim raises the row's fence, and a late relay settles nothing.
//!
//! # Other databases
//! The statements keep to what CockroachDB and YugabyteDB document too: plain tables, `ON CONFLICT`, `RETURNING`, `unnest`,
//! `SKIP LOCKED`; each table is written once a statement, keys begin with a shard byte, and there is no sequence, trigger or
//! advisory lock. `LISTEN` is optional. None of this was run on them. The index `outbox_ready` is by time alone: there it is a hot
//! range, to be hash-sharded by hand.
//!
//! Connections keep prepared statements and session settings, so a pooler between must pool sessions, not transactions.

mod claim;
mod committer;
mod dump;
mod face;
mod fault;
mod group;
mod inbox;
mod key;
mod link;
mod lookup;
mod migrate;
mod options;
#[cfg(test)]
mod portable;
mod reads;
mod records;
mod relay;
mod rows;
mod session;
mod settle;
mod snapshot;
mod sql;
mod tasks;
mod tls;
mod unique;
mod wake;
mod write;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, timeout},
};

pub use self::options::{
    LeaseClock, PostgresOptions, PostgresUrl, PostgresUrlError, Schema, SchemaError,
};
use self::{
    committer::Reply,
    link::{Pool, Reach},
    options::Tls,
    session::Connector,
    settle::Settlement,
    tasks::Queues,
    wake::Wake,
};
use crate::{ClaimToken, OrderStore, StoreError};

/// How much longer than the patience with the database a caller waits for its answer.
const ANSWER_GRACE: Duration = Duration::from_secs(15);

/// A ledger in a PostgreSQL database, which any number of processes may have open at once.
///
/// It reconnects by itself. While the database is away, calls wait up to [`PostgresOptions::patience`] and then fail with
/// [`StoreError::Unavailable`], or with [`StoreError::NoAnswer`] when the change may be written all the same;
/// [`OrderStore::health`] says so and goes back to writable with the database.
///
/// Dropping it does what is waiting without a word; [`OrderStore::close`] waits for it.
///
/// ```no_run
/// use order_store::{OrderStore, PostgresOptions, PostgresStore};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let url = "postgres://payer:secret@db.example/shop?sslmode=verify-full".parse()?;
/// let store = PostgresStore::open(&url, PostgresOptions::default()).await?;
/// assert_eq!(store.health(), order_store::Health::Writable);
/// store.close().await?;
/// # Ok(())
/// # }
/// ```
pub struct PostgresStore {
    queues: RwLock<Option<Queues>>,
    pool: Arc<Pool>,
    reach: Arc<Reach>,
    wake: Arc<Wake>,
    options: PostgresOptions,
    /// Tells the loans of this store from those of others: 32 hex digits.
    name: String,
    stop: watch::Sender<bool>,
    /// The tasks that end when their queues do, and those that are told to.
    tasks: Mutex<Option<JoinSet<()>>>,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("schema", &self.options.schema)
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Opens the ledger in this database, and makes its schema or brings it up to date where that is needed; any number of
    /// services may do so at once. It must be called on a Tokio runtime with time and I/O, which its tasks then live on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer within the patience, [`StoreError::Database`] when it
    /// refuses (a schema that may not be made, for one), [`StoreError::NewerFormat`] when the ledger is not for this
    /// program, [`StoreError::Unsafe`], and [`StoreError::Io`] for certificate authorities that cannot be read.
    pub async fn open(url: &PostgresUrl, options: PostgresOptions) -> Result<Self, StoreError> {
        let tls = match url.tls {
            Tls::Off => None,
            Tls::Verified => Some(tls::client_config(url, &options).await?),
        };
        let connector = Arc::new(Connector {
            config: url.config.clone(),
            tls,
            schema: options.schema.as_str().to_owned(),
            statement_timeout: options.statement_timeout,
        });
        migrate::migrate(&connector, Instant::now() + options.patience).await?;
        let name = u128::from_be_bytes(committer::commit_id()?);
        Ok(Self::start(connector, options, format!("{name:032x}")))
    }

    fn queues(&self) -> Result<Queues, StoreError> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        queues.clone().ok_or(StoreError::Closed)
    }

    fn pool(&self) -> Result<&Pool, StoreError> {
        self.queues().map(|_| &*self.pool)
    }

    /// Relays everywhere may find something.
    fn woken(&self) {
        self.wake.rows_were_written();
    }

    /// Puts a job before a task and waits for its answer.
    async fn ask<J, T, E>(
        &self,
        queue: &mpsc::Sender<J>,
        job: impl FnOnce(Reply<Result<T, E>>) -> J + Send,
    ) -> Result<T, E>
    where
        J: Send,
        T: Send,
        E: From<StoreError> + Send,
    {
        let (reply, answer) = oneshot::channel();
        let place = timeout(self.options.busy_after, queue.reserve())
            .await
            .map_err(|_| StoreError::Busy)?
            .map_err(|_| StoreError::Closed)?;
        place.send(job(reply));
        timeout(self.options.patience + ANSWER_GRACE, answer)
            .await
            .map_err(|_| StoreError::NoAnswer)?
            .map_err(|_| StoreError::NoAnswer)?
    }

    async fn settle(&self, token: ClaimToken, settlement: Settlement) -> Result<(), StoreError> {
        let queue = self.queues()?.settler;
        self.ask(&queue, |reply| settle::Job {
            token,
            settlement,
            reply,
        })
        .await
    }
}

/// The queues go with it, so what is waiting is done; what runs for ever is told to stop.
impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        let tasks = self
            .tasks
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut tasks) = tasks {
            tasks.detach_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FailureCause, Health};

    /// Without a database: its tasks wait for work, and then they are no more.
    #[tokio::test]
    async fn health_knows_when_a_writing_task_is_gone() {
        let url: PostgresUrl = "postgres://nobody@127.0.0.1:1/none".parse().unwrap();
        let options = PostgresOptions::default();
        let connector = Arc::new(Connector {
            config: url.config.clone(),
            tls: None,
            schema: options.schema.as_str().to_owned(),
            statement_timeout: options.statement_timeout,
        });
        let store = PostgresStore::start(connector, options, "0".repeat(32));
        assert_eq!(store.health(), Health::Writable);
        let tasks = store.tasks.lock().unwrap().take();
        tasks.unwrap().shutdown().await;
        let gone = Health::Failed {
            cause: FailureCause::Ended,
            why: "a writing task has ended".to_owned(),
        };
        assert_eq!(store.health(), gone);
        store.close().await.unwrap();
        assert_eq!(store.health(), Health::Closed);
    }
}
