//! A ledger in memory, for the tests of programs that use one.
//!
//! It decides, answers and lists as the other backends do, but **nothing of it is on disk**: what it acknowledged ends with it.
//! Never run a shop on it.

mod dump;
mod notifies;
mod state;
#[cfg(all(test, feature = "conformance"))]
mod unsound;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::watch;
use wxpay_core::{MchId, OutRefundNo, OutTradeNo, TransactionId};

use self::state::State;
use crate::{
    Account, Claim, ClaimToken, Clock, Command, DayTotals, DeadLetter, ExecuteError, Executed,
    Health, LogEntry, NotifyId, NotifyQuery, NotifyRecord, NotifySummary, Order, OrderKey,
    OrderQuery, OrderStore, OutboxHold, OutboxId, OutboxRow, OutboxStatus, PAGE_MAX, Page, RelayId,
    StoreError, SystemClock, Timestamp, TotalsQuery, WAIT_MAX, lease::Held, random::random,
};

/// How a [`MemoryStore`] is made.
#[derive(Clone)]
pub struct MemoryOptions {
    /// The clock of leases and waits. Facts of orders take their time from the commands.
    pub clock: Arc<dyn Clock>,
    /// After how many failed tries a row of the outbox is set aside.
    pub dead_letter: DeadLetter,
}

/// The machine's clock, and [`DeadLetter::default`].
impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            dead_letter: DeadLetter::default(),
        }
    }
}

impl fmt::Debug for MemoryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryOptions")
            .field("dead_letter", &self.dead_letter)
            .finish_non_exhaustive()
    }
}

/// A ledger in memory, without any durability: for tests.
///
/// ```
/// use order_store::{MemoryOptions, MemoryStore, OrderQuery, OrderStore};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let store = MemoryStore::new(MemoryOptions::default());
/// assert!(store.list(OrderQuery::default()).await?.orders.is_empty());
/// # Ok::<(), order_store::StoreError>(())
/// # }).unwrap();
/// ```
pub struct MemoryStore {
    /// Nothing; once the store is closed.
    state: Mutex<Option<State>>,
    wake: watch::Sender<u64>,
    clock: Arc<dyn Clock>,
    dead_letter: DeadLetter,
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

impl MemoryStore {
    /// An empty ledger.
    #[must_use]
    pub fn new(options: MemoryOptions) -> Self {
        let MemoryOptions { clock, dead_letter } = options;
        Self {
            state: Mutex::new(Some(State::default())),
            wake: watch::Sender::new(0),
            clock,
            dead_letter,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        // State is changed only after all that can fail: whoever panicked left it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut state = self.lock();
        work(state.as_mut().ok_or(StoreError::Closed)?)
    }

    fn woken(&self) {
        self.wake.send_modify(|turn| *turn = turn.wrapping_add(1));
    }
}

#[async_trait]
impl OrderStore for MemoryStore {
    async fn execute(&self, command: Command) -> Result<Executed, ExecuteError> {
        let random = random()?;
        let (executed, rows) = self.with(|state| {
            let rows = state.outbox_len();
            let executed = state.execute(&command, &random)?;
            Ok::<_, ExecuteError>((executed, state.outbox_len() - rows))
        })?;
        if rows > 0 {
            self.woken();
        }
        Ok(executed)
    }

    async fn get(&self, key: &OrderKey) -> Result<Option<Order>, StoreError> {
        self.with(|state| Ok(state.order(key).cloned()))
    }

    async fn find_attempt(
        &self,
        mch_id: &MchId,
        number: &OutTradeNo,
    ) -> Result<Option<Order>, StoreError> {
        self.with(|state| Ok(state.of_number(mch_id, number).cloned()))
    }

    async fn find_transaction(
        &self,
        mch_id: &MchId,
        transaction_id: &TransactionId,
    ) -> Result<Option<Order>, StoreError> {
        self.with(|state| {
            let order = state.of_transaction(transaction_id);
            Ok(order.filter(|order| order.key.mch_id == *mch_id).cloned())
        })
    }

    async fn find_refund(
        &self,
        mch_id: &MchId,
        out_refund_no: &OutRefundNo,
    ) -> Result<Option<Order>, StoreError> {
        self.with(|state| Ok(state.of_refund(mch_id, out_refund_no).cloned()))
    }

    async fn log(&self, key: &OrderKey) -> Result<Vec<LogEntry>, StoreError> {
        self.with(|state| Ok(state.log(key)))
    }

    async fn list(&self, query: OrderQuery) -> Result<Page, StoreError> {
        self.with(|state| {
            let (keys, next) = state.index.page(&query, query.limit.min(PAGE_MAX));
            let orders = state.orders_of(&keys);
            Ok(Page { orders, next })
        })
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Order>, StoreError> {
        self.with(|state| {
            let keys = state.index.due(now, limit.min(PAGE_MAX));
            Ok(state.orders_of(&keys))
        })
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.with(|state| Ok(state.index.accounts()))
    }

    async fn totals(&self, query: TotalsQuery) -> Result<Vec<DayTotals>, StoreError> {
        self.with(|state| Ok(state.index.totals(&query)))
    }

    async fn claim(
        &self,
        owner: RelayId,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        self.with(|state| {
            let claims = state.claim(self.clock.now(), lease, limit.min(PAGE_MAX));
            tracing::trace!(%owner, rows = claims.len(), "claimed");
            Ok(claims)
        })
    }

    async fn ack(&self, token: ClaimToken) -> Result<(), StoreError> {
        self.with(|state| state.ack(&token))?;
        self.woken();
        Ok(())
    }

    async fn retry_later(
        &self,
        token: ClaimToken,
        after: Duration,
        reason: String,
    ) -> Result<(), StoreError> {
        let until = self.clock.now() + after.min(WAIT_MAX);
        self.with(|state| {
            state.fail(&token, &reason, |tries| {
                if self.dead_letter.is_due(tries) {
                    OutboxHold::Parked
                } else {
                    OutboxHold::Until(until)
                }
            })
        })?;
        self.woken();
        Ok(())
    }

    async fn park(&self, token: ClaimToken, reason: String) -> Result<(), StoreError> {
        self.with(|state| state.fail(&token, &reason, |_| OutboxHold::Parked))?;
        self.woken();
        Ok(())
    }

    async fn parked(&self, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        self.with(|state| Ok(state.held(Held::Parked, limit.min(PAGE_MAX))))
    }

    async fn requeue(&self, id: &OutboxId) -> Result<(), StoreError> {
        self.with(|state| state.requeue(id))?;
        self.woken();
        Ok(())
    }

    async fn outbox_status(&self) -> Result<OutboxStatus, StoreError> {
        self.with(|state| Ok(state.outbox_status(self.clock.now())))
    }

    fn outbox_wakeup(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    async fn record_notify(&self, record: NotifyRecord) -> Result<NotifyId, StoreError> {
        self.with(|state| Ok(state.notifies.push(record)))
    }

    async fn notifies(&self, query: NotifyQuery) -> Result<Vec<NotifySummary>, StoreError> {
        self.with(|state| Ok(state.notifies.list(query)))
    }

    async fn notify(&self, id: NotifyId) -> Result<Option<NotifyRecord>, StoreError> {
        self.with(|state| Ok(state.notifies.get(id)))
    }

    async fn close(&self) -> Result<(), StoreError> {
        *self.lock() = None;
        Ok(())
    }

    fn health(&self) -> Health {
        match *self.lock() {
            Some(_) => Health::Writable,
            None => Health::Closed,
        }
    }
}
