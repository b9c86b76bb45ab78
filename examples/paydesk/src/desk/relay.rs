//! The relay: publishes the outbox, and takes a row out only with the broker's receipt in hand.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use order_store::{Claim, OutboxKind, RelayId, StoreError};
use serde_json::json;
use stomp_bridge::client::{Advice, BrokerUrl, Publication, Publisher, PublisherConfig, Resend};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::fault;
use crate::{broker, ledger::Ledger, ticket};

/// Rows under way at once. A receipt of a persistent message can take 0.3 s: this keeps a few hundred a second moving.
const BATCH: usize = 256;
/// How long a claim holds: longer than a publication may take with its receipt.
const LEASE: Duration = Duration::from_secs(30);
/// How long the publisher sends a row again by itself, before the outbox does. With the wait for the last receipt it
/// is over before the lease is.
const RESEND: Resend = Resend::Within(Duration::from_secs(15));
/// The floor under the wake-up: what another relay left behind is found this late at most.
const POLL: Duration = Duration::from_secs(1);
/// The pause after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// The first wait of a row that was not confirmed; doubled for each further try.
const RETRY: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_mins(1);
/// A row that the broker itself refuses so often is set aside for the operator.
const REFUSALS_MAX: u32 = 5;
/// How long the outbox is emptied at the end.
const DRAIN: Duration = Duration::from_secs(5);

/// What the relay last saw, for readiness and the operator's page.
#[derive(Clone, Default)]
pub(crate) struct RelayStatus(Arc<Mutex<Option<String>>>);

impl RelayStatus {
    /// The last publication's fault; nothing when it went well.
    pub(crate) fn fault(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, fault: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

/// What happens to a row after a try. Pure.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Ack,
    Retry(Duration),
    Park,
}

/// `refused` is the broker's own no; anything else may be a cut line, and cut lines mend.
fn next(confirmed: bool, refused: bool, attempts: u32) -> Next {
    match (confirmed, refused) {
        (true, _) => Next::Ack,
        (false, true) if attempts + 1 >= REFUSALS_MAX => Next::Park,
        (false, _) => Next::Retry(RETRY_MAX.min(RETRY * 2_u32.pow(attempts.min(10)))),
    }
}

/// The publisher that the relay needs: what it has not settled goes back to the outbox before the lease is over.
pub(crate) fn publisher(url: BrokerUrl) -> Publisher {
    let mut config = PublisherConfig::new(url);
    config.resend = RESEND;
    Publisher::spawn(config)
}

/// Publishes what the ledger's outbox holds.
pub(crate) struct Relay {
    pub(crate) store: Ledger,
    pub(crate) publisher: Publisher,
    pub(crate) owner: RelayId,
    pub(crate) status: RelayStatus,
}

impl Relay {
    /// Runs until `stop`, then empties the outbox for a few seconds more.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut wakeup = self.store.outbox_wakeup();
        while !stop.is_cancelled() {
            match self.round().await {
                Ok(0) => {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        _ = timeout(POLL, wakeup.changed()) => {}
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "the outbox cannot be read");
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = sleep(STORE_PAUSE) => {}
                    }
                }
            }
        }
        let deadline = Instant::now() + DRAIN;
        while Instant::now() < deadline {
            match tokio::time::timeout_at(deadline, self.round()).await {
                Ok(Ok(sent)) if sent > 0 => {}
                _ => break,
            }
        }
    }

    /// Claims, publishes and settles one batch; gives its size.
    async fn round(&self) -> Result<usize, StoreError> {
        let claims = self.store.claim(self.owner.clone(), LEASE, BATCH).await?;
        if claims.is_empty() {
            return Ok(0);
        }
        fault::point("before_publish").await;
        let count = claims.len();
        let settled = join_all(claims.into_iter().map(|claim| self.settle(claim))).await;
        for result in settled {
            result?;
        }
        Ok(count)
    }

    async fn settle(&self, claim: Claim) -> Result<(), StoreError> {
        let Some(publication) = publication(&claim) else {
            tracing::error!(outbox_id = %claim.row.id, "a row of a kind that this version does not know; it is set aside");
            let reason = "this version does not know its kind".to_owned();
            return self.store.park(claim.token, reason).await;
        };
        let result = self.publisher.publish(publication).await;
        let (refused, reason) = match &result {
            Ok(_) => (false, String::new()),
            Err(error) => (error.advice() == Advice::Park, error.to_string()),
        };
        self.status.set(result.is_err().then(|| reason.clone()));
        let outcome = if result.is_ok() {
            "confirmed"
        } else if refused {
            "refused"
        } else {
            "unknown"
        };
        metrics::counter!("paydesk_published_total", "outcome" => outcome).increment(1);
        let id = claim.row.id.clone();
        let answer = match next(result.is_ok(), refused, claim.row.attempts) {
            Next::Ack => self.store.ack(claim.token).await,
            Next::Retry(after) => {
                tracing::warn!(outbox_id = %id, reason, "not published yet");
                self.store.retry_later(claim.token, after, reason).await
            }
            Next::Park => {
                tracing::error!(outbox_id = %id, reason, "the broker refuses this row; it is set aside");
                self.store.park(claim.token, reason).await
            }
        };
        match answer {
            // Another relay has the row by now, and will settle it.
            Err(StoreError::LeaseLost { .. }) => Ok(()),
            other => other,
        }
    }
}

/// The message that a row becomes. The ledger knows no STOMP; this is the only place that renders it.
fn publication(claim: &Claim) -> Option<Publication> {
    let row = &claim.row;
    let number = row.key.out_trade_no.as_str();
    let (destination, content_type, body) = match row.kind {
        OutboxKind::PayNotify => (
            broker::notice(&ticket::routing_key(&row.facts.page_ticket)),
            "text/plain",
            number.to_owned(),
        ),
        OutboxKind::OrderPay => (
            broker::order_pay(),
            "application/json",
            json!({"orderId": number, "transactionId": row.facts.transaction_id.as_str()})
                .to_string(),
        ),
        // A later version's kind, in a ledger that this version opened again.
        _ => return None,
    };
    let publication = Publication::new(destination, body)
        .content_type(content_type)
        .message_id(row.id.as_str())
        .key(row.key.to_string());
    Some(publication)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_receipt_takes_a_row_out_and_only_the_broker_sets_one_aside() {
        assert_eq!(next(true, false, 0), Next::Ack);
        assert_eq!(next(false, false, 0), Next::Retry(RETRY));
        assert_eq!(next(false, false, 1), Next::Retry(RETRY * 2));
        assert_eq!(next(false, false, 1_000_000), Next::Retry(RETRY_MAX));
        assert_eq!(next(false, true, REFUSALS_MAX - 2), Next::Retry(RETRY * 8));
        assert_eq!(next(false, true, REFUSALS_MAX - 1), Next::Park);
    }
}
