//! The ledger on one machine, in a sled of its own.
//!
//! `docs/format.md` has the trees and what a crash leaves between any two steps. In short: one thread writes
//! ([`committer`]); each group of jobs ([`group`]) is one transaction, one flush and one sync of the file, and only then are
//! the answers given. Reads take a lock that the thread holds from the transaction to the sync, so that they show nothing
//! which a power cut could take back; they run on the blocking pool.

mod aside;
mod checkpoint;
mod chunks;
mod committer;
mod compact;
mod digest;
mod disk;
mod dump;
mod encoding;
mod fault;
mod folder;
mod group;
mod head;
mod inbox;
mod job;
#[cfg(test)]
mod leak;
mod locate;
mod mark;
mod open;
mod pack;
mod reads;
mod rebuild;
mod record;
mod relay;
mod ring;
mod settle;
#[cfg(test)]
mod tests;
mod thin;
mod trees;
mod verification;
mod verify;
mod writer;

use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::spawn_blocking,
    time::timeout,
};
use wxpay_core::{MchId, OutRefundNo, OutTradeNo, TransactionId};

#[cfg(any(test, feature = "fault-points"))]
pub use self::fault::{Fault, FaultHook, Side, Step};
use self::{
    committer::{Committer, Writing},
    fault::Faults,
    group::Changes,
    head::Head,
    job::{Job, Settlement},
    locate::Locator,
    reads::{list_notifies, load_all, load_log, with_ring},
    record::Address,
    relay::{Held, Relay},
    settle::load_row,
    trees::Trees,
    verify::Audit,
    writer::Writer,
};
pub use self::{
    compact::Compacted,
    verification::{Verification, Verify, VerifyHook, VerifyProgress},
};
use crate::{
    Account, Claim, ClaimToken, Clock, Command, Cursor, DayTotals, DeadLetter, Dump, DumpSize,
    ExecuteError, Executed, Health, InboxRecord, LogEntry, NotifyHead, NotifyId, NotifyQuery,
    NotifyRecord, NotifySummary, Order, OrderKey, OrderQuery, OrderRecord, OrderStore, OutboxId,
    OutboxPlace, OutboxRecord, OutboxRow, OutboxStatus, PAGE_MAX, Page, Record, RelayId,
    StoreError, SystemClock, Timestamp, TotalsQuery, Verdict, index::Index, random::Randoms,
};

/// The most jobs that wait for the committer.
const QUEUE_MAX: usize = 4096;
/// The longest wait for an answer: far beyond any sync that still succeeds.
const ANSWER_PATIENCE: Duration = Duration::from_mins(1);

/// How a [`SledStore`] is opened.
#[derive(Clone)]
pub struct SledOptions {
    /// The clock of leases and waits. Facts of orders take their time from the commands.
    pub clock: Arc<dyn Clock>,
    /// What sled may cache, in bytes. Not a bound of the memory used: a process that loads much uses several times that.
    pub cache_bytes: u64,
    /// How long a write waits for a place in a full queue before it is [`StoreError::Busy`].
    pub busy_after: Duration,
    /// How long to wait for a folder that another process has open. A process that was killed may hold its lock a moment
    /// longer: a service that is started again at once should wait 5 s.
    pub lock_patience: Duration,
    /// When everything is read and checked.
    pub verify: Verify,
    /// Told how far that is.
    pub progress: Option<VerifyHook>,
    /// Asked before and after each step that a crash or failure can fall on. For tests.
    #[cfg(any(test, feature = "fault-points"))]
    pub faults: Option<FaultHook>,
    /// After how many failed tries a row of the outbox is set aside.
    pub dead_letter: DeadLetter,
}

/// The machine's clock, 64 MiB, one second for a place in the queue and for a lock, and [`DeadLetter::default`].
impl Default for SledOptions {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            cache_bytes: 64 << 20,
            busy_after: Duration::from_secs(1),
            dead_letter: DeadLetter::default(),
            lock_patience: Duration::from_secs(1),
            verify: Verify::AsNeeded,
            progress: None,
            #[cfg(any(test, feature = "fault-points"))]
            faults: None,
        }
    }
}

impl SledOptions {
    fn how(&self) -> open::How {
        open::How {
            cache_bytes: self.cache_bytes,
            lock_patience: self.lock_patience,
            verify: self.verify,
            progress: self.progress.clone(),
            faults: Faults {
                #[cfg(any(test, feature = "fault-points"))]
                hook: self.faults.clone(),
            },
        }
    }
}

