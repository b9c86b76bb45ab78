//! The log back to the order: what an order must be like, told by its log alone.

use std::collections::BTreeSet;

use wxpay_core::{Fen, OutRefundNo, OutTradeNo, TransactionId};

use crate::{
    Attention, By, Confirmation, LogEntry, Order, OrderState, RefundState, Refusal, Role,
    Timestamp, What,
};

/// What a log says of its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// When it was made.
    pub created_at: Timestamp,
    /// The attempts that were begun, in that order.
    pub attempts: Vec<OutTradeNo>,
    /// Those of them that the gateway gave a code for.
    pub with_code: BTreeSet<OutTradeNo>,
    /// The payments, in the order in which they were told.
    pub payments: Vec<ReplayedPayment>,
    /// The refunds, in the order in which they were begun.
    pub refunds: Vec<ReplayedRefund>,
    /// What a person should look at.
    pub attention: BTreeSet<Attention>,
    /// Whether it was closed here.
    pub closed: bool,
}

/// A payment as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayedPayment {
    /// The attempt that was paid.
    pub attempt: OutTradeNo,
    /// By this transaction.
    pub transaction_id: TransactionId,
    /// The amount, in fen.
    pub total_fee: Fen,
    /// What it is to the order.
    pub role: Role,
    /// When it was told of.
    pub noted_at: Timestamp,
    /// Who told of it.
    pub by: By,
    /// Whether the log has a row that it was confirmed; a payment may have been told as confirmed in the first place.
    pub confirmed_later: bool,
}

/// A refund as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayedRefund {
    /// Its number.
    pub out_refund_no: OutRefundNo,
    /// The payment it gives back.
    pub transaction_id: TransactionId,
    /// The amount, in fen.
    pub refund_fee: Fen,
    /// How far it is.
    pub state: RefundState,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When its state changed last.
    pub changed_at: Timestamp,
}

/// Why a log is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It is empty.
    #[error("the log is empty")]
    Empty,
    /// It does not begin with the order's making, or has a second one.
    #[error("row {row} of the log is not where an order is made")]
    Created {
        /// The row, counted from 0.
        row: usize,
    },
    /// A row begins from another state than the row before has come to, or comes to another state than what it tells of.
    #[error(
        "row {row} of the log goes from {} to {to}, what it tells goes from {} to {told_to}",
        .from.map_or("nothing", OrderState::as_str),
        .told_from.map_or("nothing", OrderState::as_str)
    )]
    State {
        /// The row, counted from 0.
        row: usize,
        /// The state before, by the row.
        from: Option<OrderState>,
        /// The state after, by the row.
        to: OrderState,
        /// The state before, by the rows before.
        told_from: Option<OrderState>,
        /// The state after, by what the row tells.
        told_to: OrderState,
    },
    /// A row is about an attempt, payment or refund that no row before it tells of, or makes one a second time.
    #[error("row {row} of the log ({what}) does not follow from the rows before it")]
    Order {
        /// The row, counted from 0.
        row: usize,
        /// What it tells.
        what: &'static str,
    },
}

impl Replayed {
    const fn at(created_at: Timestamp) -> Self {
        Self {
            created_at,
            attempts: Vec::new(),
            with_code: BTreeSet::new(),
            payments: Vec::new(),
            refunds: Vec::new(),
            attention: BTreeSet::new(),
            closed: false,
        }
    }

    /// Where the order stands.
    #[must_use]
    pub fn state(&self) -> OrderState {
        if self.payments.is_empty() {
            return if self.closed {
                OrderState::Closed
            } else {
                OrderState::Unpaid
            };
        }
        if self.refunds.iter().any(|refund| refund.state.is_live()) {
            return OrderState::Refunding;
        }
        let paid: u128 = self.payments.iter().map(|p| wide(p.total_fee)).sum();
        let back: u128 = self
            .refunds
            .iter()
            .filter(|refund| refund.state == RefundState::Success)
            .map(|refund| wide(refund.refund_fee))
            .sum();
        if back >= paid {
            OrderState::Refunded
        } else {
            OrderState::Paid
        }
    }

