//! Refunds.

use tokio::task::JoinSet;
use wxpay_core::Fen;

use super::{
    Backend,
    commands::{log_of, pay_twice, refusal},
    face, fresh, pay,
    samples::{
        MCH_ID, T0, begin_refund, create, key, mark_paid, refund_by_rule, refund_result, secs,
    },
};
use crate::{
    Attention, BeyondRule, ExtraPaymentPolicy, MerchantCertificate, OrderState, OrderStoreExt as _,
    Outcome, REFUND_INTERVAL, REFUND_WITHIN, RefundGround, RefundState, Refusal, RuleVerdict,
};

/// Begun, taken on, done; each told twice.
pub async fn a_refund_goes_back(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    pay(&*store, "order-1").await;
    let asked = begin_refund("order-1", "r1", "t-order-1", T0 + secs(60));
    let begun = store.begin_refund(asked.clone()).await.unwrap();
    assert_eq!(begun.outcome, Outcome::Applied);
    assert_eq!(begun.order.state(), OrderState::Refunding);
    assert!(begun.order.due.is_some());
    let found = store
        .find_refund(&MCH_ID.parse().unwrap(), &"r1".parse().unwrap())
        .await;
    assert_eq!(found.unwrap(), Some(begun.order));

    for (state, after) in [
        (RefundState::Processing, OrderState::Refunding),
        (RefundState::Change, OrderState::Refunding),
        (RefundState::Success, OrderState::Refunded),
    ] {
        let result = refund_result("order-1", "r1", state, T0 + secs(120));
        let told = store.refund_result(result.clone()).await.unwrap();
        assert_eq!(
            (told.outcome, told.order.state()),
            (Outcome::Applied, after)
        );
        let again = store.refund_result(result).await.unwrap();
        assert_eq!(again.outcome, Outcome::AlreadyApplied);
        assert_eq!(again.order, told.order);
    }
    let late = refund_result("order-1", "r1", RefundState::Processing, T0 + secs(130));
    let late = store.refund_result(late).await.unwrap();
    assert_eq!(late.outcome, Outcome::AlreadyApplied);
    assert_eq!(late.order.refunded_fee(), Fen::new(1).unwrap());
    assert_eq!(late.order.due, None);
    assert!(late.order.attention.is_empty());
    let again = store.begin_refund(asked).await.unwrap();
    assert_eq!(again.outcome, Outcome::AlreadyApplied);
    assert_eq!(
        log_of(&*store, "order-1").await,
        [
            "created",
            "paid",
            "refund_begun",
            "refund_accepted",
            "refund_change",
            "refund_succeeded"
        ]
    );
}

/// Amount, number, interval and age.
pub async fn refunds_keep_the_gateways_rules(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    store.create(create("order-1")).await.unwrap();
    let begin = |refund: &str, now| begin_refund("order-1", refund, "t1", now);
    assert_eq!(refusal(&*store, begin("r1", T0)).await, Refusal::NotPaid);
    store
        .mark_paid(mark_paid("order-1", "order-1", "t1"))
        .await
        .unwrap();
    let of_none = begin_refund("order-1", "r1", "t9", T0);
    assert_eq!(refusal(&*store, of_none).await, Refusal::NoSuchPayment);
    let mut too_much = begin("r1", T0);
    too_much.refund_fee = Fen::new(2).unwrap();
    assert_eq!(refusal(&*store, too_much).await.code(), "refund_exceeds");
    let mut nothing = begin("r1", T0);
    nothing.refund_fee = Fen::ZERO;
    assert_eq!(refusal(&*store, nothing).await.code(), "invalid");
    let too_late = begin("r1", T0 + REFUND_WITHIN + secs(60));
    assert_eq!(refusal(&*store, too_late).await.code(), "refund_too_late");

    store.begin_refund(begin("r1", T0)).await.unwrap();
    let mut other = begin("r1", T0);
    other.reason = Some("another".parse().unwrap());
    assert_eq!(
        refusal(&*store, other).await,
        Refusal::OtherRefund {
            field: "reason".to_owned()
        }
    );
    let over = begin("r2", T0 + secs(600));
    assert_eq!(refusal(&*store, over).await.code(), "refund_exceeds");
    // A closed one frees its amount.
    let closed = refund_result("order-1", "r1", RefundState::Closed, T0 + secs(10));
    let closed = store.refund_result(closed).await.unwrap().order;
    assert_eq!(closed.state(), OrderState::Paid);
    assert!(closed.attention.contains(&Attention::RefundClosed));
    let at = T0 + REFUND_INTERVAL;
    let too_soon = begin("r2", T0 + secs(59));
    assert_eq!(
        refusal(&*store, too_soon).await,
        Refusal::RefundTooSoon { at }
    );
    let second = store.begin_refund(begin("r2", at)).await.unwrap();
    assert_eq!(second.order.state(), OrderState::Refunding);
    log_of(&*store, "order-1").await;
}

