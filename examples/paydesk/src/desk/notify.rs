//! From a notify's bytes to the reply: verify, confirm, write down, answer.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use order_store::{
    By, Confirmation, Contradict, ExecuteError, NotifyRecord, Order, OrderKey, OrderStoreExt as _,
    Outcome, Verdict,
};
use wxpay_core::{NotifyReply, PayNotify, UnverifiedNotify, notify::Notify};

use super::{
    Desk,
    confirm::{Finding, judge},
    flight::Flight,
};
use crate::config::Confirm;

/// What the query may take: the gateway waits 5 s for our answer in all.
pub(super) const QUERY_PATIENCE: Duration = Duration::from_millis(1500);
/// How long one notify waits while another of the same order is handled.
const TURN_PATIENCE: Duration = Duration::from_secs(3);

/// How a notify found us.
pub(crate) enum Via {
    /// On the order's own path, with the secret that only the gateway was told.
    Secret(String),
    /// On the bare path.
    Bare,
    /// On the path of refund notifies.
    Refund,
    /// An operator's replay of a kept one.
    Replay,
}

/// One notify as it came.
pub(crate) struct Incoming {
    pub(crate) body: Bytes,
    pub(crate) peer: IpAddr,
    pub(crate) via: Via,
}

/// Why a notify is answered FAIL. The gateway is told the short name only.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("unreadable or not proven: {0}")]
    Notify(#[from] wxpay_core::NotifyError),
    #[error("no such order")]
    UnknownOrder,
    #[error("no such refund")]
    UnknownRefund,
    #[error("no refund notify")]
    NotARefund,
    #[error("another order's secret")]
    Secret,
    #[error("the order belongs to another account")]
    Account,
    #[error("another notify of this order is being handled")]
    Busy,
    #[error("not confirmed: {0}")]
    Unconfirmed(String),
    #[error("contradicted: {0}")]
    Contradicted(String),
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    #[error(transparent)]
    Store(#[from] order_store::StoreError),
}

impl Refused {
    /// What the gateway reads: enough for a person to look further, nothing for a forger to learn from.
    fn reply(&self) -> &'static str {
        match self {
            Self::Notify(_)
            | Self::Secret
            | Self::UnknownOrder
            | Self::UnknownRefund
            | Self::NotARefund
            | Self::Account => "REFUSED",
            Self::Busy | Self::Store(_) | Self::Execute(ExecuteError::Store(_)) => "TRY AGAIN",
            Self::Unconfirmed(_) => "NOT CONFIRMED",
            Self::Contradicted(_) => "CONTRADICTED",
            Self::Execute(ExecuteError::Refused(_)) => "DIFFERS",
        }
    }
}

/// What became of a notify.
pub(crate) struct Answered {
    /// The reply's XML.
    pub(crate) xml: String,
    /// What it did, or why it was refused, for people.
    pub(crate) outcome: Result<Outcome, String>,
}

impl Desk {
    /// Handles a notify to the end: what it pays is on disk before this returns, and it is kept in the inbox.
    pub(crate) async fn notified(&self, incoming: Incoming) -> Answered {
        let started = Instant::now();
        tracing::info!(peer = %incoming.peer, bytes = incoming.body.len(), "notify received");
        let result = self.handle(&incoming).await;
        let reply = match &result {
            Ok(_) => NotifyReply::Success,
            Err(refused) => NotifyReply::Fail(refused.reply()),
        };
        let xml = reply.to_xml();
        match &result {
            Ok(outcome) => tracing::info!(?outcome, "notify accepted"),
            Err(refused @ Refused::Contradicted(_)) => {
                tracing::error!(reason = %refused, "a verified notify is contradicted by the gateway");
            }
            Err(refused) => tracing::warn!(reason = %refused, "notify refused"),
        }
        let outcome = result.map_err(|refused| refused.to_string());
        metrics::counter!("paydesk_notifies_total", "verdict" => if outcome.is_ok() { "accepted" } else { "refused" })
            .increment(1);
        metrics::histogram!("paydesk_notify_seconds").record(started.elapsed().as_secs_f64());
        if !matches!(incoming.via, Via::Replay) {
            self.keep(&incoming, &outcome, &xml, started.elapsed())
                .await;
        }
        Answered { xml, outcome }
    }

