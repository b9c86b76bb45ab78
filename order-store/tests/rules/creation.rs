//! Orders are made once, and their numbers are one order's.

use crate::support::{T0, begin_close, create, defer, key, mark_paid, random, secs};
use order_store::{
    Command, EXPIRY_DEFAULT, Facts, Lookups, OrderKey, Outcome, Refusal, Timestamp, decide,
};
use wxpay_core::Fen;

use crate::{NO, ask, made, refusal};

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