impl fmt::Debug for SledOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledOptions")
            .field("cache_bytes", &self.cache_bytes)
            .field("busy_after", &self.busy_after)
            .field("dead_letter", &self.dead_letter)
            .field("lock_patience", &self.lock_patience)
            .field("verify", &self.verify)
            .finish_non_exhaustive()
    }
}

/// A ledger in a folder of its own. One process at a time has it open.
///
/// Dropping it does what is waiting and syncs, without a word; [`OrderStore::close`] says whether that went well.
pub struct SledStore {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
    busy_after: Duration,
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore")
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

/// What is gone once the store is closed.
struct Live {
    trees: Trees,
    index: Index,
    head: Head,
}

/// What callers and the committer share.
struct Shared {
    /// Held for writing from a transaction to its sync.
    live: RwLock<Option<Live>>,
    /// Taken after `live`, where both are.
    locator: RwLock<Locator>,
    relay: Mutex<Relay>,
    ring: Mutex<ring::Ring>,
    /// The verification that goes on in the background. Taken after `live`.
    audit: Mutex<Option<Audit>>,
    verified: watch::Sender<Verification>,
    failed: OnceLock<String>,
    wake: watch::Sender<u64>,
    clock: Arc<dyn Clock>,
    dead_letter: DeadLetter,
}

impl Shared {
    fn locator(&self) -> RwLockReadGuard<'_, Locator> {
        self.locator.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn locator_mut(&self) -> RwLockWriteGuard<'_, Locator> {
        self.locator.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn relay(&self) -> MutexGuard<'_, Relay> {
        self.relay.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn audit(&self) -> MutexGuard<'_, Option<Audit>> {
        self.audit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nothing is answered but this.
    fn fail(&self, why: &str) -> StoreError {
        let why = self.failed.get_or_init(|| why.to_owned());
        tracing::error!(
            why,
            "the ledger failed; it answers nothing until it is opened anew"
        );
        StoreError::Failed { why: why.clone() }
    }

    fn failed(&self) -> Option<StoreError> {
        let why = self.failed.get()?.clone();
        Some(StoreError::Failed { why })
    }

    fn shut(&self) -> Option<Live> {
        self.live
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn read<T>(&self, look: impl FnOnce(&Live) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let live = self
            .live
            .read()
            .map_err(|_| self.fail("the committer panicked"))?;
        if let Some(failed) = self.failed() {
            return Err(failed);
        }
        look(live.as_ref().ok_or(StoreError::Closed)?)
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|error| StoreError::Io {
            what: format!("starting the thread {name}"),
            error,
        })
}

impl SledStore {
    /// Opens the ledger in `path`, or makes one there.
    ///
    /// It blocks: for the folder's lock up to [`SledOptions::lock_patience`], and while the index is read, under two seconds
    /// for a million orders after a clean stop. After any other stop the files are copied aside first, and everything is read
    /// and checked before this returns, about a second for 100 000 orders. The folder is made for its owner alone; one that
    /// holds other files and no ledger is refused.
    ///
    /// A damaged file can make sled panic. That is an error here; the process's panic hook prints it all the same.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when the folder is open already, [`StoreError::NotAStore`] and
    /// [`StoreError::NewerFormat`] when it is not for this program, [`StoreError::Lost`] when it has not what was
    /// acknowledged, [`StoreError::Corrupt`] when it cannot be read, and [`StoreError::Io`].
    pub fn open(path: impl AsRef<Path>, options: SledOptions) -> Result<Self, StoreError> {
        let how = options.how();
        let opened = open::open(path.as_ref(), &how, options.clock.now())?;
        let verification = match &opened.audit {
            Some(audit) => Verification::Running(audit.progress()),
            None => Verification::Whole(opened.verified),
        };
        let in_background = opened.audit.is_some();
        let shared = Arc::new(Shared {
            live: RwLock::new(Some(Live {
                trees: opened.trees.clone(),
                index: opened.index,
                head: opened.head,
            })),
            locator: RwLock::new(opened.locator),
            relay: Mutex::new(opened.relay),
            ring: Mutex::new(opened.ring),
            audit: Mutex::new(opened.audit),
            verified: watch::Sender::new(verification),
            failed: OnceLock::new(),
            wake: watch::Sender::new(0),
            clock: options.clock,
            dead_letter: options.dead_letter,
        });
        let (jobs, received) = mpsc::channel(QUEUE_MAX);
        let committer = Committer {
            shared: Arc::clone(&shared),
            writing: Writing::start(Writer {
                shared: Arc::clone(&shared),
                trees: opened.trees.clone(),
                disk: opened.disk,
            })?,
            trees: opened.trees,
            counters: opened.counters,
            randoms: Randoms::default(),
            folder: opened.folder,
            jobs: received,
            changes: Changes::default(),
        };
        spawn("order-store", move || committer.run())?;
        if in_background {
            let shared = Arc::clone(&shared);
            let path = path.as_ref().to_owned();
            // It ends with the verification, or with the first slice after the store was closed.
            spawn("order-store-verify", move || {
                let whole = || aside::done_with(&path);
                verify::in_background(&shared, |progress| how.report(progress), whole);
            })?;
        }
        Ok(Self {
            shared,
            jobs,
            busy_after: options.busy_after,
        })
    }

