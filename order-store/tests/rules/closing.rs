//! Orders that are closed, and money that comes all the same.

use crate::support::{
    T0, attach_prepay, begin_attempt, begin_close, close_result, defer, mark_paid, secs,
};
use order_store::{Attention, CLOSE_AT_GATEWAY_AFTER, GatewayClose, OrderState, Outcome, Refusal};

use crate::{MS, NO, after, ask, made, paid, refusal, with_code};

#[test]
fn a_young_order_is_closed_here_and_later_at_the_gateway() {
    let order = with_code();
    let order = after(
        Some(&order),
        begin_close(NO, T0 + CLOSE_AT_GATEWAY_AFTER - MS),
    );
    assert_eq!(order.state(), OrderState::Closed);
    assert_eq!(order.due, Some(T0 + CLOSE_AT_GATEWAY_AFTER));
    assert_eq!(refusal(&order, begin_attempt(NO, T0)), Refusal::Closed);
    let order = after(
        Some(&order),
        close_result(NO, GatewayClose::Closed, T0 + secs(301)),
    );
    assert_eq!((order.due, order.is_open()), (None, false));
}

#[test]
fn an_older_order_is_closed_by_the_gateways_answer() {
    let order = after(
        Some(&with_code()),
        begin_close(NO, T0 + CLOSE_AT_GATEWAY_AFTER),
    );
    assert_eq!(order.state(), OrderState::Unpaid);
    assert_eq!(order.live_code_url(T0 + CLOSE_AT_GATEWAY_AFTER), None);
    assert_eq!(refusal(&order, begin_attempt(NO, T0)), Refusal::Closing);
    let now = T0 + secs(310);
    for result in [GatewayClose::Closed, GatewayClose::NotExisting] {
        let closed = after(Some(&order), close_result(NO, result, now));
        assert_eq!((closed.state(), closed.due), (OrderState::Closed, None));
    }
    let paid = after(Some(&order), close_result(NO, GatewayClose::Paid, now));
    assert_eq!((paid.state(), paid.due), (OrderState::Unpaid, Some(now)));
    let decision = ask(Some(&paid), mark_paid(NO, NO, "t1"));
    assert_eq!(decision.outcome, Ok(Outcome::Applied));
    assert_eq!(decision.change.unwrap().order.closing, None);
}

#[test]
fn an_order_that_the_gateway_never_heard_of_is_closed_at_once() {
    let order = after(Some(&made()), begin_close(NO, T0 + secs(1)));
    assert_eq!((order.state(), order.due), (OrderState::Closed, None));
    assert!(!order.is_open());
}

#[test]
fn a_code_that_comes_after_the_close_is_closed_at_the_gateway() {
    let begun = after(Some(&made()), begin_attempt(NO, T0));
    let closed = after(Some(&begun), begin_close(NO, T0 + secs(1)));
    let closed = after(
        Some(&closed),
        close_result(NO, GatewayClose::NotExisting, T0 + secs(2)),
    );
    assert!(!closed.is_open());
    let order = after(Some(&closed), attach_prepay(NO, NO, T0 + secs(3)));
    assert_eq!(order.state(), OrderState::Closed);
    assert_eq!(order.due, Some(T0 + secs(3) + CLOSE_AT_GATEWAY_AFTER));
    assert_eq!(order.live_code_url(T0 + secs(3)), None);
}

#[test]
fn money_after_the_close_is_not_forgotten() {
    let closed = after(Some(&made()), begin_close(NO, T0 + secs(1)));
    let decision = ask(Some(&closed), mark_paid(NO, NO, "t1"));
    assert_eq!(decision.outcome, Ok(Outcome::PaidAfterClose));
    let change = decision.change.unwrap();
    assert_eq!(change.order.state(), OrderState::Paid);
    assert!(change.order.attention.contains(&Attention::PaidAfterClose));
    assert_eq!(change.log.unwrap().from, Some(OrderState::Closed));
    assert_eq!(change.outbox.len(), 2);
}

#[test]
fn a_paid_order_is_not_closed_and_not_deferred() {
    let order = paid();
    assert_eq!(refusal(&order, begin_close(NO, T0)), Refusal::AlreadyPaid);
    assert_eq!(
        ask(Some(&order), defer(NO, T0)).outcome,
        Ok(Outcome::AlreadyApplied)
    );
    let open = after(Some(&made()), defer(NO, T0 + secs(5)));
    assert_eq!(open.due, Some(T0 + secs(5)));
}
