//! `mark_paid`, `confirm_payment` and `contradict`: what the gateway says of payments.

use wxpay_core::{OutTradeNo, TransactionId};

use super::{
    Change, Decision, Facts, QUERY_AFTER, REASON_MAX_BYTES, already, applied, change, next_due,
    noted,
};
use crate::{
    Attention, By, ConfirmPayment, Confirmation, Contradict, MarkPaid, Order, OrderState,
    OutboxFacts, OutboxId, OutboxKind, OutboxRow, Outcome, Payment, Refusal, Role, Timestamp, What,
    cut, hash::fnv1a,
};

pub(super) fn mark_paid(order: &Order, facts: &Facts, paid: &MarkPaid) -> Decision {
    let known = order
        .payments
        .iter()
        .find(|payment| payment.attempt == paid.attempt);
    let refusal = match known {
        _ if !order.owns(&paid.attempt) => Some(Refusal::NoSuchAttempt {
            number: paid.attempt.clone(),
        }),
        _ if paid.total_fee != order.terms.total_fee => Some(Refusal::AmountMismatch {
            expected: order.terms.total_fee,
            got: paid.total_fee,
        }),
        _ if paid.fee_type != order.terms.fee_type => Some(Refusal::CurrencyMismatch {
            expected: order.terms.fee_type.clone(),
            got: paid.fee_type.clone(),
        }),
        Some(known) if known.transaction_id == paid.transaction_id => return already(),
        Some(known) => Some(Refusal::OtherTransaction {
            known: known.transaction_id.clone(),
        }),
        None => transaction_taken(order, facts, paid),
    };
    if let Some(refusal) = refusal {
        let command = Verified {
            name: "mark_paid",
            attempt: &paid.attempt,
            transaction_id: &paid.transaction_id,
            by: paid.by,
            now: paid.now,
        };
        return refused_and_logged(order, &command, refusal);
    }
    take_payment(order, paid)
}

fn transaction_taken(order: &Order, facts: &Facts, paid: &MarkPaid) -> Option<Refusal> {
    let same = order
        .payments
        .iter()
        .find(|payment| payment.transaction_id == paid.transaction_id);
    if let Some(payment) = same {
        return Some(Refusal::TransactionOfOtherAttempt {
            attempt: payment.attempt.clone(),
        });
    }
    let owner = facts.transaction_owner.as_ref()?;
    (*owner != order.key).then(|| Refusal::TransactionOfOtherOrder {
        owner: owner.clone(),
    })
}

fn take_payment(order: &Order, paid: &MarkPaid) -> Decision {
    let before = order.state();
    let mut after = order.clone();
    let role = if before.has_payment() {
        Role::Extra
    } else {
        Role::First
    };
    after.payments.push(Payment {
        attempt: paid.attempt.clone(),
        transaction_id: paid.transaction_id.clone(),
        total_fee: paid.total_fee,
        time_end: paid.time_end,
        confirmed: paid.confirmation,
        role,
        rule: None,
        noted_at: paid.now,
        by: paid.by,
    });
    let (attempt, transaction_id, total_fee) = (
        paid.attempt.clone(),
        paid.transaction_id.clone(),
        paid.total_fee,
    );
    let (outcome, what) = match role {
        Role::First => {
            let outcome = if before == OrderState::Closed {
                after.attention.insert(Attention::PaidAfterClose);
                Outcome::PaidAfterClose
            } else {
                // A close that was only begun came to nothing.
                after.closing = None;
                Outcome::Applied
            };
            let what = What::Paid {
                attempt,
                transaction_id,
                total_fee,
            };
            (outcome, what)
        }
        Role::Extra => {
            after.attention.insert(Attention::ExtraPayment);
            let what = What::ExtraPayment {
                attempt,
                transaction_id,
                total_fee,
            };
            (Outcome::AppliedExtra, what)
        }
    };
    after.due = next_due(&after, paid.now);
    let outbox = match role {
        Role::First => [OutboxKind::PayNotify, OutboxKind::OrderPay]
            .map(|kind| paid_row(&after, paid, kind))
            .to_vec(),
        Role::Extra => Vec::new(),
    };
    Decision {
        outcome: Ok(outcome),
        change: Some(Change {
            outbox,
            transaction: Some(paid.transaction_id.clone()),
            ..change(order, after, paid.by, paid.now, what)
        }),
    }
}