/// The merchant's number of a refund is unique.
pub async fn a_refund_number_belongs_to_one_order(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    pay(&*store, "order-1").await;
    pay(&*store, "order-2").await;
    let first = begin_refund("order-1", "r1", "t-order-1", T0);
    store.begin_refund(first).await.unwrap();
    let number = "r1".parse().unwrap();
    let second = begin_refund("order-2", "r1", "t-order-2", T0);
    assert_eq!(
        refusal(&*store, second).await,
        Refusal::RefundNumberTaken { number }
    );
    let other_merchant = "1900000109".parse().unwrap();
    let found = store
        .find_refund(&other_merchant, &"r1".parse().unwrap())
        .await;
    assert_eq!(found.unwrap(), None);
}

/// Twenty refunds of the same payment at once: what came in goes back once.
pub async fn of_refunds_that_race_one_fits(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    pay(&*store, "order-1").await;
    let mut callers = JoinSet::new();
    for n in 0..20 {
        let store = face(&store);
        callers.spawn(async move {
            let begin = begin_refund("order-1", &format!("r{n}"), "t-order-1", T0);
            store.begin_refund(begin).await.is_ok()
        });
    }
    let begun = callers.join_all().await;
    assert_eq!(begun.into_iter().filter(|begun| *begun).count(), 1);
    let order = store.get(&key("order-1")).await.unwrap().unwrap();
    assert_eq!(order.refunds.len(), 1);
}

/// With a certificate and under the cap; else they are left to an operator.
pub async fn extra_payments_go_back_by_rule(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    pay_twice(&store, "order-1").await;
    let order = store.get(&key("order-1")).await.unwrap().unwrap();
    assert!(order.undecided_extra().is_some() && order.due.is_some());

    let now = T0 + secs(7300);
    let first = refund_by_rule("order-1", "r1", "t1", now);
    let why = BeyondRule::NoExtraPayment;
    assert_eq!(refusal(&*store, first).await, Refusal::BeyondRule { why });
    let mut denied = refund_by_rule("order-1", "r2", "t2", now);
    denied.ground = RefundGround::ExtraPayment(ExtraPaymentPolicy {
        certificate: MerchantCertificate::Missing,
        cap: Fen::new(100).unwrap(),
    });
    let why = BeyondRule::NoCertificate;
    for _ in 0..2 {
        assert_eq!(
            refusal(&*store, denied.clone()).await,
            Refusal::BeyondRule { why }
        );
    }
    let order = store.get(&key("order-1")).await.unwrap().unwrap();
    assert_eq!(order.payments[1].rule, Some(RuleVerdict::LeftToOperator));
    assert!(order.attention.contains(&Attention::ExtraPayment));
    assert_eq!(order.due, None);

    // With a certificate after all, it goes back, and nothing is left to look at.
    let allowed = refund_by_rule("order-1", "r2", "t2", now);
    let begun = store.begin_refund(allowed).await.unwrap();
    assert_eq!(begun.order.payments[1].rule, Some(RuleVerdict::GivenBack));
    let done = refund_result("order-1", "r2", RefundState::Success, now + secs(60));
    let done = store.refund_result(done).await.unwrap().order;
    assert_eq!(done.state(), OrderState::Paid);
    assert_eq!(done.refunded_fee(), Fen::new(1).unwrap());
    assert!(done.attention.is_empty());
    let rows = log_of(&*store, "order-1").await;
    assert_eq!(
        rows[rows.len() - 3..],
        ["refund_refused", "refund_begun", "refund_succeeded"]
    );
}

/// Another amount, another end, a number that is unknown: refused, logged once, flagged.
pub async fn refunds_the_gateway_contradicts_are_flagged(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    pay(&*store, "order-1").await;
    let begin = begin_refund("order-1", "r1", "t-order-1", T0);
    store.begin_refund(begin).await.unwrap();
    let mut other_fee = refund_result("order-1", "r1", RefundState::Success, T0);
    other_fee.refund_fee = Fen::new(2).unwrap();
    let success = refund_result("order-1", "r1", RefundState::Success, T0);
    for _ in 0..2 {
        let refused = refusal(&*store, other_fee.clone()).await;
        assert_eq!(refused.code(), "refund_amount_mismatch");
    }
    store.refund_result(success).await.unwrap();
    let other_end = refund_result("order-1", "r1", RefundState::Closed, T0);
    assert_eq!(
        refusal(&*store, other_end).await.code(),
        "other_refund_state"
    );
    let unknown = refund_result("order-1", "r9", RefundState::Success, T0);
    assert_eq!(refusal(&*store, unknown).await.code(), "no_such_refund");
    let order = store.get(&key("order-1")).await.unwrap().unwrap();
    assert!(order.attention.contains(&Attention::RefundMismatch));
    assert_eq!(order.state(), OrderState::Refunded);
    let rows = log_of(&*store, "order-1").await;
    assert_eq!(
        rows.iter().filter(|row| **row == "refund_refused").count(),
        3
    );
}
