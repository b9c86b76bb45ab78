//! Money that goes back.

use crate::support::{
    T0, begin_attempt, begin_refund, clear_attention, create, mark_paid, refund_by_rule,
    refund_result, secs,
};
use order_store::{
    Attention, BeginRefund, CODE_URL_LIFE, CONFIRM_AFTER, Confirmation, Order, OrderState,
    REFUND_INTERVAL, REFUND_QUERY_AFTER, REFUND_WITHIN, REFUNDS_MAX, Refund, RefundState, Refusal,
    RuleVerdict, Timestamp, UNFINISHED_AFTER,
};
use wxpay_core::Fen;

use crate::{MS, NO, after, ask, refusal, with_code};

#[test]
fn refunds_make_the_state() {
    let refund = |state, fee| Refund {
        out_refund_no: "r1".parse().unwrap(),
        transaction_id: "t1".parse().unwrap(),
        refund_fee: Fen::new(fee).unwrap(),
        reason: None,
        state,
        refund_id: None,
        begun_at: T0,
        changed_at: T0,
    };
    let mut big = create(NO);
    big.total_fee = Fen::new(100).unwrap();
    let mut told = mark_paid(NO, NO, "t1");
    told.total_fee = big.total_fee;
    let order = after(Some(&after(None, big)), told);
    let cases = [
        (
            vec![refund(RefundState::Processing, 1)],
            OrderState::Refunding,
        ),
        (
            vec![refund(RefundState::Change, 100)],
            OrderState::Refunding,
        ),
        (
            vec![refund(RefundState::Success, 100)],
            OrderState::Refunded,
        ),
        (vec![refund(RefundState::Success, 40)], OrderState::Paid),
        (vec![refund(RefundState::Closed, 100)], OrderState::Paid),
        (
            vec![
                refund(RefundState::Success, 40),
                refund(RefundState::Processing, 60),
            ],
            OrderState::Refunding,
        ),
        (
            vec![
                refund(RefundState::Success, 40),
                refund(RefundState::Success, 60),
            ],
            OrderState::Refunded,
        ),
    ];
    for (refunds, state) in cases {
        let mut order = order.clone();
        order.refunds = refunds;
        assert_eq!(order.state(), state, "{:?}", order.refunds);
        let text = serde_json::to_string(&order).unwrap();
        assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order);
    }
}

/// An order of a hundred fen, paid by `t1`.
fn paid_a_hundred() -> Order {
    let fee = Fen::new(100).unwrap();
    let mut big = create(NO);
    big.total_fee = fee;
    let mut told = mark_paid(NO, NO, "t1");
    told.total_fee = fee;
    after(Some(&after(None, big)), told)
}

/// Of one fen of `t1`.
fn refund(number: &str, now: Timestamp) -> BeginRefund {
    begin_refund(NO, number, "t1", now)
}

#[test]
fn a_refund_is_an_intent_until_the_gateway_has_it() {
    let order = paid_a_hundred();
    assert_eq!(order.due, None);
    let now = T0 + secs(60);
    let decision = ask(Some(&order), refund("r1", now));
    let change = decision.change.unwrap();
    assert_eq!(change.refund, Some("r1".parse().unwrap()));
    assert!(change.outbox.is_empty());
    let begun = change.order;
    assert_eq!(begun.due, Some(now + UNFINISHED_AFTER));
    assert_eq!(begun.unrefunded_fee(&begun.payments[0]).get(), 99);
    let processing = refund_result(NO, "r1", RefundState::Processing, now);
    let accepted = after(Some(&begun), processing);
    assert_eq!(accepted.due, Some(now + REFUND_QUERY_AFTER));
    assert_eq!(accepted.state(), OrderState::Refunding);
    let success = refund_result(NO, "r1", RefundState::Success, now);
    let done = after(Some(&accepted), success);
    assert_eq!((done.state(), done.due), (OrderState::Paid, None));
    assert_eq!(done.refunded_fee().get(), 1);
}

