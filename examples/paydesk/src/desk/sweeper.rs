//! The sweeper: asks the gateway about orders that nothing was heard of, and finishes what a crash cut off.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use order_store::{
    BeginClose, By, CloseResult, ConfirmPayment, Confirmation, Contradict, Defer, ExecuteError,
    GatewayClose, Order, OrderState, OrderStoreExt as _, REFUND_CHANGE_QUERY_AFTER, Refund,
    RefundState, Refusal, Timestamp,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use wxpay_core::{
    OutTradeNo,
    api::{OrderQueryResponse, TradeState},
};

use super::{
    Desk, GATEWAY_PATIENCE,
    orders::{Learned, Unlearned},
};

/// The pause between two looks at what is due.
const TICK: Duration = Duration::from_millis(500);
/// Orders taken at one look.
const BATCH: usize = 64;
/// Orders looked after at once: a gateway that is silent about some must not hold up the others.
const AT_ONCE: usize = 8;
/// Bounds of the wait before the gateway is asked again; between them it grows with the order's age.
const AGAIN_MIN: Duration = Duration::from_secs(15);
const AGAIN_MAX: Duration = Duration::from_mins(10);
const REFUND_AGAIN_MAX: Duration = Duration::from_hours(1);
/// A payer who is in the password screen when an order expires can still finish: so long after it is closed.
const EXPIRY_GRACE: Duration = Duration::from_mins(1);

/// What an order that is due needs. Pure.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Ask the gateway about this number; it may be paid.
    Ask(OutTradeNo),
    /// Ask the gateway to confirm this payment.
    Confirm(OutTradeNo),
    /// Expired: begin to close it.
    BeginClose,
    /// Close at the gateway, look once more, then here.
    FinishClose,
    /// Nothing is left to do.
    Rest,
}

fn step(order: &Order, now: Timestamp) -> Step {
    let unconfirmed = order
        .payments
        .iter()
        .find(|payment| payment.confirmed == Confirmation::Unconfirmed);
    if let Some(payment) = unconfirmed {
        return Step::Confirm(payment.attempt.clone());
    }
    match (order.state(), &order.closing) {
        (OrderState::Unpaid | OrderState::Closed, Some(_)) => Step::FinishClose,
        (OrderState::Unpaid, None) => {
            let expires = order.expires_at() + EXPIRY_GRACE;
            match order.current_attempt() {
                _ if now >= expires => Step::BeginClose,
                Some(attempt) => Step::Ask(attempt.number.clone()),
                // Never prepared: nothing to ask about until it expires.
                None => Step::Rest,
            }
        }
        _ => Step::Rest,
    }
}

/// A refund takes minutes to days: it is asked for often while it is young. One that waits for a person takes longer.
fn refund_wait(refund: &Refund, now: Timestamp) -> Duration {
    match refund.state {
        RefundState::Change => REFUND_CHANGE_QUERY_AFTER,
        _ => (now.since(refund.begun_at) / 2).clamp(AGAIN_MIN, REFUND_AGAIN_MAX),
    }
}

/// When to ask again: often while the order is young, seldom when it is old, and at its expiry at the latest.
fn again(order: &Order, now: Timestamp) -> Timestamp {
    let live = order.refunds.iter().filter(|refund| refund.state.is_live());
    if let Some(wait) = live.map(|refund| refund_wait(refund, now)).min() {
        return now + wait;
    }
    let age = now.since(order.created_at);
    let wait = (age / 2).clamp(AGAIN_MIN, AGAIN_MAX);
    let expires = order.expires_at() + EXPIRY_GRACE;
    let next = now + wait;
    if now < expires {
        next.min(expires)
    } else {
        next
    }
}

/// Looks after what is due until it is stopped.
pub(crate) struct Sweeper {
    pub(crate) desk: Arc<Desk>,
}

