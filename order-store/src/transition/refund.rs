//! `begin_refund` and `refund_result`: money on its way back.

use wxpay_core::Fen;

use super::{
    Change, Decision, Facts, REFUND_INTERVAL, REFUND_WITHIN, REFUNDS_MAX, already, applied, change,
    next_due, noted, refused,
};
use crate::{
    Attention, BeginRefund, BeyondRule, Confirmation, ExtraPaymentPolicy, MerchantCertificate,
    Order, Payment, Refund, RefundCause, RefundGround, RefundResult, RefundState, Refusal, Role,
    RuleVerdict, Timestamp, What, hash::fnv1a,
};

pub(super) fn begin_refund(order: &Order, facts: &Facts, begin: &BeginRefund) -> Decision {
    if let Some(known) = order.refund(&begin.out_refund_no) {
        return match other_content(known, begin) {
            None => already(),
            Some(field) => refused(Refusal::OtherRefund {
                field: field.to_owned(),
            }),
        };
    }
    let payment = match refundable(order, facts, begin) {
        Ok(payment) => payment,
        Err(refusal) => return refused(refusal),
    };
    let cause = match begin.ground {
        RefundGround::Asked => RefundCause::Asked,
        RefundGround::ExtraPayment(policy) => {
            if let Some(why) = beyond_rule(payment, begin.refund_fee, policy) {
                return left_to_operator(order, begin, why);
            }
            RefundCause::Rule
        }
    };
    let mut after = order.clone();
    after.refunds.push(Refund {
        out_refund_no: begin.out_refund_no.clone(),
        transaction_id: begin.transaction_id.clone(),
        refund_fee: begin.refund_fee,
        reason: begin.reason.clone(),
        state: RefundState::Processing,
        refund_id: None,
        begun_at: begin.now,
        changed_at: begin.now,
    });
    if cause == RefundCause::Rule {
        set_rule(&mut after, begin, RuleVerdict::GivenBack);
    }
    after.due = next_due(&after, begin.now);
    let what = What::RefundBegun {
        out_refund_no: begin.out_refund_no.clone(),
        transaction_id: begin.transaction_id.clone(),
        refund_fee: begin.refund_fee,
        cause,
    };
    applied(Change {
        refund: Some(begin.out_refund_no.clone()),
        ..change(order, after, begin.by, begin.now, what)
    })
}

/// The first field of a refund's content that differs.
fn other_content(known: &Refund, begin: &BeginRefund) -> Option<&'static str> {
    [
        (
            "transaction_id",
            known.transaction_id == begin.transaction_id,
        ),
        ("refund_fee", known.refund_fee == begin.refund_fee),
        ("reason", known.reason == begin.reason),
    ]
    .into_iter()
    .find_map(|(field, same)| (!same).then_some(field))
}

/// The payment to give back, when the gateway's own rules allow it.
fn refundable<'a>(
    order: &'a Order,
    facts: &Facts,
    begin: &BeginRefund,
) -> Result<&'a Payment, Refusal> {
    if facts.refund_owner.is_some() {
        return Err(Refusal::RefundNumberTaken {
            number: begin.out_refund_no.clone(),
        });
    }
    if !order.state().has_payment() {
        return Err(Refusal::NotPaid);
    }
    let payment = order
        .payment(&begin.transaction_id)
        .ok_or(Refusal::NoSuchPayment)?;
    if begin.refund_fee.is_zero() {
        return Err(Refusal::Invalid {
            field: "refund_fee".to_owned(),
            reason: "a refund is of at least 1 fen".to_owned(),
        });
    }
    let until = Timestamp::from(payment.time_end) + REFUND_WITHIN;
    if begin.now > until {
        return Err(Refusal::RefundTooLate { until });
    }
    let left = order.unrefunded_fee(payment);
    if begin.refund_fee > left {
        return Err(Refusal::RefundExceeds {
            left,
            got: begin.refund_fee,
        });
    }
    if order.refunds.len() >= REFUNDS_MAX as usize {
        return Err(Refusal::TooManyRefunds { most: REFUNDS_MAX });
    }
    let last = order.refunds.iter().map(|refund| refund.begun_at).max();
    match last.map(|last| last + REFUND_INTERVAL) {
        Some(at) if begin.now < at => Err(Refusal::RefundTooSoon { at }),
        _ => Ok(payment),
    }
}

/// What stands against giving a payment back without anyone's asking.
fn beyond_rule(payment: &Payment, fee: Fen, policy: ExtraPaymentPolicy) -> Option<BeyondRule> {
    if payment.role != Role::Extra {
        Some(BeyondRule::NoExtraPayment)
    } else if payment.confirmed == Confirmation::Unconfirmed {
        Some(BeyondRule::Unconfirmed)
    } else if fee != payment.total_fee {
        Some(BeyondRule::NotWhole)
    } else if policy.certificate == MerchantCertificate::Missing {
        Some(BeyondRule::NoCertificate)
    } else if fee > policy.cap {
        Some(BeyondRule::AboveCap)
    } else {
        None
    }
}