#[test]
fn refunds_end_after_fifty_and_after_a_year() {
    let mut order = paid_a_hundred();
    let time_end = Timestamp::from(order.payments[0].time_end);
    let mut now = time_end;
    for n in 0..REFUNDS_MAX {
        let number = format!("r{n}");
        order = after(Some(&order), refund(&number, now));
        let failed = refund_result(NO, &number, RefundState::Closed, now);
        order = after(Some(&order), failed);
        if n + 1 < REFUNDS_MAX {
            let early = refund("next", now + REFUND_INTERVAL - MS);
            let at = now + REFUND_INTERVAL;
            assert_eq!(refusal(&order, early), Refusal::RefundTooSoon { at });
        }
        now = now + REFUND_INTERVAL;
    }
    let most = REFUNDS_MAX;
    assert_eq!(
        refusal(&order, refund("next", now)),
        Refusal::TooManyRefunds { most }
    );

    let order = paid_a_hundred();
    let until = time_end + REFUND_WITHIN;
    assert!(ask(Some(&order), refund("r1", until)).outcome.is_ok());
    assert_eq!(
        refusal(&order, refund("r1", until + MS)),
        Refusal::RefundTooLate { until }
    );
}

#[test]
fn refunds_point_at_a_payment_and_fit_into_it() {
    let order = paid_a_hundred();
    let begin = |number: &str, fen, now| {
        let mut begin = refund(number, now);
        begin.refund_fee = Fen::new(fen).unwrap();
        begin
    };
    let order = after(Some(&order), begin("r1", 60, T0));
    let later = T0 + REFUND_INTERVAL;
    let left = Fen::new(40).unwrap();
    let got = Fen::new(41).unwrap();
    assert_eq!(
        refusal(&order, begin("r2", 41, later)),
        Refusal::RefundExceeds { left, got }
    );
    let order = after(Some(&order), begin("r2", 40, later));
    let mut done = refund_result(NO, "r1", RefundState::Success, later);
    done.refund_fee = Fen::new(60).unwrap();
    let order = after(Some(&order), done.clone());
    assert_eq!(order.state(), OrderState::Refunding);
    done.out_refund_no = "r2".parse().unwrap();
    done.refund_fee = left;
    done.refund_id = Some("another".parse().unwrap());
    let order = after(Some(&order), done);
    assert_eq!(order.state(), OrderState::Refunded);
    assert_eq!(
        refusal(&order, begin("r3", 1, later + REFUND_INTERVAL)).code(),
        "refund_exceeds"
    );
}

#[test]
fn an_operators_decision_on_an_extra_payment_ends_the_rules() {
    let second = T0 + CODE_URL_LIFE;
    let begun = after(Some(&with_code()), begin_attempt(NO, second));
    let number = begun.current_attempt().unwrap().number.clone();
    let first = after(Some(&begun), mark_paid(NO, NO, "t1"));
    let extra = after(Some(&first), mark_paid(NO, number.as_str(), "t2"));
    assert_eq!(extra.due, Some(T0 + secs(20) + CONFIRM_AFTER));
    let looked_at = clear_attention(NO, Attention::ExtraPayment, second);
    let cleared = after(Some(&extra), looked_at);
    assert_eq!(cleared.due, None);
    assert_eq!(cleared.payments[1].rule, Some(RuleVerdict::LeftToOperator));

    let mut unconfirmed = mark_paid(NO, number.as_str(), "t2");
    unconfirmed.confirmation = Confirmation::Unconfirmed;
    let extra = after(Some(&first), unconfirmed);
    let by_rule = refund_by_rule(NO, "r1", "t2", second);
    let decision = ask(Some(&extra), by_rule);
    assert_eq!(decision.outcome.unwrap_err().code(), "beyond_rule");
    assert_eq!(
        decision.change, None,
        "it is asked again when it is confirmed"
    );
}
