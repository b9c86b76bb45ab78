//! The store as every backend has it: each call goes to the task or the statement that does it.

use std::time::Duration;

use async_trait::async_trait;
use tokio::{sync::watch, time::timeout};
use wxpay_core::{MchId, OutRefundNo, OutTradeNo, TransactionId};

use super::{
    ANSWER_GRACE, PostgresStore, claim, committer,
    group::Ask,
    inbox,
    key::{shard_of, shard_of_number, shard_of_transaction},
    reads, relay,
    session::Params,
    settle::Settlement,
    sql::Sql,
};
use crate::{
    Account, Claim, ClaimToken, Command, DayTotals, ExecuteError, Executed, FailureCause, Health,
    LogEntry, NotifyId, NotifyQuery, NotifyRecord, NotifySummary, Order, OrderKey, OrderQuery,
    OrderStore, OutboxId, OutboxRow, OutboxStatus, Page, RelayId, StoreError, Timestamp,
    TotalsQuery, Verdict, random::random,
};

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
        let params: Params<'_> = &[&shard, &mch_id.as_str(), &number.as_str()];
        reads::find(self.pool()?, Sql::FindAttempt, params).await
    }

    async fn find_transaction(
        &self,
        mch_id: &MchId,
        transaction_id: &TransactionId,
    ) -> Result<Option<Order>, StoreError> {
        let shard = shard_of_transaction(transaction_id);
        let params: Params<'_> = &[&shard, &transaction_id.as_str()];
        let order = reads::find(self.pool()?, Sql::FindTransaction, params).await?;
        Ok(order.filter(|order| order.key.mch_id == *mch_id))
    }

    async fn find_refund(
        &self,
        mch_id: &MchId,
        out_refund_no: &OutRefundNo,
    ) -> Result<Option<Order>, StoreError> {
        let shard = shard_of_number(mch_id, out_refund_no.as_str());
        let params: Params<'_> = &[&shard, &mch_id.as_str(), &out_refund_no.as_str()];
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
        claim::claim(self.pool()?, &self.options.clock, &owner, lease, limit).await
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
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        self.stop.send_replace(true);
        let tasks = self
            .tasks
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
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
                cause: FailureCause::Ended,
                why: "a writing task has ended".to_owned(),
            };
        }
        match self.reach.why_not() {
            Some(why) => Health::Away { why },
            None => Health::Writable,
        }
    }
}