    /// Rebuilds the ledger of a closed store in fresh files, which then take the place of the old ones: sled gives no space
    /// back by itself. Everything is verified before and after, and a crash leaves the old ledger or the new one.
    ///
    /// It blocks until it is done, and needs free space for the new files beside the old.
    ///
    /// # Errors
    /// As [`SledStore::open`].
    pub fn compact(path: impl AsRef<Path>, options: &SledOptions) -> Result<Compacted, StoreError> {
        compact::compact(path.as_ref(), &options.how())
    }

    /// Whether all that the store holds was read and found whole since it was opened, and every change of that.
    #[must_use]
    pub fn verification(&self) -> watch::Receiver<Verification> {
        self.shared.verified.subscribe()
    }

    /// Puts a job before the committer and waits for its answer.
    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<T>) -> Job + Send,
    ) -> Result<T, StoreError> {
        let gone = || self.shared.failed().unwrap_or(StoreError::Closed);
        if let Some(failed) = self.shared.failed() {
            return Err(failed);
        }
        let (reply, answer) = oneshot::channel();
        // There nearly always is a place, and then no timer is needed.
        let place = match self.jobs.try_reserve() {
            Ok(place) => place,
            Err(_) => timeout(self.busy_after, self.jobs.reserve())
                .await
                .map_err(|_| StoreError::Busy)?
                .map_err(|_| gone())?,
        };
        place.send(job(reply));
        timeout(ANSWER_PATIENCE, answer)
            .await
            .map_err(|_| StoreError::NoAnswer)?
            .map_err(|_| gone())
    }

    /// Reads on the blocking pool.
    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Shared, &Live) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        let reading = spawn_blocking(move || shared.read(|live| look(&shared, live)));
        timeout(ANSWER_PATIENCE, reading)
            .await
            .map_err(|_| StoreError::NoAnswer)?
            .unwrap_or_else(|panic| {
                Err(StoreError::Corrupt {
                    what: format!("a read did not end: {panic}"),
                })
            })
    }

    async fn settle(&self, token: ClaimToken, settlement: Settlement) -> Result<(), StoreError> {
        self.ask(|reply| Job::Settle(token, settlement, reply))
            .await?
    }
}

#[async_trait]
impl OrderStore for SledStore {
    async fn execute(&self, command: Command) -> Result<Executed, ExecuteError> {
        let done = self
            .ask(|reply| Job::Execute(Box::new(command), reply))
            .await??;
        Ok(done.into())
    }

    async fn get(&self, key: &OrderKey) -> Result<Option<Order>, StoreError> {
        let key = key.clone();
        self.read(move |shared, live| shared.order(live, &key))
            .await
    }

    async fn find_attempt(
        &self,
        mch_id: &MchId,
        number: &OutTradeNo,
    ) -> Result<Option<Order>, StoreError> {
        let (mch_id, number) = (mch_id.clone(), number.clone());
        self.read(move |shared, live| {
            shared
                .locator()
                .owner_of_number(&live.trees, &mch_id, &number)
        })
        .await
    }

    async fn find_transaction(
        &self,
        mch_id: &MchId,
        transaction_id: &TransactionId,
    ) -> Result<Option<Order>, StoreError> {
        let (mch_id, id) = (mch_id.clone(), transaction_id.clone());
        self.read(move |shared, live| {
            let owner = shared.locator().owner_of_transaction(&live.trees, &id)?;
            Ok(owner.filter(|order| order.key.mch_id == mch_id))
        })
        .await
    }

    async fn find_refund(
        &self,
        mch_id: &MchId,
        out_refund_no: &OutRefundNo,
    ) -> Result<Option<Order>, StoreError> {
        let (mch_id, number) = (mch_id.clone(), out_refund_no.clone());
        self.read(move |shared, live| {
            shared
                .locator()
                .owner_of_refund(&live.trees, &mch_id, &number)
        })
        .await
    }

    async fn log(&self, key: &OrderKey) -> Result<Vec<LogEntry>, StoreError> {
        let key = key.clone();
        self.read(move |shared, live| load_log(shared, live, &key))
            .await
    }