fn paid_row(order: &Order, paid: &MarkPaid, kind: OutboxKind) -> OutboxRow {
    OutboxRow {
        id: OutboxId::paid(&order.key, kind),
        key: order.key.clone(),
        kind,
        facts: OutboxFacts {
            transaction_id: paid.transaction_id.clone(),
            page_ticket: order.page_ticket.clone(),
        },
        created_at: paid.now,
        attempts: 0,
        last_error: None,
    }
}

pub(super) fn confirm_payment(order: &Order, confirm: &ConfirmPayment) -> Decision {
    let mut after = order.clone();
    let payment = after.payments.iter_mut().find(|payment| {
        payment.attempt == confirm.attempt && payment.transaction_id == confirm.transaction_id
    });
    let Some(payment) = payment else {
        let command = Verified {
            name: "confirm_payment",
            attempt: &confirm.attempt,
            transaction_id: &confirm.transaction_id,
            by: confirm.by,
            now: confirm.now,
        };
        return refused_and_logged(order, &command, Refusal::NoSuchPayment);
    };
    if payment.confirmed == Confirmation::Confirmed {
        return already();
    }
    payment.confirmed = Confirmation::Confirmed;
    after.due = next_due(&after, confirm.now);
    let what = What::PaymentConfirmed {
        attempt: confirm.attempt.clone(),
        transaction_id: confirm.transaction_id.clone(),
    };
    applied(change(order, after, confirm.by, confirm.now, what))
}

pub(super) fn contradict(order: &Order, contradict: &Contradict) -> Decision {
    let reason = cut(&contradict.reason, REASON_MAX_BYTES);
    let fingerprint = fnv1a([
        b"contradict".as_slice(),
        contradict.attempt.as_str().as_bytes(),
        contradict.transaction_id.as_str().as_bytes(),
        reason.as_bytes(),
    ]);
    let Some(mut after) = noted(order, fingerprint) else {
        return already();
    };
    after.attention.insert(Attention::Contradicted);
    if after.is_open() {
        after.due = Some(contradict.now + QUERY_AFTER);
    }
    let what = What::Contradicted {
        attempt: contradict.attempt.clone(),
        transaction_id: contradict.transaction_id.clone(),
        reason: reason.to_owned(),
    };
    applied(change(order, after, contradict.by, contradict.now, what))
}

/// Of a command whose facts were verified: what a refusal's row tells.
struct Verified<'a> {
    name: &'static str,
    attempt: &'a OutTradeNo,
    transaction_id: &'a TransactionId,
    by: By,
    now: Timestamp,
}

/// Refuses, and leaves a row in the log the first time.
fn refused_and_logged(order: &Order, command: &Verified<'_>, refusal: Refusal) -> Decision {
    // The text of a refusal names all its facts.
    let fingerprint = fnv1a([
        command.name.as_bytes(),
        command.attempt.as_str().as_bytes(),
        command.transaction_id.as_str().as_bytes(),
        refusal.code().as_bytes(),
        refusal.to_string().as_bytes(),
    ]);
    let change = noted(order, fingerprint).map(|mut after| {
        after.attention.extend(refusal.attention());
        let what = What::Refused {
            command: command.name.to_owned(),
            attempt: command.attempt.clone(),
            transaction_id: command.transaction_id.clone(),
            refusal: refusal.clone(),
        };
        change(order, after, command.by, command.now, what)
    });
    Decision {
        outcome: Err(refusal),
        change,
    }
}