    async fn handle(&self, incoming: &Incoming) -> Result<Outcome, Refused> {
        if matches!(incoming.via, Via::Refund | Via::Replay)
            && let Ok(Notify::Refund(notify)) = Notify::parse(&incoming.body)
        {
            return self.refund_told(notify).await;
        }
        if matches!(incoming.via, Via::Refund) {
            return Err(Refused::NotARefund);
        }
        let unverified = UnverifiedNotify::parse(&incoming.body)?;
        let number = unverified
            .out_trade_no()
            .map_err(wxpay_core::NotifyError::from)?;
        let mch_id = unverified.mch_id().map_err(wxpay_core::NotifyError::from)?;
        let order = self
            .store
            .find_attempt(&mch_id, &number)
            .await?
            .ok_or(Refused::UnknownOrder)?;
        if let Via::Secret(given) = &incoming.via
            && !order.notify_secret.matches(given)
        {
            return Err(Refused::Secret);
        }
        if order.terms.appid != self.account.appid || order.key.mch_id != self.account.mch_id {
            return Err(Refused::Account);
        }
        let notify = unverified.verify(&self.account, order.terms.sign_type)?;
        let _flight = self.turn(&order.key).await?;
        // Another notify of the same payment may have been handled while this one waited.
        let order = self
            .store
            .get(&order.key)
            .await?
            .ok_or(Refused::UnknownOrder)?;
        self.apply(&order, &notify).await
    }

    /// The order's turn, before the gateway gives up waiting for us.
    pub(super) async fn turn(&self, key: &OrderKey) -> Result<Flight, Refused> {
        let turn = self.flights.enter(key, TURN_PATIENCE).await;
        turn.ok_or(Refused::Busy)
    }

    async fn apply(&self, order: &Order, notify: &PayNotify) -> Result<Outcome, Refused> {
        let told = notify.payment();
        let known = order.payments.iter().any(|payment| {
            payment.attempt == told.out_trade_no
                && payment.transaction_id == told.transaction_id
                && payment.total_fee == told.total_fee
        });
        // What the ledger has already is answered from the ledger; what cannot be right is refused there, unasked.
        let right =
            told.total_fee == order.terms.total_fee && told.fee_type == order.terms.fee_type;
        let confirmation = if known || !right || self.confirm == Confirm::Off {
            Confirmation::Unconfirmed
        } else {
            self.confirmation(order, notify).await?
        };
        let executed = self
            .mark_paid(order, told, confirmation, By::Notify)
            .await?;
        Ok(executed.outcome)
    }

    async fn confirmation(
        &self,
        order: &Order,
        notify: &PayNotify,
    ) -> Result<Confirmation, Refused> {
        let told = notify.payment();
        let answer = self
            .query(&told.out_trade_no, order.terms.sign_type, QUERY_PATIENCE)
            .await;
        match judge(told, &answer) {
            Finding::Agrees => Ok(Confirmation::Confirmed),
            Finding::Silent(reason) if self.confirm == Confirm::Strict => {
                Err(Refused::Unconfirmed(reason))
            }
            Finding::Silent(reason) => {
                tracing::warn!(reason, "the query is silent; the notify is the proof");
                Ok(Confirmation::Unconfirmed)
            }
            Finding::Contradicts(reason) => {
                self.store
                    .contradict(Contradict {
                        key: order.key.clone(),
                        attempt: told.out_trade_no.clone(),
                        transaction_id: told.transaction_id.clone(),
                        reason: reason.clone(),
                        by: By::Notify,
                        now: self.clock.now(),
                    })
                    .await?;
                Err(Refused::Contradicted(reason))
            }
        }
    }

    async fn keep(
        &self,
        incoming: &Incoming,
        outcome: &Result<Outcome, String>,
        xml: &str,
        took: Duration,
    ) {
        let record = NotifyRecord {
            at: self.clock.now(),
            peer: incoming.peer,
            verdict: match outcome {
                Ok(outcome) => Verdict::Accepted { outcome: *outcome },
                Err(reason) => Verdict::Refused {
                    reason: reason.clone(),
                },
            },
            millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            answer: xml.to_owned(),
            body: incoming.body.to_vec(),
        };
        if let Err(error) = self.store.record_notify(record).await {
            tracing::error!(%error, "a notify could not be kept in the inbox");
        }
    }
}