    async fn list(&self, query: OrderQuery) -> Result<Page, StoreError> {
        self.read(move |shared, live| {
            let (keys, next) = live.index.page(&query, query.limit.min(PAGE_MAX));
            let orders = load_all(shared, live, &keys)?;
            Ok(Page { orders, next })
        })
        .await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Order>, StoreError> {
        self.read(move |shared, live| {
            let keys = live.index.due(now, limit.min(PAGE_MAX));
            load_all(shared, live, &keys)
        })
        .await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.read(|_, live| Ok(live.index.accounts())).await
    }

    async fn totals(&self, query: TotalsQuery) -> Result<Vec<DayTotals>, StoreError> {
        self.read(move |_, live| Ok(live.index.totals(&query)))
            .await
    }

    async fn claim(
        &self,
        owner: RelayId,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        self.read(move |shared, live| {
            let loans = shared
                .relay()
                .claim(shared.clock.now(), lease, limit.min(PAGE_MAX));
            tracing::trace!(%owner, rows = loans.len(), "claimed");
            loans
                .into_iter()
                .map(|loan| {
                    let row = load_row(&live.trees, loan.address)?.row;
                    let token = ClaimToken {
                        id: row.id.clone(),
                        address: loan.address.into(),
                        fence: loan.fence,
                    };
                    Ok(Claim {
                        row,
                        token,
                        until: loan.until,
                    })
                })
                .collect()
        })
        .await
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
        self.read(move |shared, live| {
            let held: Vec<Address> = shared
                .relay()
                .held(Held::Parked)
                .take(limit.min(PAGE_MAX))
                .collect();
            held.into_iter()
                .map(|address| Ok(load_row(&live.trees, address)?.row))
                .collect()
        })
        .await
    }

    async fn requeue(&self, id: &OutboxId) -> Result<(), StoreError> {
        let id = id.clone();
        self.ask(|reply| Job::Requeue(id, reply)).await?
    }

    async fn outbox_status(&self) -> Result<OutboxStatus, StoreError> {
        self.read(|shared, _| Ok(shared.relay().status(shared.clock.now())))
            .await
    }

    fn outbox_wakeup(&self) -> watch::Receiver<u64> {
        self.shared.wake.subscribe()
    }

    async fn record_notify(&self, record: NotifyRecord) -> Result<NotifyId, StoreError> {
        if let Verdict::Accepted { .. } = record.verdict {
            return self
                .ask(|reply| Job::Notify(Box::new(record), reply))
                .await?;
        }
        self.read(move |shared, _| {
            let (head, body) = NotifyHead::split(record);
            with_ring(shared, |ring| ring.push(&head, &body)).map(NotifyId::Refused)
        })
        .await
    }

    async fn notifies(&self, query: NotifyQuery) -> Result<Vec<NotifySummary>, StoreError> {
        self.read(move |shared, live| list_notifies(shared, &live.trees, query))
            .await
    }

    async fn notify(&self, id: NotifyId) -> Result<Option<NotifyRecord>, StoreError> {
        self.read(move |shared, live| {
            let found = match id {
                NotifyId::Accepted(n) => inbox::load(&live.trees, n)?,
                NotifyId::Refused(n) => with_ring(shared, |ring| ring.get(n))?,
            };
            Ok(found.map(|(head, body)| head.record(body)))
        })
        .await
    }

    async fn close(&self) -> Result<(), StoreError> {
        match self.ask(Job::Close).await {
            Ok(result) => result,
            Err(StoreError::Closed) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn health(&self) -> Health {
        match self.shared.failed.get() {
            Some(why) => Health::Failed { why: why.clone() },
            None if self.jobs.is_closed() => Health::Closed,
            None => Health::Writable,
        }
    }
}

#[async_trait]
impl Dump for SledStore {
    async fn dump_orders(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<OrderRecord>, StoreError> {
        self.read(move |shared, live| dump::orders(shared, live, after.as_ref(), limit))
            .await
    }

    async fn dump_outbox(
        &self,
        after: Option<OutboxPlace>,
        limit: usize,
    ) -> Result<Vec<OutboxRecord>, StoreError> {
        self.read(move |shared, live| dump::outbox(shared, live, after.as_ref(), limit))
            .await
    }

    async fn dump_inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxRecord>, StoreError> {
        self.read(move |_, live| dump::notifies(&live.trees, after, limit))
            .await
    }

    async fn dump_size(&self) -> Result<DumpSize, StoreError> {
        self.read(dump::size).await
    }

    async fn load(&self, records: Vec<Record>) -> Result<(), StoreError> {
        self.ask(|reply| Job::Load(records, reply)).await?
    }
}
