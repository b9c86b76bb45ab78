//! Attempts: one number at the gateway after the other.

use crate::support::{T0, attach_prepay, begin_attempt, key, random};
use order_store::{
    ATTEMPTS_MAX, CODE_URL_LIFE, Command, EXPIRY_DEFAULT, Facts, Lookups, Outcome, QUERY_AFTER,
    Refusal, Timestamp, decide,
};

use crate::{MS, NO, after, ask, made, refusal, with_code};

#[test]
fn a_living_code_is_never_entered_again() {
    let order = with_code();
    assert_eq!(order.due, Some(T0 + QUERY_AFTER));
    let last = T0 + CODE_URL_LIFE - MS;
    assert_eq!(
        ask(Some(&order), begin_attempt(NO, last)).outcome,
        Ok(Outcome::AlreadyApplied)
    );
    assert!(order.live_code_url(last).is_some());

    let dead = T0 + CODE_URL_LIFE;
    assert_eq!(order.live_code_url(dead), None);
    let order = after(Some(&order), begin_attempt(NO, dead));
    let second = order.current_attempt().unwrap();
    assert_eq!((second.number.as_str(), second.n), ("20190320-1-2", 2));
    // Its own time: the first attempt's expiry is over, and the gateway would refuse it.
    assert_eq!(Timestamp::from(second.time_expire), dead + EXPIRY_DEFAULT);
    assert_eq!(order.expires_at(), dead + EXPIRY_DEFAULT);
}

#[test]
fn an_attempt_without_an_answer_is_the_same_attempt_again() {
    let begun = after(Some(&made()), begin_attempt(NO, T0));
    let much_later = T0 + CODE_URL_LIFE * 3;
    let decision = ask(Some(&begun), begin_attempt(NO, much_later));
    assert_eq!(decision.outcome, Ok(Outcome::AlreadyApplied));
    assert_eq!(begun.attempts.len(), 1);
}

#[test]
fn taken_numbers_are_skipped() {
    let order = with_code();
    let now = T0 + CODE_URL_LIFE;
    let command: Command = begin_attempt(NO, now).into();
    let lookups = Lookups::of(Some(&order), &command);
    assert_eq!(lookups.numbers[0].as_str(), "20190320-1-2");
    let taken = |count: usize| Facts {
        number_owners: lookups.numbers[..count]
            .iter()
            .map(|number| (number.clone(), key("another")))
            .collect(),
        transaction_owner: None,
        refund_owner: None,
    };
    let decision = decide(Some(&order), &taken(2), &command, &random(1));
    let change = decision.change.unwrap();
    assert_eq!(change.number, Some("20190320-1-4".parse().unwrap()));
    assert_eq!(change.order.current_attempt().unwrap().n, 4);

    let decision = decide(
        Some(&order),
        &taken(lookups.numbers.len()),
        &command,
        &random(1),
    );
    assert!(matches!(decision.outcome, Err(Refusal::NumberTaken { .. })));
}

#[test]
fn attempts_end() {
    let mut order = with_code();
    let mut now = T0;
    for _ in 1..ATTEMPTS_MAX {
        now = now + CODE_URL_LIFE;
        order = after(Some(&order), begin_attempt(NO, now));
        let number = order.current_attempt().unwrap().number.clone();
        order = after(Some(&order), attach_prepay(NO, number.as_str(), now));
    }
    let refused = refusal(&order, begin_attempt(NO, now + CODE_URL_LIFE));
    assert_eq!(refused, Refusal::TooManyAttempts { most: ATTEMPTS_MAX });
}

#[test]
fn another_answer_for_an_attempt_is_refused() {
    let order = with_code();
    let mut other = attach_prepay(NO, NO, T0);
    other.code_url = "weixin://wxpay/bizpayurl?pr=other".parse().unwrap();
    assert_eq!(refusal(&order, other), Refusal::OtherPrepay);
}