    /// The first thing in which the order is not what its log says; nothing when they agree.
    #[must_use]
    pub fn differs(&self, order: &Order) -> Option<&'static str> {
        let attempts = order.attempts.iter().map(|attempt| &attempt.number);
        let with_code = order.attempts.iter().filter(|a| a.prepay.is_some());
        let payments = order.payments.iter().map(|payment| {
            (
                &payment.attempt,
                &payment.transaction_id,
                payment.total_fee,
                payment.role,
                (payment.noted_at, payment.by),
            )
        });
        let told = self.payments.iter().map(|p| {
            (
                &p.attempt,
                &p.transaction_id,
                p.total_fee,
                p.role,
                (p.noted_at, p.by),
            )
        });
        let unconfirmed = self
            .payments
            .iter()
            .zip(&order.payments)
            .any(|(told, payment)| {
                told.confirmed_later && payment.confirmed == Confirmation::Unconfirmed
            });
        let refunds = order.refunds.iter().map(|refund| ReplayedRefund {
            out_refund_no: refund.out_refund_no.clone(),
            transaction_id: refund.transaction_id.clone(),
            refund_fee: refund.refund_fee,
            state: refund.state,
            begun_at: refund.begun_at,
            changed_at: refund.changed_at,
        });
        [
            ("created_at", order.created_at == self.created_at),
            ("state", order.state() == self.state()),
            ("attempts", attempts.eq(&self.attempts)),
            (
                "prepay",
                with_code.map(|a| &a.number).collect::<BTreeSet<_>>()
                    == self.with_code.iter().collect(),
            ),
            ("payments", payments.eq(told)),
            ("confirmed", !unconfirmed),
            ("refunds", refunds.eq(self.refunds.iter().cloned())),
            ("attention", order.attention == self.attention),
        ]
        .into_iter()
        .find_map(|(field, same)| (!same).then_some(field))
    }

    /// Takes one row; says whether it follows from what was before.
    fn take(&mut self, before: Option<OrderState>, entry: &LogEntry) -> bool {
        let at = entry.at;
        match &entry.what {
            What::Created | What::CloseBegun | What::PaidAtGateway => {}
            What::AttemptBegun { attempt } => {
                if self.attempts.contains(attempt) {
                    return false;
                }
                self.attempts.push(attempt.clone());
            }
            What::PrepayAttached { attempt } => {
                return self.attempts.contains(attempt) && self.with_code.insert(attempt.clone());
            }
            What::Paid {
                attempt,
                transaction_id,
                total_fee,
            } => {
                if before == Some(OrderState::Closed) {
                    self.attention.insert(Attention::PaidAfterClose);
                }
                return self.pay(entry, attempt, transaction_id, *total_fee, Role::First);
            }
            What::ExtraPayment {
                attempt,
                transaction_id,
                total_fee,
            } => {
                self.attention.insert(Attention::ExtraPayment);
                return self.pay(entry, attempt, transaction_id, *total_fee, Role::Extra);
            }
            What::PaymentConfirmed {
                attempt,
                transaction_id,
            } => {
                let payment = self
                    .payments
                    .iter_mut()
                    .find(|p| p.attempt == *attempt && p.transaction_id == *transaction_id);
                return payment.is_some_and(|p| !std::mem::replace(&mut p.confirmed_later, true));
            }
            What::Contradicted { .. } => {
                self.attention.insert(Attention::Contradicted);
            }
            What::ClosedHere | What::ClosedAtGateway | What::UnknownAtGateway => self.closed = true,
            What::Refused { refusal, .. } | What::RefundRefused { refusal, .. } => {
                self.attention.extend(refusal.attention());
            }
            What::RefundBegun {
                out_refund_no,
                transaction_id,
                refund_fee,
                ..
            } => return self.begin_refund(at, out_refund_no, transaction_id, *refund_fee),
            What::RefundAccepted { out_refund_no } => return self.refund(out_refund_no).is_some(),
            What::RefundSucceeded {
                out_refund_no,
                refund_fee,
            } => {
                let known = self.refund(out_refund_no).map(|refund| refund.refund_fee);
                return known == Some(*refund_fee)
                    && self.move_refund(at, out_refund_no, RefundState::Success);
            }
            What::RefundClosed { out_refund_no } => {
                self.attention.insert(Attention::RefundClosed);
                return self.move_refund(at, out_refund_no, RefundState::Closed);
            }
            What::RefundChange { out_refund_no } => {
                self.attention.insert(Attention::RefundChange);
                return self.move_refund(at, out_refund_no, RefundState::Change);
            }
            What::AttentionCleared { attention, .. } => return self.attention.remove(attention),
        }
        true
    }

    fn pay(
        &mut self,
        row: &LogEntry,
        attempt: &OutTradeNo,
        id: &TransactionId,
        fee: Fen,
        role: Role,
    ) -> bool {
        let first = self.payments.is_empty();
        let known = |p: &ReplayedPayment| p.attempt == *attempt || p.transaction_id == *id;
        let follows = first == (role == Role::First) && !self.payments.iter().any(known);
        self.payments.push(ReplayedPayment {
            attempt: attempt.clone(),
            transaction_id: id.clone(),
            total_fee: fee,
            role,
            noted_at: row.at,
            by: row.by,
            confirmed_later: false,
        });
        follows
    }

    fn begin_refund(
        &mut self,
        at: Timestamp,
        number: &OutRefundNo,
        id: &TransactionId,
        fee: Fen,
    ) -> bool {
        let new = self.refund(number).is_none();
        self.refunds.push(ReplayedRefund {
            out_refund_no: number.clone(),
            transaction_id: id.clone(),
            refund_fee: fee,
            state: RefundState::Processing,
            begun_at: at,
            changed_at: at,
        });
        let bound: u128 = self
            .refunds
            .iter()
            .filter(|refund| refund.transaction_id == *id && refund.state.binds())
            .map(|refund| wide(refund.refund_fee))
            .sum();
        let payment = self.payments.iter().find(|p| p.transaction_id == *id);
        new && payment.is_some_and(|payment| bound <= wide(payment.total_fee))
    }

    fn refund(&mut self, number: &OutRefundNo) -> Option<&mut ReplayedRefund> {
        self.refunds
            .iter_mut()
            .find(|refund| refund.out_refund_no == *number)
    }

    fn move_refund(&mut self, at: Timestamp, number: &OutRefundNo, state: RefundState) -> bool {
        let Some(refund) = self.refund(number) else {
            return false;
        };
        let follows = refund.state.is_live() && refund.state != state;
        refund.state = state;
        refund.changed_at = at;
        if !self.refunds.iter().any(|r| r.state == RefundState::Change) {
            self.attention.remove(&Attention::RefundChange);
        }
        let is_back = |payment: &ReplayedPayment| {
            let back: u128 = self
                .refunds
                .iter()
                .filter(|r| {
                    r.transaction_id == payment.transaction_id && r.state == RefundState::Success
                })
                .map(|r| wide(r.refund_fee))
                .sum();
            payment.role == Role::First || back == wide(payment.total_fee)
        };
        if self.payments.iter().all(is_back) {
            self.attention.remove(&Attention::ExtraPayment);
        }
        follows
    }
}

