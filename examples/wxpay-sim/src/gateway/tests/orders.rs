//! Orders over time: re-entry, expiry, closing, and the book that holds them.

use super::*;

#[test]
fn a_reentry_replaces_the_code_and_changes_are_refused() {
    let mut desk = Desk::new(SignType::HmacSha256);
    let order = tea("T20260101000003");
    let first = desk.order(&order);
    desk.later(HOUR);
    let second = desk.order(&order);
    assert_ne!(first, second);
    assert_eq!(
        desk.pay(&Payable::Code(first), success()).unwrap_err(),
        PayRefusal::CodeReplaced
    );

    for change in [
        |order: &mut UnifiedOrder| order.total_fee = Fen::new(102).unwrap(),
        |order: &mut UnifiedOrder| order.body = "coffee".parse().unwrap(),
        |order: &mut UnifiedOrder| order.attach = Some("new".parse().unwrap()),
        |order: &mut UnifiedOrder| order.time_expire = Some("20260101030000".parse().unwrap()),
    ] {
        let mut changed = order.clone();
        change(&mut changed);
        let Err(AnswerError::Business { code, description }) = desk.call(&changed) else {
            panic!("taken")
        };
        assert_eq!(code, ErrorCode::InvalidRequest);
        assert!(description.starts_with("201 "), "{description}");
    }
    desk.sign_type = SignType::Md5;
    assert_eq!(
        code(desk.call(&order)).unwrap_err(),
        ErrorCode::InvalidRequest
    );
    desk.sign_type = SignType::HmacSha256;

    // The new code lives two hours from the re-entry, and its refusals changed nothing.
    desk.later(119 * MINUTE);
    desk.pay(&Payable::Code(second), success()).unwrap();
    assert_eq!(code(desk.call(&order)).unwrap_err(), ErrorCode::OrderPaid);
}

#[test]
fn codes_and_orders_expire() {
    let mut desk = Desk::new(SignType::Md5);
    let old = desk.order(&tea("T20260101000004"));
    let mut limited = tea("T20260101000005");
    limited.time_expire = Some("20260101000500".parse().unwrap());
    desk.order(&limited);
    let mut at_once = tea("T20260101000006");
    at_once.time_expire = Some("20260101000001".parse().unwrap());
    desk.order(&at_once);

    desk.later(Duration::from_millis(59_999));
    desk.pay(&number("T20260101000006"), success())
        .expect("an early time_expire is moved to one minute");
    desk.later(4 * MINUTE);
    desk.later(Duration::from_millis(1));
    assert_eq!(
        desk.pay(&number("T20260101000005"), success()).unwrap_err(),
        PayRefusal::OrderExpired
    );
    assert_eq!(
        desk.state("T20260101000005"),
        TradeState::NotPay,
        "expiry does not close"
    );

    desk.later(115 * MINUTE);
    assert_eq!(
        desk.pay(&Payable::Code(old), success()).unwrap_err(),
        PayRefusal::CodeExpired
    );
    assert_eq!(
        desk.pay(&number("T20260101000004"), success()).unwrap_err(),
        PayRefusal::CodeExpired
    );
    desk.order(&tea("T20260101000004"));
    desk.pay(&number("T20260101000004"), success())
        .expect("a re-entry gives a code that lives");

    desk.later(ORDER_LIFETIME);
    assert_eq!(
        desk.state("T20260101000005"),
        TradeState::Closed,
        "after seven days"
    );
    assert_eq!(
        desk.pay(&number("T20260101000005"), success()).unwrap_err(),
        PayRefusal::Closed
    );
}

