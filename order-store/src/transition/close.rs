//! `begin_close` and `close_result`.

use super::{
    CLOSE_AT_GATEWAY_AFTER, Decision, UNFINISHED_AFTER, already, applied, change, refused,
};
use crate::{BeginClose, CloseResult, Closing, GatewayClose, Order, OrderState, Refusal, What};

pub(super) fn begin_close(order: &Order, begin: &BeginClose) -> Decision {
    match order.state() {
        OrderState::Closed => return already(),
        OrderState::Unpaid if order.closing.is_some() => return already(),
        OrderState::Unpaid => {}
        OrderState::Paid | OrderState::Refunding | OrderState::Refunded => {
            return refused(Refusal::AlreadyPaid);
        }
    }
    let mut after = order.clone();
    let mut closing = Closing {
        begun_at: begin.now,
        closed_at: None,
        gateway: None,
    };
    let youngest = order
        .current_attempt()
        .map(|attempt| attempt.begun_at.max(order.created_at));
    let what = match youngest {
        // An attempt is stored before the gateway hears of it, so the gateway knows nothing.
        None => {
            closing.closed_at = Some(begin.now);
            closing.gateway = Some(GatewayClose::NotExisting);
            after.due = None;
            What::ClosedHere
        }
        Some(since) if begin.now.since(since) < CLOSE_AT_GATEWAY_AFTER => {
            closing.closed_at = Some(begin.now);
            after.due = Some(since + CLOSE_AT_GATEWAY_AFTER);
            What::ClosedHere
        }
        Some(_) => {
            after.due = Some(begin.now + UNFINISHED_AFTER);
            What::CloseBegun
        }
    };
    after.closing = Some(closing);
    applied(change(order, after, begin.by, begin.now, what))
}

pub(super) fn close_result(order: &Order, result: &CloseResult) -> Decision {
    if order.state().has_payment() {
        return refused(Refusal::AlreadyPaid);
    }
    let mut after = order.clone();
    let Some(closing) = &mut after.closing else {
        return refused(Refusal::NotClosing);
    };
    let settled = |answer: &GatewayClose| *answer != GatewayClose::Paid;
    match &closing.gateway {
        Some(known) if *known == result.result => return already(),
        // Closed, and unknown since: the same for whoever wants to pay.
        Some(known) if settled(known) && settled(&result.result) => return already(),
        _ => {}
    }
    closing.gateway = Some(result.result);
    let what = match result.result {
        GatewayClose::Paid => {
            after.due = Some(result.now);
            What::PaidAtGateway
        }
        GatewayClose::Closed | GatewayClose::NotExisting => {
            closing.closed_at.get_or_insert(result.now);
            after.due = None;
            if result.result == GatewayClose::Closed {
                What::ClosedAtGateway
            } else {
                What::UnknownAtGateway
            }
        }
    };
    applied(change(order, after, result.by, result.now, what))
}
