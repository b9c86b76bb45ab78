//! The ledger's face: each method asks the committer, or reads what is synced.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use wxpay_core::{MchId, OutRefundNo, OutTradeNo, TransactionId};

use super::{
    Failure, inbox,
    job::{Job, Settlement},
    place::Address,
    reads::{list_notifies, load_all, load_log, with_ring},
    relay::Held,
    settle::load_row,
    store::SledStore,
};
use crate::{
    Account, Claim, ClaimToken, Command, DayTotals, ExecuteError, Executed, Health, LogEntry,
    NotifyHead, NotifyId, NotifyQuery, NotifyRecord, NotifySummary, Order, OrderKey, OrderQuery,
    OrderStore, OutboxId, OutboxRow, OutboxStatus, PAGE_MAX, Page, RelayId, StoreError, Timestamp,
    TotalsQuery, Verdict,
};

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
        self.shared
            .read_aside(move |shared, live| shared.order(live, &key))
            .await
    }

    async fn find_attempt(
        &self,
        mch_id: &MchId,
        number: &OutTradeNo,
    ) -> Result<Option<Order>, StoreError> {
        let (mch_id, number) = (mch_id.clone(), number.clone());
        self.shared
            .read_aside(move |shared, live| {
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
        self.shared
            .read_aside(move |shared, live| {
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
        self.shared
            .read_aside(move |shared, live| {
                shared
                    .locator()
                    .owner_of_refund(&live.trees, &mch_id, &number)
            })
            .await
    }

    async fn log(&self, key: &OrderKey) -> Result<Vec<LogEntry>, StoreError> {
        let key = key.clone();
        self.shared
            .read_aside(move |shared, live| load_log(shared, live, &key))
            .await
    }

    async fn list(&self, query: OrderQuery) -> Result<Page, StoreError> {
        self.shared
            .read_aside(move |shared, live| {
                let (keys, next) = live.index.page(&query, query.limit.min(PAGE_MAX));
                let orders = load_all(shared, live, &keys)?;
                Ok(Page { orders, next })
            })
            .await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Order>, StoreError> {
        self.shared
            .read_aside(move |shared, live| {
                let keys = live.index.due(now, limit.min(PAGE_MAX));
                load_all(shared, live, &keys)
            })
            .await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.shared
            .read_aside(|_, live| Ok(live.index.accounts()))
            .await
    }

    async fn totals(&self, query: TotalsQuery) -> Result<Vec<DayTotals>, StoreError> {
        self.shared
            .read_aside(move |_, live| Ok(live.index.totals(&query)))
            .await
    }

    async fn claim(
        &self,
        owner: RelayId,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        self.shared
            .read_aside(move |shared, live| {
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
        self.shared
            .read_aside(move |shared, live| {
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
        self.shared
            .read_aside(|shared, _| Ok(shared.relay().status(shared.clock.now())))
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
        self.shared
            .read_aside(move |shared, _| {
                let (head, body) = NotifyHead::split(record);
                with_ring(shared, |ring| ring.push(&head, &body)).map(NotifyId::Refused)
            })
            .await
    }

    async fn notifies(&self, query: NotifyQuery) -> Result<Vec<NotifySummary>, StoreError> {
        self.shared
            .read_aside(move |shared, live| list_notifies(shared, &live.trees, query))
            .await
    }

    async fn notify(&self, id: NotifyId) -> Result<Option<NotifyRecord>, StoreError> {
        self.shared
            .read_aside(move |shared, live| {
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
            Some(Failure { cause, why }) => Health::Failed {
                cause: *cause,
                why: why.clone(),
            },
            None if self.jobs.is_closed() => Health::Closed,
            None => Health::Writable,
        }
    }
}