#[test]
fn closing_and_failing() {
    let mut desk = Desk::new(SignType::Md5);
    assert_eq!(desk.close("T20260101000007"), Err(ErrorCode::OrderNotExist));
    assert_eq!(
        code(desk.query("T20260101000007")).unwrap_err(),
        ErrorCode::OrderNotExist
    );
    for each in ["T20260101000007", "T20260101000008", "T20260101000009"] {
        desk.order(&tea(each));
    }
    desk.later(Duration::from_millis(299_999));
    assert_eq!(
        desk.close("T20260101000007"),
        Err(ErrorCode::InvalidRequest),
        "not within five minutes"
    );
    desk.later(Duration::from_millis(1));
    assert_eq!(desk.close("T20260101000007"), Ok(()));
    assert_eq!(desk.close("T20260101000007"), Err(ErrorCode::OrderClosed));
    assert_eq!(desk.state("T20260101000007"), TradeState::Closed);
    assert_eq!(
        code(desk.call(&tea("T20260101000007"))).unwrap_err(),
        ErrorCode::OrderClosed
    );
    assert_eq!(
        desk.pay(&number("T20260101000007"), success()).unwrap_err(),
        PayRefusal::Closed
    );

    desk.pay(&number("T20260101000008"), success()).unwrap();
    assert_eq!(
        desk.pay(&number("T20260101000008"), success()).unwrap_err(),
        PayRefusal::AlreadyPaid
    );
    assert_eq!(desk.close("T20260101000008"), Err(ErrorCode::OrderPaid));

    let failed = desk
        .pay(&number("T20260101000009"), Payment::PayError)
        .unwrap();
    assert!(failed.notify.is_none(), "only successes are told");
    let answer = desk.query("T20260101000009").unwrap();
    assert_eq!(
        (answer.trade_state, answer.payment),
        (TradeState::PayError, None)
    );
    assert_eq!(
        code(desk.call(&tea("T20260101000009"))).unwrap_err(),
        ErrorCode::OutTradeNoUsed
    );
    assert_eq!(
        desk.close("T20260101000009"),
        Err(ErrorCode::TradeStateError)
    );
    assert_eq!(
        desk.pay(&number("T20260101000009"), success()).unwrap_err(),
        PayRefusal::Failed
    );
}

#[test]
fn a_full_book_forgets_what_was_finished_first() {
    let mut desk = Desk::new(SignType::Md5);
    desk.gateway = Gateway::new(vec![Merchant::test()], 3);
    for each in ["T20260101000021", "T20260101000022", "T20260101000023"] {
        desk.order(&tea(each));
    }
    assert_eq!(
        code(desk.call(&tea("T20260101000024"))).unwrap_err(),
        ErrorCode::SystemError
    );
    desk.pay(&number("T20260101000022"), success()).unwrap();
    desk.pay(&number("T20260101000021"), success()).unwrap();
    desk.order(&tea("T20260101000024"));
    assert_eq!(
        code(desk.query("T20260101000022")).unwrap_err(),
        ErrorCode::OrderNotExist
    );
    assert_eq!(desk.state("T20260101000021"), TradeState::Success);
    let shown = |desk: &Desk, filter: &OrderFilter| -> Vec<String> {
        let orders = desk.gateway.orders(filter, desk.now, 9);
        orders
            .iter()
            .map(|order| order.key.out_trade_no.to_string())
            .collect()
    };
    assert_eq!(
        shown(&desk, &OrderFilter::All),
        ["T20260101000024", "T20260101000023", "T20260101000021"]
    );
    assert_eq!(
        shown(&desk, &OrderFilter::NotPay),
        ["T20260101000024", "T20260101000023"]
    );

    desk.later(ORDER_LIFETIME);
    assert!(shown(&desk, &OrderFilter::NotPay).is_empty());
    desk.order(&tea("T20260101000025"));
    desk.order(&tea("T20260101000026"));
    assert_eq!(
        shown(&desk, &OrderFilter::All),
        ["T20260101000026", "T20260101000025", "T20260101000024"]
    );
}

#[test]
fn a_code_that_was_replaced_long_ago_is_unknown() {
    let mut desk = Desk::new(SignType::Md5);
    let order = tea("T20260101000031");
    let codes: Vec<CodeUrl> = (0..20).map(|_| desk.order(&order)).collect();
    let outcomes: Vec<_> = codes
        .iter()
        .map(|code| {
            desk.pay(&Payable::Code(code.clone()), success())
                .map(|_| ())
        })
        .collect();
    let unknown = vec![Err(PayRefusal::UnknownOrder); 11];
    let replaced = vec![Err(PayRefusal::CodeReplaced); 8];
    assert_eq!(outcomes, [unknown, replaced, vec![Ok(())]].concat());
}
