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
//! | `tally`, `totals` | shard, merchant, number, n; merchant, day | what is to be rolled up, and what was |
//! | `accounts` | merchant, appid | the accounts that have orders |
//! | `migrations` | format | the steps of the schema, which only add |
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

mod committer;
mod dump;
mod fault;
mod group;
mod inbox;
mod key;
mod link;
mod migrate;
mod options;
#[cfg(test)]
mod portable;
mod reads;
mod records;
mod relay;
mod session;
mod snapshot;
mod sql;
mod tls;
mod wake;
mod write;

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use wxpay_core::{MchId, OutRefundNo, OutTradeNo, TransactionId};

pub use self::options::{
    LeaseClock, PostgresOptions, PostgresUrl, PostgresUrlError, Schema, SchemaError,
};
use self::{
    committer::{Committer, Reply},
    group::Ask,
    inbox::{Keeper, Ring},
    key::{shard_of, shard_of_number, shard_of_transaction},
    link::{Link, Pool, Reach},
    options::Tls,
    relay::{Settlement, Settler},
    session::{Connector, Purpose},
    sql::Sql,
    wake::{Listener, Wake},
};
use crate::{
    Account, Claim, ClaimToken, Command, DayTotals, ExecuteError, Executed, Health, LogEntry,
    NotifyId, NotifyQuery, NotifyRecord, NotifySummary, Order, OrderKey, OrderQuery, OrderStore,
    OutboxId, OutboxRow, OutboxStatus, Page, RelayId, StoreError, Timestamp, TotalsQuery, Verdict,
    random::random,
};

/// The most jobs that wait for each writing task.
const QUEUE_MAX: usize = 4096;
/// The most notifies that wait: they are large.
const INBOX_QUEUE_MAX: usize = 256;
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

/// The ways to the tasks that write. A closed store has none.
#[derive(Clone)]
struct Queues {
    committers: Vec<mpsc::Sender<committer::Job>>,
    settler: mpsc::Sender<relay::Job>,
    accepted: mpsc::Sender<inbox::Job>,
    refused: mpsc::Sender<inbox::Job>,
}

impl Queues {
    /// Whether a task is gone that should be there as long as its queue is: it panicked.
    fn lack_a_task(&self) -> bool {
        self.committers.iter().any(mpsc::Sender::is_closed)
            || self.settler.is_closed()
            || self.accepted.is_closed()
            || self.refused.is_closed()
    }
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

    fn start(connector: Arc<Connector>, options: PostgresOptions, name: String) -> Self {
        let (reach, wake) = (Arc::new(Reach::default()), Arc::new(Wake::new()));
        let patience = options.patience;
        let link = |purpose| Link::new(Arc::clone(&connector), Arc::clone(&reach), purpose);
        let mut tasks = JoinSet::new();
        let committers = (0..options.committers.clamp(1, 8))
            .map(|_| {
                let (sender, jobs) = mpsc::channel(QUEUE_MAX);
                let committer = Committer {
                    link: link(Purpose::Orders),
                    jobs,
                    wake: Arc::clone(&wake),
                    patience,
                    accounts: HashSet::new(),
                };
                tasks.spawn(committer.run());
                sender
            })
            .collect();
        let (settler, jobs) = mpsc::channel(QUEUE_MAX);
        tasks.spawn(
            Settler {
                link: link(Purpose::Records),
                jobs,
                wake: Arc::clone(&wake),
                patience,
                clock: options.clock.clone(),
                dead_letter: options.dead_letter,
            }
            .run(),
        );
        let mut keeper = |ring, purpose| {
            let (sender, jobs) = mpsc::channel(INBOX_QUEUE_MAX);
            let link = link(purpose);
            let keeper = Keeper {
                ring,
                link,
                jobs,
                patience,
            };
            tasks.spawn(keeper.run());
            sender
        };
        let accepted = keeper(Ring::Accepted, Purpose::Records);
        let refused = keeper(Ring::Refused, Purpose::Forgettable);
        let stop = watch::Sender::new(false);
        let listener = Listener {
            connector: Arc::clone(&connector),
            wake: Arc::clone(&wake),
            reach: Arc::clone(&reach),
            poll_every: options.poll_every,
            clock: options.clock.clone(),
        };
        tasks.spawn(listener.run(stop.subscribe()));
        let pool = Arc::new(Pool::new(
            connector,
            Arc::clone(&reach),
            options.readers.clamp(1, 64),
            options.busy_after,
            patience,
        ));
        tasks.spawn(roll_up(
            Arc::clone(&pool),
            options.roll_up_every,
            stop.subscribe(),
        ));
        Self {
            queues: RwLock::new(Some(Queues {
                committers,
                settler,
                accepted,
                refused,
            })),
            pool,
            reach,
            wake,
            options,
            name,
            stop,
            tasks: Mutex::new(Some(tasks)),
        }
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
        self.ask(&queue, |reply| relay::Job {
            token,
            settlement,
            reply,
        })
        .await
    }
}

/// Rolls totals up now and then. What a stop cuts off is done or not, and the next store goes on.
async fn roll_up(pool: Arc<Pool>, every: Duration, mut stop: watch::Receiver<bool>) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let work = async {
        loop {
            ticks.tick().await;
            reads::roll_up(&pool).await;
        }
    };
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

