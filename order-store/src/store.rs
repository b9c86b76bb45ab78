//! The face of every backend.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use wxpay_core::{MchId, OutRefundNo, OutTradeNo, TransactionId};

use crate::{
    Account, AttachPrepay, BeginAttempt, BeginClose, BeginRefund, Claim, ClaimToken,
    ClearAttention, CloseResult, Command, ConfirmPayment, Contradict, Create, DayTotals, Defer,
    ExecuteError, FailureCause, LogEntry, MarkPaid, NotifyId, NotifyQuery, NotifyRecord,
    NotifySummary, Order, OrderKey, OrderQuery, OutboxId, OutboxRow, OutboxStatus, Outcome, Page,
    RefundResult, RelayId, StoreError, Timestamp, TotalsQuery,
};

/// What a command came to, and the order after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// What it came to.
    pub outcome: Outcome,
    /// The order afterwards, as it is on disk.
    pub order: Order,
}

/// Whether a store can be written, and what to do when it cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Health {
    /// It can.
    Writable,
    /// Not now, and it will be again by itself: its database is away or restarts. Callers ask again; the process stays.
    Away {
        /// What stands in the way.
        why: String,
    },
    /// Never again as it is: nothing more is answered until it is opened anew. A process that serves from it says so and ends, so
    /// that whoever watches it starts it again or calls a person.
    Failed {
        /// What it failed of.
        cause: FailureCause,
        /// What failed.
        why: String,
    },
    /// It was closed.
    Closed,
}

