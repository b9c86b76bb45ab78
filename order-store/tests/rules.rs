//! The rules of the ledger, one by one, on the pure function.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod support;

use order_store::{
    ATTEMPTS_MAX, Attention, BeginRefund, By, CLOSE_AT_GATEWAY_AFTER, CODE_URL_LIFE, CONFIRM_AFTER,
    Command, Confirmation, Decision, EXPIRY_DEFAULT, Facts, GatewayClose, Lookups, Order, OrderKey,
    OrderState, OutboxKind, Outcome, QUERY_AFTER, REFUND_INTERVAL, REFUND_QUERY_AFTER,
    REFUND_WITHIN, REFUNDS_MAX, REFUSALS_MAX, Refund, RefundState, Refusal, Role, RuleVerdict,
    Timestamp, UNFINISHED_AFTER, What, decide,
};
use support::{
    T0, attach_prepay, begin_attempt, begin_close, begin_refund, clear_attention, close_result,
    confirm, contradict, create, defer, key, mark_paid, random, refund_by_rule, refund_result,
    secs,
};
use wxpay_core::Fen;

const NO: &str = "20190320-1";
const MS: std::time::Duration = std::time::Duration::from_millis(1);

fn ask(order: Option<&Order>, command: impl Into<Command>) -> Decision {
    decide(order, &Facts::default(), &command.into(), &random(7))
}

fn after(order: Option<&Order>, command: impl Into<Command>) -> Order {
    let decision = ask(order, command);
    assert!(decision.outcome.is_ok_and(Outcome::is_new));
    decision.change.unwrap().order
}

fn made() -> Order {
    after(None, create(NO))
}

fn with_code() -> Order {
    let begun = after(Some(&made()), begin_attempt(NO, T0));
    after(Some(&begun), attach_prepay(NO, NO, T0))
}

fn paid() -> Order {
    after(Some(&with_code()), mark_paid(NO, NO, "t1"))
}

fn refusal(order: &Order, command: impl Into<Command>) -> Refusal {
    ask(Some(order), command).outcome.unwrap_err()
}

#[test]
fn create_freezes_the_terms_and_reserves_the_number() {
    let decision = ask(None, create(NO));
    let change = decision.change.unwrap();
    assert_eq!(change.number, Some(NO.parse().unwrap()));
    let order = change.order;
    assert_eq!(
        order.terms.notify_url.as_str(),
        format!(
            "https://desk.example/wxpay/notify/{}",
            order.notify_secret.to_hex()
        )
    );
    assert_eq!(
        Timestamp::from(order.terms.time_expire),
        T0 + EXPIRY_DEFAULT
    );
    assert_eq!(order.due, Some(T0 + EXPIRY_DEFAULT));
    assert!(order.attempts.is_empty() && order.owns(&NO.parse().unwrap()));
}

#[test]
fn content_is_what_the_client_sent() {
    let order = made();
    let mut again = create(NO);
    again.spbill_create_ip = "203.0.113.9".parse().unwrap();
    again.notify_base = "https://other.example/n".parse().unwrap();
    again.sign_type = wxpay_core::SignType::HmacSha256;
    again.now = T0 + secs(999);
    assert_eq!(
        ask(Some(&order), again).outcome,
        Ok(Outcome::AlreadyApplied)
    );

    let differs = |change: fn(&mut order_store::Create)| {
        let mut other = create(NO);
        change(&mut other);
        match refusal(&order, other) {
            Refusal::OtherContent { field } => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(differs(|c| c.total_fee = Fen::new(2).unwrap()), "total_fee");
    assert_eq!(differs(|c| c.body = "coffee".parse().unwrap()), "body");
    assert_eq!(differs(|c| c.attach = Some("x".parse().unwrap())), "attach");
    assert_eq!(
        differs(|c| c.product_id = "p2".parse().unwrap()),
        "product_id"
    );
    assert_eq!(
        differs(|c| c.expires_after = Some(EXPIRY_DEFAULT)),
        "expires_after"
    );
}

#[test]
fn create_names_the_field_that_is_no_good() {
    let field = |change: fn(&mut order_store::Create)| {
        let mut create = create(NO);
        change(&mut create);
        match ask(None, create).outcome {
            Err(Refusal::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        field(|c| c.key.out_trade_no = "short".parse().unwrap()),
        "out_trade_no"
    );
    assert_eq!(field(|c| c.total_fee = Fen::ZERO), "total_fee");
    assert_eq!(
        field(|c| c.expires_after = Some(secs(119))),
        "expires_after"
    );
    assert_eq!(
        field(|c| c.expires_after = Some(secs(7201))),
        "expires_after"
    );
    assert_eq!(
        field(|c| c.notify_base = "h".repeat(240).parse().unwrap()),
        "notify_url"
    );
}

#[test]
fn a_number_that_is_anothers_attempt_is_taken() {
    let command: Command = create("20190320-1-2").into();
    assert_eq!(
        Lookups::of(None, &command).numbers,
        ["20190320-1-2".parse().unwrap()]
    );
    let facts = Facts {
        number_owners: [("20190320-1-2".parse().unwrap(), key(NO))].into(),
        transaction_owner: None,
        refund_owner: None,
    };
    let decision = decide(None, &facts, &command, &random(1));
    assert!(matches!(decision.outcome, Err(Refusal::NumberTaken { .. })));
    assert_eq!(decision.change, None);
}

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

#[test]
fn unknown_orders_are_refused_by_every_command_but_create() {
    let unknown: OrderKey = key("nothing-here");
    let commands: [Command; 3] = [
        mark_paid("nothing-here", "nothing-here", "t1").into(),
        begin_close("nothing-here", T0).into(),
        defer("nothing-here", T0).into(),
    ];
    for command in commands {
        assert_eq!(*command.key(), unknown);
        assert_eq!(ask(None, command).outcome, Err(Refusal::UnknownOrder));
    }
}

#[test]
fn secrets_do_not_show() {
    let order = made();
    let shown = format!("{order:?}");
    assert!(!shown.contains(&order.page_ticket.to_hex()));
    assert!(!shown.contains(&order.notify_secret.to_hex()));
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