#[async_trait]
impl OrderStore for PostgresStore {
    async fn execute(&self, command: Command) -> Result<Executed, ExecuteError> {
        let committers = self.queues()?.committers;
        let shard = usize::from(shard_of(command.key()).unsigned_abs());
        let queue = &committers[shard % committers.len()];
        let ask = Ask {
            random: random()?,
            command,
        };
        self.ask(queue, |reply| committer::Job { ask, reply }).await
    }

    async fn get(&self, key: &OrderKey) -> Result<Option<Order>, StoreError> {
        reads::get(self.pool()?, key).await
    }

    async fn find_attempt(
        &self,
        mch_id: &MchId,
        number: &OutTradeNo,
    ) -> Result<Option<Order>, StoreError> {
        let shard = shard_of_number(mch_id, number.as_str());
        let params: session::Params<'_> = &[&shard, &mch_id.as_str(), &number.as_str()];
        reads::find(self.pool()?, Sql::FindAttempt, params).await
    }

    async fn find_transaction(
        &self,
        mch_id: &MchId,
        transaction_id: &TransactionId,
    ) -> Result<Option<Order>, StoreError> {
        let shard = shard_of_transaction(transaction_id);
        let params: session::Params<'_> = &[&shard, &transaction_id.as_str()];
        let order = reads::find(self.pool()?, Sql::FindTransaction, params).await?;
        Ok(order.filter(|order| order.key.mch_id == *mch_id))
    }

    async fn find_refund(
        &self,
        mch_id: &MchId,
        out_refund_no: &OutRefundNo,
    ) -> Result<Option<Order>, StoreError> {
        let shard = shard_of_number(mch_id, out_refund_no.as_str());
        let params: session::Params<'_> = &[&shard, &mch_id.as_str(), &out_refund_no.as_str()];
        reads::find(self.pool()?, Sql::FindRefund, params).await
    }

    async fn log(&self, key: &OrderKey) -> Result<Vec<LogEntry>, StoreError> {
        reads::log(self.pool()?, key).await
    }

    async fn list(&self, query: OrderQuery) -> Result<Page, StoreError> {
        reads::list(self.pool()?, &query).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Order>, StoreError> {
        reads::due(self.pool()?, now, limit).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        reads::accounts(self.pool()?).await
    }

    async fn totals(&self, query: TotalsQuery) -> Result<Vec<DayTotals>, StoreError> {
        reads::totals(self.pool()?, &query).await
    }

    async fn claim(
        &self,
        owner: RelayId,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let owner = relay::owner(&owner, &self.name);
        relay::claim(self.pool()?, &self.options.clock, &owner, lease, limit).await
    }

    async fn ack(&self, token: ClaimToken) -> Result<(), StoreError> {
        self.settle(token, Settlement::Sent).await
    }

    async fn retry_later(
        &self,
        token: ClaimToken,
        after: Duration,
        reason: String,
    ) -> Result<(), StoreError> {
        self.settle(token, Settlement::PutOff(after, reason)).await
    }

    async fn park(&self, token: ClaimToken, reason: String) -> Result<(), StoreError> {
        self.settle(token, Settlement::Parked(reason)).await
    }

    async fn parked(&self, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        relay::parked(self.pool()?, limit).await
    }

    async fn requeue(&self, id: &OutboxId) -> Result<(), StoreError> {
        relay::requeue(self.pool()?, id).await?;
        self.woken();
        Ok(())
    }

    async fn outbox_status(&self) -> Result<OutboxStatus, StoreError> {
        relay::status(self.pool()?, &self.options.clock).await
    }

    fn outbox_wakeup(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    async fn record_notify(&self, record: NotifyRecord) -> Result<NotifyId, StoreError> {
        let queues = self.queues()?;
        let queue = match record.verdict {
            Verdict::Accepted { .. } => &queues.accepted,
            Verdict::Refused { .. } => &queues.refused,
        };
        self.ask(queue, |reply| inbox::Job { record, reply }).await
    }

    async fn notifies(&self, query: NotifyQuery) -> Result<Vec<NotifySummary>, StoreError> {
        inbox::list(self.pool()?, query).await
    }

    async fn notify(&self, id: NotifyId) -> Result<Option<NotifyRecord>, StoreError> {
        inbox::get(self.pool()?, id).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.queues
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.stop.send_replace(true);
        let tasks = self
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut tasks) = tasks {
            let ended = async { while tasks.join_next().await.is_some() {} };
            let ended = timeout(self.options.patience + ANSWER_GRACE, ended).await;
            if ended.is_err() {
                self.pool.close();
                return Err(StoreError::NoAnswer);
            }
            relay::release(&self.pool, &self.name).await;
        }
        self.pool.close();
        Ok(())
    }

    fn health(&self) -> Health {
        let Ok(queues) = self.queues() else {
            return Health::Closed;
        };
        if queues.lack_a_task() {
            return Health::Failed {
                why: "a writing task has ended".to_owned(),
            };
        }
        match self.reach.why_not() {
            Some(why) => Health::Failed { why },
            None => Health::Writable,
        }
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
            why: "a writing task has ended".to_owned(),
        };
        assert_eq!(store.health(), gone);
        store.close().await.unwrap();
        assert_eq!(store.health(), Health::Closed);
    }
}