/// A ledger of orders with its outbox and inbox.
///
/// What a method answers is on disk: commands answer after the sync, and reads show nothing that is not synced. Each
/// method may fail with [`StoreError::Failed`] or [`StoreError::Closed`], those that write with [`StoreError::Busy`] and
/// [`StoreError::NoAnswer`] as well.
#[async_trait]
pub trait OrderStore: Send + Sync + 'static {
    /// Does one command, and answers when what it changed is on disk. [`OrderStoreExt`] has a method for each command.
    ///
    /// # Errors
    /// [`ExecuteError::Refused`] when the ledger says no, [`ExecuteError::Store`] when it cannot be asked.
    async fn execute(&self, command: Command) -> Result<Executed, ExecuteError>;

    /// The order of this key.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    async fn get(&self, key: &OrderKey) -> Result<Option<Order>, StoreError>;

    /// The order that owns a number of the gateway's. The number is looked up in the index of attempts, never parsed.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    async fn find_attempt(
        &self,
        mch_id: &MchId,
        number: &OutTradeNo,
    ) -> Result<Option<Order>, StoreError>;

    /// The order of this merchant's that a transaction paid, as its first payment or as an extra one.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    async fn find_transaction(
        &self,
        mch_id: &MchId,
        transaction_id: &TransactionId,
    ) -> Result<Option<Order>, StoreError>;

    /// The order that has a refund of this number.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    async fn find_refund(
        &self,
        mch_id: &MchId,
        out_refund_no: &OutRefundNo,
    ) -> Result<Option<Order>, StoreError>;

    /// The order's log, oldest first; empty when there is no such order.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    async fn log(&self, key: &OrderKey) -> Result<Vec<LogEntry>, StoreError>;

    /// A page of orders, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    async fn list(&self, query: OrderQuery) -> Result<Page, StoreError>;

    /// Orders whose due time is over, the longest overdue first.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Order>, StoreError>;

    /// The accounts that the store has orders of.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    async fn accounts(&self) -> Result<Vec<Account>, StoreError>;

    /// What came in and went back by day and merchant, in that order; days and merchants with nothing are left out.
    ///
    /// It is read from a roll-up that the store keeps beside the ledger, never by going through the ledger.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    async fn totals(&self, query: TotalsQuery) -> Result<Vec<DayTotals>, StoreError>;

    /// Takes up to `limit` rows of the outbox on loan, oldest first.
    ///
    /// Rows of one order come in their order, and may come together: send them in that order. While a row is on loan,
    /// put off or parked, no later claim gives a later row of the same order; other orders go on.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    async fn claim(
        &self,
        owner: RelayId,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError>;

    /// The row was sent: takes it out.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when the row is not on loan under this token any more.
    async fn ack(&self, token: ClaimToken) -> Result<(), StoreError>;

    /// The row was not sent: puts it off for `after` (at most [`WAIT_MAX`](crate::WAIT_MAX)) and counts the try. After as many
    /// tries as the store's [`DeadLetter`](crate::DeadLetter) says, sets it aside instead.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when the row is not on loan under this token any more.
    async fn retry_later(
        &self,
        token: ClaimToken,
        after: Duration,
        reason: String,
    ) -> Result<(), StoreError>;

    /// The row cannot be sent: sets it aside for an operator and counts the try.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when the row is not on loan under this token any more.
    async fn park(&self, token: ClaimToken, reason: String) -> Result<(), StoreError>;

    /// Rows that were set aside, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    async fn parked(&self, limit: usize) -> Result<Vec<OutboxRow>, StoreError>;

    /// Makes a row that was set aside or put off ready again, with no tries counted.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRow`] when no such row is set aside or put off.
    async fn requeue(&self, id: &OutboxId) -> Result<(), StoreError>;

    /// How full the outbox is.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    async fn outbox_status(&self) -> Result<OutboxStatus, StoreError>;

    /// Changes whenever rows of the outbox became ready, but for those whose wait or lease ran out: poll for these.
    fn outbox_wakeup(&self) -> watch::Receiver<u64>;

    /// Keeps a notify. An accepted one is on disk when this answers; a refused one is written without a sync.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    async fn record_notify(&self, record: NotifyRecord) -> Result<NotifyId, StoreError>;

    /// The kept notifies, newest first, without their bodies.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    async fn notifies(&self, query: NotifyQuery) -> Result<Vec<NotifySummary>, StoreError>;

    /// One kept notify; nothing when there is none of that name, or no more.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    async fn notify(&self, id: NotifyId) -> Result<Option<NotifyRecord>, StoreError>;

    /// Does what is waiting, syncs, and gives the store free for another process. Later calls fail.
    ///
    /// # Errors
    /// [`StoreError`] when the last sync failed.
    async fn close(&self) -> Result<(), StoreError>;

    /// Whether the store can be written.
    fn health(&self) -> Health;
}

macro_rules! typed {
    ($($(#[$doc:meta])* $method:ident($kind:ident);)*) => {
        /// One method for each command, over [`OrderStore::execute`].
        #[async_trait]
        pub trait OrderStoreExt {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// As [`OrderStore::execute`].
            async fn $method(&self, command: $kind) -> Result<Executed, ExecuteError>;
        )*}

        #[async_trait]
        impl<S: OrderStore + ?Sized> OrderStoreExt for S {$(
            async fn $method(&self, command: $kind) -> Result<Executed, ExecuteError> {
                self.execute(Command::$kind(command)).await
            }
        )*}
    };
}

typed! {
    /// See [`Create`].
    create(Create);
    /// See [`BeginAttempt`].
    begin_attempt(BeginAttempt);
    /// See [`AttachPrepay`].
    attach_prepay(AttachPrepay);
    /// See [`MarkPaid`].
    mark_paid(MarkPaid);
    /// See [`ConfirmPayment`].
    confirm_payment(ConfirmPayment);
    /// See [`Contradict`].
    contradict(Contradict);
    /// See [`BeginClose`].
    begin_close(BeginClose);
    /// See [`CloseResult`].
    close_result(CloseResult);
    /// See [`BeginRefund`].
    begin_refund(BeginRefund);
    /// See [`RefundResult`].
    refund_result(RefundResult);
    /// See [`ClearAttention`].
    clear_attention(ClearAttention);
    /// See [`Defer`].
    defer(Defer);
}
