//! Money that comes in.

use crate::support::{T0, begin_attempt, confirm, contradict, key, mark_paid, random, secs};
use order_store::{
    Attention, By, CODE_URL_LIFE, CONFIRM_AFTER, Confirmation, Facts, OrderState, OutboxKind,
    Outcome, REFUSALS_MAX, Refusal, Role, What, decide,
};
use wxpay_core::Fen;

use crate::{NO, after, ask, made, paid, refusal, with_code};

#[test]
fn a_payment_writes_one_row_to_paid_and_two_messages() {
    let order = made();
    // Its page was never opened, and its number is known all the same.
    let decision = ask(Some(&order), mark_paid(NO, NO, "t1"));
    assert_eq!(decision.outcome, Ok(Outcome::Applied));
    let change = decision.change.unwrap();
    let log = change.log.unwrap();
    assert_eq!(
        (log.from, log.to, log.by),
        (Some(OrderState::Unpaid), OrderState::Paid, By::Notify)
    );
    assert!(matches!(log.what, What::Paid { .. }));
    let kinds: Vec<_> = change.outbox.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, [OutboxKind::PayNotify, OutboxKind::OrderPay]);
    assert_eq!(
        change.outbox[0].id.as_str(),
        "1473426802/20190320-1/paid/pay_notify"
    );
    assert_eq!(change.outbox[0].facts.page_ticket, order.page_ticket);
    assert_eq!(change.transaction, Some("t1".parse().unwrap()));
    assert_eq!(change.order.due, None);
}

#[test]
fn the_same_payment_again_is_known_whoever_tells_it() {
    let mut again = mark_paid(NO, NO, "t1");
    again.by = By::Query;
    again.now = T0 + secs(9_999);
    assert_eq!(
        ask(Some(&paid()), again).outcome,
        Ok(Outcome::AlreadyApplied)
    );
}

#[test]
fn other_facts_of_a_payment_are_refused_and_logged_once() {
    let order = paid();
    let mut amount = mark_paid(NO, NO, "t1");
    amount.total_fee = Fen::new(2).unwrap();
    let cases = [
        (amount, "amount_mismatch", Attention::AmountMismatch),
        (
            mark_paid(NO, NO, "t2"),
            "other_transaction",
            Attention::TransactionMismatch,
        ),
    ];
    for (command, code, attention) in cases {
        let decision = ask(Some(&order), command.clone());
        assert_eq!(decision.outcome.unwrap_err().code(), code);
        let change = decision.change.unwrap();
        let log = change.log.unwrap();
        assert_eq!(
            (log.from, log.to),
            (Some(OrderState::Paid), OrderState::Paid)
        );
        assert!(change.order.attention.contains(&attention));
        assert!(change.outbox.is_empty());
        let again = ask(Some(&change.order), command);
        assert_eq!(
            (again.outcome.unwrap_err().code(), again.change),
            (code, None)
        );
    }
}

#[test]
fn refusals_cannot_fill_the_log() {
    let mut order = made();
    for fee in 2..100 {
        let mut command = mark_paid(NO, NO, "t1");
        command.total_fee = Fen::new(fee).unwrap();
        let decision = ask(Some(&order), command);
        assert_eq!(
            decision.change.is_some(),
            usize::try_from(fee).unwrap() - 2 < REFUSALS_MAX
        );
        assert!(decision.outcome.is_err());
        order = decision.change.map_or(order, |change| change.order);
    }
    // What is right is still taken.
    let decision = ask(Some(&order), mark_paid(NO, NO, "t1"));
    assert_eq!(decision.outcome, Ok(Outcome::Applied));
}

#[test]
fn a_transaction_pays_one_order_and_one_attempt() {
    let facts = Facts {
        transaction_owner: Some(key("another")),
        ..Facts::default()
    };
    let order = made();
    let decision = decide(
        Some(&order),
        &facts,
        &mark_paid(NO, NO, "t1").into(),
        &random(1),
    );
    assert_eq!(
        decision.outcome,
        Err(Refusal::TransactionOfOtherOrder {
            owner: key("another")
        })
    );
    let second = after(Some(&with_code()), begin_attempt(NO, T0 + CODE_URL_LIFE));
    let order = after(Some(&second), mark_paid(NO, NO, "t1"));
    assert_eq!(
        refusal(&order, mark_paid(NO, "20190320-1-2", "t1")),
        Refusal::TransactionOfOtherAttempt {
            attempt: NO.parse().unwrap()
        }
    );
}

#[test]
fn a_second_attempts_payment_is_kept_as_extra() {
    let second = after(Some(&with_code()), begin_attempt(NO, T0 + CODE_URL_LIFE));
    let order = after(Some(&second), mark_paid(NO, "20190320-1-2", "t2"));
    let decision = ask(Some(&order), mark_paid(NO, NO, "t1"));
    assert_eq!(decision.outcome, Ok(Outcome::AppliedExtra));
    let change = decision.change.unwrap();
    assert!(change.outbox.is_empty());
    assert_eq!(change.log.unwrap().from, Some(OrderState::Paid));
    let roles: Vec<_> = change
        .order
        .payments
        .iter()
        .map(|payment| payment.role)
        .collect();
    assert_eq!(roles, [Role::First, Role::Extra]);
    assert!(change.order.attention.contains(&Attention::ExtraPayment));
    assert_eq!(change.order.transaction_id().unwrap().as_str(), "t2");
}

#[test]
fn an_unconfirmed_payment_is_due_until_it_is_confirmed() {
    let mut told = mark_paid(NO, NO, "t1");
    told.confirmation = Confirmation::Unconfirmed;
    let order = after(Some(&made()), told.clone());
    assert_eq!(order.due, Some(told.now + CONFIRM_AFTER));
    assert_eq!(
        refusal(&order, confirm(NO, NO, "t2")),
        Refusal::NoSuchPayment
    );
    let order = after(Some(&order), confirm(NO, NO, "t1"));
    assert_eq!((order.due, order.is_open()), (None, false));
    assert_eq!(
        ask(Some(&order), confirm(NO, NO, "t1")).outcome,
        Ok(Outcome::AlreadyApplied)
    );
}

#[test]
fn a_contradiction_is_logged_once_and_flagged() {
    let order = after(Some(&with_code()), contradict(NO, NO, "t1"));
    assert!(order.attention.contains(&Attention::Contradicted));
    assert_eq!(order.state(), OrderState::Unpaid);
    assert_eq!(
        ask(Some(&order), contradict(NO, NO, "t1")).outcome,
        Ok(Outcome::AlreadyApplied)
    );
}