/// The rule does not allow it. Where nothing but a person can change that, the payment is left to one.
fn left_to_operator(order: &Order, begin: &BeginRefund, why: BeyondRule) -> Decision {
    let refusal = Refusal::BeyondRule { why };
    let is_final = matches!(why, BeyondRule::NoCertificate | BeyondRule::AboveCap);
    let payment = order.payment(&begin.transaction_id);
    if !is_final || payment.is_none_or(|payment| payment.rule.is_some()) {
        return refused(refusal);
    }
    let mut after = order.clone();
    after.attention.extend(refusal.attention());
    set_rule(&mut after, begin, RuleVerdict::LeftToOperator);
    after.due = next_due(&after, begin.now);
    let what = What::RefundRefused {
        command: "begin_refund".to_owned(),
        out_refund_no: begin.out_refund_no.clone(),
        transaction_id: Some(begin.transaction_id.clone()),
        refusal: refusal.clone(),
    };
    Decision {
        outcome: Err(refusal),
        change: Some(change(order, after, begin.by, begin.now, what)),
    }
}

fn set_rule(order: &mut Order, begin: &BeginRefund, verdict: RuleVerdict) {
    for payment in &mut order.payments {
        if payment.transaction_id == begin.transaction_id {
            payment.rule = Some(verdict);
        }
    }
}

pub(super) fn refund_result(order: &Order, result: &RefundResult) -> Decision {
    let Some(at) = order
        .refunds
        .iter()
        .position(|refund| refund.out_refund_no == result.out_refund_no)
    else {
        let number = result.out_refund_no.clone();
        return refused_and_logged(order, result, Refusal::NoSuchRefund { number });
    };
    let known = &order.refunds[at];
    if let Some(refusal) = contradiction(known, result) {
        return refused_and_logged(order, result, refusal);
    }
    let moved = moves(known.state, result.state);
    let accepted = known.refund_id.is_none() && result.refund_id.is_some();
    if !moved && !accepted {
        return already();
    }
    let mut after = order.clone();
    let refund = &mut after.refunds[at];
    if accepted {
        refund.refund_id.clone_from(&result.refund_id);
    }
    if moved {
        refund.state = result.state;
        refund.changed_at = result.now;
    }
    let out_refund_no = result.out_refund_no.clone();
    let what = if moved {
        match result.state {
            RefundState::Processing => unreachable!("nothing goes back to processing"),
            RefundState::Success => What::RefundSucceeded {
                out_refund_no,
                refund_fee: refund.refund_fee,
            },
            RefundState::Closed => What::RefundClosed { out_refund_no },
            RefundState::Change => What::RefundChange { out_refund_no },
        }
    } else {
        What::RefundAccepted { out_refund_no }
    };
    if moved {
        flag(&mut after, result.state);
    }
    after.due = next_due(&after, result.now);
    applied(change(order, after, result.by, result.now, what))
}

/// Whether the state told is further than the known one. The gateway's order: `processing`, perhaps `change`, then an end.
fn moves(known: RefundState, told: RefundState) -> bool {
    match known {
        RefundState::Processing => told != RefundState::Processing,
        RefundState::Change => matches!(told, RefundState::Success | RefundState::Closed),
        RefundState::Success | RefundState::Closed => false,
    }
}

/// Why what is told cannot be of the refund that the ledger has.
fn contradiction(known: &Refund, result: &RefundResult) -> Option<Refusal> {
    if known.refund_fee != result.refund_fee {
        return Some(Refusal::RefundAmountMismatch {
            expected: known.refund_fee,
            got: result.refund_fee,
        });
    }
    if let (Some(before), Some(told)) = (&known.refund_id, &result.refund_id)
        && before != told
    {
        return Some(Refusal::OtherRefundId);
    }
    let ends = [RefundState::Success, RefundState::Closed];
    let other_end =
        known.state != result.state && ends.contains(&known.state) && ends.contains(&result.state);
    other_end.then_some(Refusal::OtherRefundState {
        known: known.state,
        got: result.state,
    })
}

/// What a person should look at, now that a refund has come to this state.
fn flag(order: &mut Order, state: RefundState) {
    match state {
        RefundState::Closed => {
            order.attention.insert(Attention::RefundClosed);
        }
        RefundState::Change => {
            order.attention.insert(Attention::RefundChange);
        }
        RefundState::Processing | RefundState::Success => {}
    }
    let waits = |refund: &Refund| refund.state == RefundState::Change;
    if !order.refunds.iter().any(waits) {
        order.attention.remove(&Attention::RefundChange);
    }
    let is_back = |payment: &Payment| {
        payment.role == Role::First || order.refunded_fee_of(payment) == payment.total_fee
    };
    if order.payments.iter().all(is_back) {
        order.attention.remove(&Attention::ExtraPayment);
    }
}

/// Refuses, flags the order, and leaves a row in the log the first time.
fn refused_and_logged(order: &Order, result: &RefundResult, refusal: Refusal) -> Decision {
    // The text of a refusal names all its facts but the gateway's number.
    let told = result.refund_id.as_ref().map_or("", |id| id.as_str());
    let fingerprint = fnv1a([
        b"refund_result".as_slice(),
        result.out_refund_no.as_str().as_bytes(),
        told.as_bytes(),
        refusal.code().as_bytes(),
        refusal.to_string().as_bytes(),
    ]);
    let change = noted(order, fingerprint).map(|mut after| {
        after.attention.extend(refusal.attention());
        let what = What::RefundRefused {
            command: "refund_result".to_owned(),
            out_refund_no: result.out_refund_no.clone(),
            transaction_id: None,
            refusal: refusal.clone(),
        };
        change(order, after, result.by, result.now, what)
    });
    Decision {
        outcome: Err(refusal),
        change,
    }
}