fn wide(fen: Fen) -> u128 {
    fen.get().into()
}

/// Goes through a log, oldest row first, and says what the order must be like.
///
/// Amounts, states and flags are worked out from what the rows tell, and held against the states that they name: a row that is
/// missing, doubled or in the wrong place is an error.
///
/// # Errors
/// [`ReplayError`] when the rows do not follow from each other.
pub fn replay(log: &[LogEntry]) -> Result<Replayed, ReplayError> {
    let first = log.first().ok_or(ReplayError::Empty)?;
    let mut replayed = Replayed::at(first.at);
    let mut before = None;
    for (row, entry) in log.iter().enumerate() {
        if (row == 0) != (entry.what == What::Created) {
            return Err(ReplayError::Created { row });
        }
        if !replayed.take(before, entry) {
            return Err(ReplayError::Order {
                row,
                what: entry.what.name(),
            });
        }
        let after = replayed.state();
        if (entry.from, entry.to) != (before, after) {
            return Err(ReplayError::State {
                row,
                from: entry.from,
                to: entry.to,
                told_from: before,
                told_to: after,
            });
        }
        before = Some(after);
    }
    Ok(replayed)
}

impl Refusal {
    /// What a person should look at when this refusal is logged.
    pub(crate) const fn attention(&self) -> Option<Attention> {
        match self {
            Self::AmountMismatch { .. } | Self::CurrencyMismatch { .. } => {
                Some(Attention::AmountMismatch)
            }
            Self::OtherTransaction { .. }
            | Self::TransactionOfOtherAttempt { .. }
            | Self::TransactionOfOtherOrder { .. } => Some(Attention::TransactionMismatch),
            Self::NoSuchRefund { .. }
            | Self::RefundAmountMismatch { .. }
            | Self::OtherRefundId
            | Self::OtherRefundState { .. } => Some(Attention::RefundMismatch),
            Self::BeyondRule { .. } => Some(Attention::ExtraPayment),
            _ => None,
        }
    }
}
