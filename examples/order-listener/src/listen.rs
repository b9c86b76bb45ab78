//! The listener: a message is acknowledged after the ledger has it on disk, never before.

use std::time::Duration;

use anyhow::Result;
use futures_util::{StreamExt, stream::FuturesUnordered};
use order_store::{Outcome, StoreError};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    cli::BadMessages,
    fault,
    feed::{Delivery, Feed},
    ledger::{Bad, Ledger, NotTaken},
    message::OrderPay,
    parked::{Parked, ParkedFile},
};

/// The first wait before a message is tried again; doubled for each further try.
const RETRY: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// How long messages under way may take once it is time to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// What a message came to.
enum Settled {
    Acknowledged,
    /// It stays with the broker, which gives it to whoever comes next.
    LeftToTheBroker,
}

pub(crate) struct Listener {
    pub(crate) ledger: Ledger,
    pub(crate) parked: ParkedFile,
    pub(crate) bad_messages: BadMessages,
    pub(crate) prefetch: usize,
}

impl Listener {
    /// Listens until `stop`.
    ///
    /// # Errors
    /// When the ledger failed or the subscription ended for good: the messages under way stay with the broker.
    pub(crate) async fn run(&self, mut feed: Feed, mut stop: watch::Receiver<bool>) -> Result<()> {
        let mut under_way = FuturesUnordered::new();
        let result = loop {
            let stopped = *stop.borrow();
            if stopped {
                break Ok(());
            }
            let room = under_way.len() < self.prefetch;
            tokio::select! {
                _ = stop.changed() => {}
                Some(settled) = under_way.next(), if !under_way.is_empty() => {
                    if let Err(error) = settled {
                        break Err(anyhow::Error::new(error));
                    }
                }
                delivery = feed.next(), if room => match delivery {
                    Some(delivery) => under_way.push(self.settle(delivery, stop.clone())),
                    None => break Err(anyhow::anyhow!("the subscription is over")),
                },
            }
        };
        // Those that wait for a better time give up at `stop`; the others are nearly done.
        let rest = async { while under_way.next().await.is_some() {} };
        timeout(DRAIN, rest).await.ok();
        feed.close().await;
        result
    }

    async fn settle(
        &self,
        delivery: Delivery,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Settled, StoreError> {
        let id = delivery.id().unwrap_or("none").to_owned();
        let mut wait = RETRY;
        loop {
            let why = match self.decide(&delivery).await {
                Ok(()) => {
                    fault::point("before_ack").await;
                    delivery.ack().await;
                    return Ok(Settled::Acknowledged);
                }
                Err(NotTaken::Fatal(error)) => return Err(error),
                Err(NotTaken::Later(why)) => why,
                Err(NotTaken::Bad(bad)) => match self.set_aside(&delivery, &bad).await {
                    Ok(()) if self.bad_messages == BadMessages::DeadLetter => {
                        delivery.refuse().await;
                        return Ok(Settled::Acknowledged);
                    }
                    Ok(()) => {
                        delivery.ack().await;
                        return Ok(Settled::Acknowledged);
                    }
                    Err(error) => format!("it cannot be set aside: {error}"),
                },
            };
            tracing::warn!(outbox_id = id, why, "a message has to wait");
            tokio::select! {
                () = sleep(wait) => wait = RETRY_MAX.min(wait * 2),
                _ = stop.wait_for(|stop| *stop) => return Ok(Settled::LeftToTheBroker),
            }
        }
    }

    async fn decide(&self, delivery: &Delivery) -> Result<(), NotTaken> {
        let message = OrderPay::read(delivery.body()).map_err(Bad::from)?;
        let outcome = self.ledger.take(&message).await?;
        let order = message.order_id.as_str();
        if outcome == Outcome::AlreadyApplied {
            tracing::debug!(order, "a repeat, which changes nothing");
        } else {
            tracing::info!(order, outcome = outcome.code(), "paid");
        }
        Ok(())
    }

    async fn set_aside(&self, delivery: &Delivery, bad: &Bad) -> std::io::Result<()> {
        let id = delivery.id();
        tracing::error!(outbox_id = id, code = bad.code(), reason = %bad, "a message is set aside");
        match self.bad_messages {
            BadMessages::DeadLetter => Ok(()),
            BadMessages::Park => self.parked.add(Parked::new(bad, id, delivery.body())).await,
        }
    }
}
