//! An order with all that belongs to it.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};
use wxpay_core::{CodeUrl, Fen, OutRefundNo, OutTradeNo, TransactionId};

use crate::{
    Attempt, Attention, Confirmation, NotifySecret, OrderKey, OrderState, PageTicket, Payment,
    Prepay, Refund, RefundState, Role, Terms, Timestamp,
};

/// How long the gateway keeps a `code_url`.
pub const CODE_URL_LIFE: Duration = Duration::from_hours(2);

/// What the merchant sells, and everything that happened to it.
///
/// Only [`decide`](crate::decide) makes and changes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Which order.
    pub key: OrderKey,
    /// What it is about, frozen.
    pub terms: Terms,
    /// The expiry that the client asked for; nothing when it left it to us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<Duration>,
    /// Opens its page.
    pub page_ticket: PageTicket,
    /// The last part of its `notify_url`.
    pub notify_secret: NotifySecret,
    /// When it was made.
    pub created_at: Timestamp,
    /// The attempts that were begun, in that order. The first one's number is reserved before: see [`Order::owns`].
    pub attempts: Vec<Attempt>,
    /// The payments, in the order in which they were told.
    pub payments: Vec<Payment>,
    /// The refunds.
    #[serde(default)]
    pub refunds: Vec<Refund>,
    /// How far it is on the way to closed, when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
    /// What a person should look at.
    #[serde(default)]
    pub attention: BTreeSet<Attention>,
    /// When the sweeper should look at it; nothing when no work is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Fingerprints of the refusals that the log has, so that a repeat adds none.
    #[serde(default)]
    pub(crate) refusals: BTreeSet<u64>,
}

/// How far an order is on the way to closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// When the intent was stored.
    pub begun_at: Timestamp,
    /// When it was closed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// What the gateway said; nothing while it has not been asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayClose>,
}

/// What closing at the gateway and the query after it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GatewayClose {
    /// It is closed there, and not paid.
    Closed,
    /// It does not know the number.
    NotExisting,
    /// It is paid: the payment is to be marked.
    Paid,
}

impl Order {
    /// Where it stands.
    ///
    /// Any live refund makes it `refunding`; as much given back as came in, `refunded`; any payment, `paid`.
    #[must_use]
    pub fn state(&self) -> OrderState {
        if self.first_payment().is_some() {
            if self.refunds.iter().any(|refund| refund.state.is_live()) {
                return OrderState::Refunding;
            }
            let paid = self.payments.iter().map(|payment| payment.total_fee.get());
            if self.refunded_fee().get() >= paid.sum() {
                return OrderState::Refunded;
            }
            return OrderState::Paid;
        }
        match &self.closing {
            Some(Closing {
                closed_at: Some(_), ..
            }) => OrderState::Closed,
            _ => OrderState::Unpaid,
        }
    }

    /// The payment that paid it.
    #[must_use]
    pub fn first_payment(&self) -> Option<&Payment> {
        self.payments
            .iter()
            .find(|payment| payment.role == Role::First)
    }

    /// When it was paid, by the gateway's clock.
    #[must_use]
    pub fn paid_at(&self) -> Option<Timestamp> {
        self.first_payment()
            .map(|payment| Timestamp::from(payment.time_end))
    }

    /// The transaction that paid it.
    #[must_use]
    pub fn transaction_id(&self) -> Option<&TransactionId> {
        self.first_payment().map(|payment| &payment.transaction_id)
    }

    /// The payment of this transaction.
    #[must_use]
    pub fn payment(&self, transaction_id: &TransactionId) -> Option<&Payment> {
        self.payments
            .iter()
            .find(|payment| payment.transaction_id == *transaction_id)
    }

    /// The refund of this number.
    #[must_use]
    pub fn refund(&self, out_refund_no: &OutRefundNo) -> Option<&Refund> {
        self.refunds
            .iter()
            .find(|refund| refund.out_refund_no == *out_refund_no)
    }

    /// How much was given back, in fen.
    #[must_use]
    pub fn refunded_fee(&self) -> Fen {
        sum(self
            .refunds
            .iter()
            .filter(|refund| refund.state == RefundState::Success))
    }

    /// How much of one payment was given back, in fen.
    #[must_use]
    pub fn refunded_fee_of(&self, payment: &Payment) -> Fen {
        sum(self.refunds.iter().filter(|refund| {
            refund.state == RefundState::Success && refund.transaction_id == payment.transaction_id
        }))
    }

    /// How much of one payment no refund binds, in fen: what can still be given back.
    #[must_use]
    pub fn unrefunded_fee(&self, payment: &Payment) -> Fen {
        let bound = sum(self.refunds.iter().filter(|refund| {
            refund.state.binds() && refund.transaction_id == payment.transaction_id
        }));
        payment.total_fee.checked_sub(bound).unwrap_or(Fen::ZERO)
    }

    /// An extra payment that the rule was not asked about yet and that no refund gives back: see
    /// [`RefundGround::ExtraPayment`](crate::RefundGround).
    #[must_use]
    pub fn undecided_extra(&self) -> Option<&Payment> {
        self.payments.iter().find(|payment| {
            payment.role == Role::Extra
                && payment.rule.is_none()
                && self.unrefunded_fee(payment) == payment.total_fee
        })
    }

    /// The attempt begun last.
    #[must_use]
    pub fn current_attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// What the gateway gave the current attempt, while it lives: younger than [`CODE_URL_LIFE`], and the order unpaid and not closing.
    #[must_use]
    pub fn live_prepay(&self, now: Timestamp) -> Option<&Prepay> {
        if self.state() != OrderState::Unpaid || self.closing.is_some() {
            return None;
        }
        self.current_attempt()?
            .prepay
            .as_ref()
            .filter(|prepay| now.since(prepay.at) < CODE_URL_LIFE)
    }

    /// The code to show, while it lives: see [`Order::live_prepay`].
    #[must_use]
    pub fn live_code_url(&self, now: Timestamp) -> Option<&CodeUrl> {
        self.live_prepay(now).map(|prepay| &prepay.code_url)
    }

    /// When the payer's time is over: the current attempt's expiry, or the order's before there is one.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.current_attempt()
            .map_or(self.terms.time_expire, |attempt| attempt.time_expire)
            .into()
    }

    /// Whether a number of the gateway's is this order's: its own, reserved when it was made, or a later attempt's.
    #[must_use]
    pub fn owns(&self, number: &OutTradeNo) -> bool {
        *number == self.key.out_trade_no
            || self
                .attempts
                .iter()
                .any(|attempt| attempt.number == *number)
    }

    /// Whether something is left to do: a payment may still come or wants confirming, a refund is under way, an extra payment
    /// was not decided on, or the gateway has not closed it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self.state() {
            OrderState::Unpaid | OrderState::Refunding => true,
            OrderState::Closed => !matches!(
                &self.closing,
                Some(Closing {
                    gateway: Some(GatewayClose::Closed | GatewayClose::NotExisting),
                    ..
                })
            ),
            OrderState::Paid | OrderState::Refunded => {
                self.has_unconfirmed() || self.undecided_extra().is_some()
            }
        }
    }

    /// Whether a payment wants confirming.
    #[must_use]
    pub fn has_unconfirmed(&self) -> bool {
        self.payments
            .iter()
            .any(|payment| payment.confirmed == Confirmation::Unconfirmed)
    }
}

fn sum<'a>(refunds: impl Iterator<Item = &'a Refund>) -> Fen {
    refunds
        .map(|refund| refund.refund_fee)
        .try_fold(Fen::ZERO, Fen::checked_add)
        .unwrap_or(Fen::MAX)
}