impl Sweeper {
    /// Runs until `stop`; a call to the gateway under way is finished, since it has a time-out.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.desk.store.due(self.desk.clock.now(), BATCH).await {
                Ok(orders) => {
                    stream::iter(orders)
                        .take_until(stop.cancelled())
                        .for_each_concurrent(AT_ONCE, |order| self.look_after(order))
                        .await;
                }
                Err(error) => tracing::error!(%error, "the ledger cannot say what is due"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(TICK) => {}
            }
        }
    }

    async fn look_after(&self, order: Order) {
        let desk = &self.desk;
        let Some(_flight) = desk.flights.enter(&order.key, GATEWAY_PATIENCE).await else {
            return;
        };
        // What was due may have been done while this waited.
        let order = match desk.store.get(&order.key).await {
            Ok(Some(order)) => order,
            Ok(None) => return,
            Err(error) => return tracing::error!(%error, "the ledger cannot be read"),
        };
        let order = desk.go_on_with_refunds(order).await;
        let number = order.key.out_trade_no.clone();
        let result = match step(&order, desk.clock.now()) {
            Step::Ask(attempt) => self.ask(&order, &attempt).await,
            Step::Confirm(attempt) => self.confirm(&order, &attempt).await,
            Step::BeginClose => self.begin_close(&order).await,
            Step::FinishClose => self.finish_close(&order).await,
            Step::Rest => self.defer(&order).await,
        };
        if let Err(error) = result {
            tracing::warn!(out_trade_no = %number, %error, "the sweeper could not finish");
            if let Err(error) = self.defer(&order).await {
                tracing::error!(%error, "the ledger cannot be written");
            }
        }
    }

    async fn defer(&self, order: &Order) -> Result<(), Unlearned> {
        let now = self.desk.clock.now();
        self.desk
            .store
            .defer(Defer {
                key: order.key.clone(),
                due: again(order, now),
                by: By::Sweeper,
                now,
            })
            .await?;
        Ok(())
    }

    async fn ask(&self, order: &Order, attempt: &OutTradeNo) -> Result<(), Unlearned> {
        match self.desk.learn(order, attempt, By::Sweeper).await? {
            Learned::Paid(_) => {
                tracing::info!(out_trade_no = %attempt, "the notify never came; the query told of the payment");
                Ok(())
            }
            Learned::Unpaid | Learned::Closed | Learned::NotExisting => self.defer(order).await,
        }
    }

    async fn confirm(&self, order: &Order, attempt: &OutTradeNo) -> Result<(), Unlearned> {
        let desk = &self.desk;
        let Some(payment) = order
            .payments
            .iter()
            .find(|payment| payment.attempt == *attempt)
        else {
            return Ok(());
        };
        let answer = desk
            .query(attempt, order.terms.sign_type, GATEWAY_PATIENCE)
            .await
            .map_err(|error| Unlearned::Silent(error.to_string()))?;
        let now = desk.clock.now();
        match agreement(&answer, payment) {
            Ok(()) => {
                desk.store
                    .confirm_payment(ConfirmPayment {
                        key: order.key.clone(),
                        attempt: attempt.clone(),
                        transaction_id: payment.transaction_id.clone(),
                        by: By::Sweeper,
                        now,
                    })
                    .await?;
            }
            Err(reason) => {
                tracing::error!(out_trade_no = %attempt, reason, "the gateway contradicts a payment taken on its notify");
                desk.store
                    .contradict(Contradict {
                        key: order.key.clone(),
                        attempt: attempt.clone(),
                        transaction_id: payment.transaction_id.clone(),
                        reason,
                        by: By::Sweeper,
                        now,
                    })
                    .await?;
                self.defer(order).await?;
            }
        }
        Ok(())
    }

    async fn begin_close(&self, order: &Order) -> Result<(), Unlearned> {
        let executed = self
            .desk
            .store
            .begin_close(BeginClose {
                key: order.key.clone(),
                by: By::Sweeper,
                now: self.desk.clock.now(),
            })
            .await?;
        self.finish_close(&executed.order).await
    }

    /// Close, then query: a payer can win the race against a close, and the money must not be forgotten.
    async fn finish_close(&self, order: &Order) -> Result<(), Unlearned> {
        let desk = &self.desk;
        let mut result = GatewayClose::Closed;
        for attempt in &order.attempts {
            let closed = desk.close_attempt(order, attempt).await;
            match desk.learn(order, &attempt.number, By::Sweeper).await? {
                Learned::Paid(_) => result = GatewayClose::Paid,
                Learned::Closed | Learned::NotExisting => {}
                // The gateway has not closed it: it could still be paid, so it is tried again later.
                Learned::Unpaid => {
                    return Err(Unlearned::Silent(match closed {
                        Ok(()) => "the gateway closed it and calls it unpaid".to_owned(),
                        Err(error) => error.to_string(),
                    }));
                }
            }
        }
        let closed = desk
            .store
            .close_result(CloseResult {
                key: order.key.clone(),
                result,
                by: By::Sweeper,
                now: desk.clock.now(),
            })
            .await;
        match closed {
            Ok(_) | Err(ExecuteError::Refused(Refusal::AlreadyPaid)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn agreement(answer: &OrderQueryResponse, payment: &order_store::Payment) -> Result<(), String> {
    match (&answer.trade_state, &answer.payment) {
        (TradeState::Success | TradeState::Refund, Some(found))
            if found.transaction_id == payment.transaction_id
                && found.total_fee == payment.total_fee =>
        {
            Ok(())
        }
        (TradeState::Success | TradeState::Refund, Some(_)) => {
            Err("the gateway knows another payment of this number".into())
        }
        (state, _) => Err(format!("the gateway says {state}")),
    }
}
