//! `begin_attempt` and `attach_prepay`: a number at the gateway and its code.

use wxpay_core::OutTradeNo;

use super::{
    ATTEMPTS_MAX, CLOSE_AT_GATEWAY_AFTER, Change, Decision, EXPIRY_DEFAULT, Facts, NUMBER_TRIES,
    QUERY_AFTER, UNFINISHED_AFTER, already, applied, change, refused,
};
use crate::{
    AttachPrepay, Attempt, BeginAttempt, Order, OrderState, Prepay, Refusal, What,
    order::CODE_URL_LIFE,
};

/// The numbers that the order's next attempt may get, in the order in which they are tried.
pub(super) fn next_numbers(order: &Order) -> impl Iterator<Item = (u32, OutTradeNo)> {
    let first = order.attempts.last().map_or(1, |attempt| attempt.n + 1);
    (first..first.saturating_add(NUMBER_TRIES))
        .filter_map(|n| Some((n, order.key.out_trade_no.for_attempt(n)?)))
}

/// Why nothing new may be begun at the gateway.
fn not_payable(order: &Order) -> Option<Refusal> {
    match order.state() {
        OrderState::Unpaid if order.closing.is_some() => Some(Refusal::Closing),
        OrderState::Unpaid => None,
        OrderState::Closed => Some(Refusal::Closed),
        OrderState::Paid | OrderState::Refunding | OrderState::Refunded => {
            Some(Refusal::AlreadyPaid)
        }
    }
}

pub(super) fn begin_attempt(order: &Order, facts: &Facts, begin: &BeginAttempt) -> Decision {
    if let Some(refusal) = not_payable(order) {
        return refused(refusal);
    }
    // Without an answer it may or may not be known at the gateway: it is asked for again, under the same number.
    let goes_on = |attempt: &Attempt| {
        attempt
            .prepay
            .as_ref()
            .is_none_or(|prepay| begin.now.since(prepay.at) < CODE_URL_LIFE)
    };
    if order.current_attempt().is_some_and(goes_on) {
        return already();
    }
    if order.attempts.len() >= ATTEMPTS_MAX as usize {
        return refused(Refusal::TooManyAttempts { most: ATTEMPTS_MAX });
    }
    let free = |number: &OutTradeNo| {
        facts
            .number_owners
            .get(number)
            .is_none_or(|owner| *owner == order.key)
    };
    let Some((n, number)) = next_numbers(order).find(|(_, number)| free(number)) else {
        return refused(Refusal::NumberTaken {
            number: order.key.out_trade_no.clone(),
        });
    };
    let (time_start, time_expire) = if order.attempts.is_empty() {
        (order.terms.time_start, order.terms.time_expire)
    } else {
        let life = order.expires_after.unwrap_or(EXPIRY_DEFAULT);
        (begin.now.beijing(), (begin.now + life).beijing())
    };
    let mut after = order.clone();
    after.attempts.push(Attempt {
        number: number.clone(),
        n,
        time_start,
        time_expire,
        begun_at: begin.now,
        prepay: None,
    });
    after.due = Some(begin.now + UNFINISHED_AFTER);
    let what = What::AttemptBegun {
        attempt: number.clone(),
    };
    applied(Change {
        // The first number was taken when the order was made.
        number: (!order.owns(&number)).then_some(number),
        ..change(order, after, begin.by, begin.now, what)
    })
}

pub(super) fn attach_prepay(order: &Order, attach: &AttachPrepay) -> Decision {
    let mut after = order.clone();
    let Some(attempt) = after
        .attempts
        .iter_mut()
        .find(|attempt| attempt.number == attach.attempt)
    else {
        return refused(Refusal::NoSuchAttempt {
            number: attach.attempt.clone(),
        });
    };
    if let Some(known) = &attempt.prepay {
        return if known.prepay_id == attach.prepay_id && known.code_url == attach.code_url {
            already()
        } else {
            refused(Refusal::OtherPrepay)
        };
    }
    attempt.prepay = Some(Prepay {
        prepay_id: attach.prepay_id.clone(),
        code_url: attach.code_url.clone(),
        at: attach.now,
    });
    match order.state() {
        OrderState::Unpaid => after.due = Some(attach.now + QUERY_AFTER),
        // The answer came after the close: the gateway has a number now that can be paid.
        OrderState::Closed => {
            if let Some(closing) = &mut after.closing {
                closing.gateway = None;
            }
            after.due = Some(attach.now + CLOSE_AT_GATEWAY_AFTER);
        }
        OrderState::Paid | OrderState::Refunding | OrderState::Refunded => {}
    }
    let what = What::PrepayAttached {
        attempt: attach.attempt.clone(),
    };
    applied(change(order, after, attach.by, attach.now, what))
}
