//! Commands: what they come to, again and at once.

use std::sync::Arc;

use tokio::task::JoinSet;
use wxpay_core::{FeeType, Fen};

use super::{
    Backend, face, fresh, pay,
    samples::{
        MCH_ID, T0, attach_prepay, begin_attempt, begin_close, clear_attention, close_result,
        confirm, contradict, create, defer, key, mark_paid, secs,
    },
};
use crate::{
    Attention, CODE_URL_LIFE, Command, Confirmation, Dump, ExecuteError, GatewayClose, OrderState,
    OrderStore, OrderStoreExt as _, Outcome, Refusal, Role, What, replay,
};

/// What a command is refused with.
pub(super) async fn refusal(store: &dyn OrderStore, command: impl Into<Command>) -> Refusal {
    match store.execute(command.into()).await {
        Err(ExecuteError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// The names of the rows of an order's log, which must replay to the order.
pub(super) async fn log_of(store: &dyn Dump, number: &str) -> Vec<&'static str> {
    let log = store.log(&key(number)).await.unwrap();
    let order = store.get(&key(number)).await.unwrap().unwrap();
    assert_eq!(replay(&log).unwrap().differs(&order), None, "{log:?}");
    log.iter().map(|entry| entry.what.name()).collect()
}

/// The same content again is known, other content refused.
pub async fn create_again_changes_nothing(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    let made = store.create(create("order-1")).await.unwrap();
    assert_eq!(made.outcome, Outcome::Applied);
    let mut later = create("order-1");
    later.now = T0 + secs(60);
    later.spbill_create_ip = "203.0.113.9".parse().unwrap();
    let again = store.create(later).await.unwrap();
    assert_eq!(again.outcome, Outcome::AlreadyApplied);
    assert_eq!(again.order, made.order);
    let mut other = create("order-1");
    other.total_fee = Fen::new(2).unwrap();
    let field = "total_fee".to_owned();
    assert_eq!(
        refusal(&*store, other).await,
        Refusal::OtherContent { field }
    );
    assert_eq!(log_of(&*store, "order-1").await, ["created"]);
    assert_eq!(store.get(&key("order-1")).await.unwrap(), Some(made.order));
    assert_eq!(store.get(&key("order-2")).await.unwrap(), None);
    assert!(store.log(&key("order-2")).await.unwrap().is_empty());
}

/// Code, payment, confirmation, each told twice.
pub async fn the_whole_path_of_an_order(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    let mut paid = mark_paid("order-1", "order-1", "t1");
    paid.confirmation = Confirmation::Unconfirmed;
    let steps: [Command; 5] = [
        create("order-1").into(),
        begin_attempt("order-1", T0).into(),
        attach_prepay("order-1", "order-1", T0).into(),
        paid.into(),
        confirm("order-1", "order-1", "t1").into(),
    ];
    for step in steps {
        let first = store.execute(step.clone()).await.unwrap();
        assert_eq!(first.outcome, Outcome::Applied, "{step:?}");
        let again = store.execute(step.clone()).await.unwrap();
        assert_eq!(again.outcome, Outcome::AlreadyApplied, "{step:?}");
        assert_eq!(again.order, first.order);
        assert_eq!(store.get(step.key()).await.unwrap(), Some(first.order));
    }
    let order = store.get(&key("order-1")).await.unwrap().unwrap();
    assert_eq!((order.state(), order.due), (OrderState::Paid, None));
    assert_eq!(
        log_of(&*store, "order-1").await,
        [
            "created",
            "attempt_begun",
            "prepay_attached",
            "paid",
            "payment_confirmed"
        ]
    );
}

/// A verified message with other facts changes no money, leaves one row however often it comes, and a flag.
pub async fn other_facts_are_refused_and_logged(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    store.create(create("order-1")).await.unwrap();
    let mut other_fee = mark_paid("order-1", "order-1", "t1");
    other_fee.total_fee = Fen::new(2).unwrap();
    let mut other_currency = mark_paid("order-1", "order-1", "t1");
    other_currency.fee_type = "USD".parse().unwrap();
    for _ in 0..3 {
        assert_eq!(
            refusal(&*store, other_fee.clone()).await.code(),
            "amount_mismatch"
        );
    }
    let code = Refusal::CurrencyMismatch {
        expected: FeeType::cny(),
        got: "USD".parse().unwrap(),
    };
    assert_eq!(refusal(&*store, other_currency).await, code);
    let log = store.log(&key("order-1")).await.unwrap();
    assert_eq!(
        (log[1].from, log[1].to),
        (Some(OrderState::Unpaid), OrderState::Unpaid)
    );
    assert!(
        matches!(&log[1].what, What::Refused { refusal, .. } if refusal.code() == "amount_mismatch")
    );

    let paid = mark_paid("order-1", "order-1", "t1");
    store.mark_paid(paid).await.unwrap();
    let other = mark_paid("order-1", "order-1", "t2");
    let known = "t1".parse().unwrap();
    assert_eq!(
        refusal(&*store, other).await,
        Refusal::OtherTransaction { known }
    );
    let said = store
        .contradict(contradict("order-1", "order-1", "t1"))
        .await;
    assert_eq!(said.unwrap().outcome, Outcome::Applied);
    assert_eq!(
        log_of(&*store, "order-1").await,
        [
            "created",
            "refused",
            "refused",
            "paid",
            "refused",
            "contradicted"
        ]
    );
    let order = store.get(&key("order-1")).await.unwrap().unwrap();
    assert_eq!(
        order.attention.into_iter().collect::<Vec<_>>(),
        [
            Attention::AmountMismatch,
            Attention::TransactionMismatch,
            Attention::Contradicted
        ]
    );
}

/// A number is an order's or an attempt's, and never two orders'; a transaction pays one.
pub async fn numbers_belong_to_one_order(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    store.create(create("order-1-2")).await.unwrap();
    store.create(create("order-1")).await.unwrap();
    store
        .begin_attempt(begin_attempt("order-1", T0))
        .await
        .unwrap();
    let attach = attach_prepay("order-1", "order-1", T0);
    store.attach_prepay(attach).await.unwrap();
    // The second attempt's number is an order's, so it is skipped.
    let later = T0 + CODE_URL_LIFE;
    let second = store
        .begin_attempt(begin_attempt("order-1", later))
        .await
        .unwrap();
    let number = second.order.current_attempt().unwrap().number.clone();
    assert_eq!(number.as_str(), "order-1-3");
    let taken = refusal(&*store, create("order-1-3")).await;
    assert_eq!(taken, Refusal::NumberTaken { number });

    let mch_id = MCH_ID.parse().unwrap();
    for (number, owner) in [
        ("order-1", "order-1"),
        ("order-1-2", "order-1-2"),
        ("order-1-3", "order-1"),
    ] {
        let found = store.find_attempt(&mch_id, &number.parse().unwrap()).await;
        assert_eq!(found.unwrap().unwrap().key, key(owner), "{number}");
    }
    let other_merchant = "1900000109".parse().unwrap();
    let found = store
        .find_attempt(&other_merchant, &"order-1".parse().unwrap())
        .await;
    assert_eq!(found.unwrap(), None);

    let paid = mark_paid("order-1", "order-1-3", "t1");
    store.mark_paid(paid).await.unwrap();
    let of_other = refusal(&*store, mark_paid("order-1-2", "order-1-2", "t1")).await;
    let owner = key("order-1");
    assert_eq!(of_other, Refusal::TransactionOfOtherOrder { owner });
    let of_other = refusal(&*store, mark_paid("order-1", "order-1", "t1")).await;
    let attempt = "order-1-3".parse().unwrap();
    assert_eq!(of_other, Refusal::TransactionOfOtherAttempt { attempt });
    // The same order number of another merchant is another order.
    let mut elsewhere = create("order-1");
    elsewhere.key.mch_id = other_merchant;
    let made = store.create(elsewhere).await.unwrap();
    assert_eq!(made.outcome, Outcome::Applied);
}

/// Twenty callers tell of one payment at once: it is taken once.
pub async fn one_payment_of_many_callers(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    store.create(create("order-1")).await.unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let store = face(&store);
        callers.spawn(async move {
            let paid = mark_paid("order-1", "order-1", "t1");
            store.mark_paid(paid).await.unwrap().outcome
        });
    }
    let outcomes = callers.join_all().await;
    let count = |wanted| {
        outcomes
            .iter()
            .filter(|outcome| **outcome == wanted)
            .count()
    };
    assert_eq!(
        (count(Outcome::Applied), count(Outcome::AlreadyApplied)),
        (1, 19)
    );
    assert_eq!(log_of(&*store, "order-1").await, ["created", "paid"]);
    assert_eq!(store.outbox_status().await.unwrap().waiting, 2);
}

/// Many orders are told to be paid by one transaction at once: one of them is.
pub async fn one_owner_of_a_transaction(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    let mut callers = JoinSet::new();
    for n in 0..20 {
        let store = face(&store);
        callers.spawn(async move {
            let number = format!("order-{n}");
            store.create(create(&number)).await.unwrap();
            match store.mark_paid(mark_paid(&number, &number, "t1")).await {
                Ok(_) => true,
                Err(ExecuteError::Refused(Refusal::TransactionOfOtherOrder { .. })) => false,
                Err(other) => panic!("{other:?}"),
            }
        });
    }
    let won = callers.join_all().await;
    assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
}

/// Callers of different orders and of the same ones do not disturb each other.
pub async fn many_orders_at_once(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    let mut callers = JoinSet::new();
    for caller in 0..60 {
        let store = face(&store);
        callers.spawn(async move {
            let number = format!("order-{}", caller % 30);
            store.create(create(&number)).await.unwrap();
            let paid = mark_paid(&number, &number, &format!("t-{number}"));
            store.mark_paid(paid).await.unwrap();
        });
    }
    callers.join_all().await;
    for n in 0..30 {
        let rows = log_of(&*store, &format!("order-{n}")).await;
        assert_eq!(rows, ["created", "paid"]);
    }
    assert_eq!(store.outbox_status().await.unwrap().waiting, 60);
}

/// Begun, and done at the gateway.
pub async fn an_order_is_closed(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    store.create(create("order-1")).await.unwrap();
    store
        .begin_attempt(begin_attempt("order-1", T0))
        .await
        .unwrap();
    let later = T0 + secs(600);
    let begun = store
        .begin_close(begin_close("order-1", later))
        .await
        .unwrap();
    assert_eq!(begun.order.state(), OrderState::Unpaid);
    let refused = refusal(&*store, begin_attempt("order-1", later)).await;
    assert_eq!(refused, Refusal::Closing);
    let result = close_result("order-1", GatewayClose::Closed, later);
    let closed = store.close_result(result).await.unwrap();
    assert_eq!(
        (closed.order.state(), closed.order.due),
        (OrderState::Closed, None)
    );
    let refused = refusal(&*store, begin_attempt("order-1", later)).await;
    assert_eq!(refused, Refusal::Closed);
    let attach = attach_prepay("order-1", "order-1", later);
    assert!(
        store
            .attach_prepay(attach)
            .await
            .unwrap()
            .order
            .due
            .is_some()
    );
    assert_eq!(
        log_of(&*store, "order-1").await,
        [
            "created",
            "attempt_begun",
            "close_begun",
            "closed_at_gateway",
            "prepay_attached"
        ]
    );
}

/// It is taken, and flagged.
pub async fn money_after_the_close_is_kept(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    store.create(create("order-1")).await.unwrap();
    let begun = store.begin_close(begin_close("order-1", T0)).await.unwrap();
    assert_eq!(begun.order.state(), OrderState::Closed);
    let paid = mark_paid("order-1", "order-1", "t1");
    let paid = store.mark_paid(paid).await.unwrap();
    assert_eq!(paid.outcome, Outcome::PaidAfterClose);
    assert_eq!(paid.order.state(), OrderState::Paid);
    assert!(paid.order.attention.contains(&Attention::PaidAfterClose));
    assert_eq!(store.outbox_status().await.unwrap().waiting, 2);
    let refused = refusal(&*store, begin_close("order-1", T0)).await;
    assert_eq!(refused, Refusal::AlreadyPaid);
    log_of(&*store, "order-1").await;
}

/// A new due time, and no row of the log.
pub async fn a_deferred_order_is_due_later(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    let made = store.create(create("order-1")).await.unwrap().order;
    let due = made.due.unwrap();
    assert_eq!(store.due(due, 10).await.unwrap(), [made]);
    let later = due + secs(60);
    store.defer(defer("order-1", later)).await.unwrap();
    assert!(store.due(due, 10).await.unwrap().is_empty());
    assert_eq!(store.due(later, 10).await.unwrap().len(), 1);
    assert_eq!(log_of(&*store, "order-1").await, ["created"]);
}

/// An operator takes a flag off, once.
pub async fn attention_is_cleared(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    pay(&*store, "order-1").await;
    let said = contradict("order-1", "order-1", "t-order-1");
    let flagged = store.contradict(said).await.unwrap().order;
    assert_eq!(flagged.attention.len(), 1);
    let clear = clear_attention("order-1", Attention::Contradicted, T0 + secs(99));
    let cleared = store.clear_attention(clear.clone()).await.unwrap();
    assert_eq!(cleared.outcome, Outcome::Applied);
    assert!(cleared.order.attention.is_empty());
    let again = store.clear_attention(clear).await.unwrap();
    assert_eq!(again.outcome, Outcome::AlreadyApplied);
    let rows = log_of(&*store, "order-1").await;
    assert_eq!(rows.last(), Some(&"attention_cleared"));
}

/// And nothing is written.
pub async fn unknown_orders_are_refused(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    let commands: [Command; 4] = [
        mark_paid("order-1", "order-1", "t1").into(),
        begin_close("order-1", T0).into(),
        clear_attention("order-1", Attention::Contradicted, T0).into(),
        defer("order-1", T0).into(),
    ];
    for command in commands {
        assert_eq!(refusal(&*store, command).await, Refusal::UnknownOrder);
    }
    assert_eq!(store.get(&key("order-1")).await.unwrap(), None);
    let found = store
        .find_transaction(&MCH_ID.parse().unwrap(), &"t1".parse().unwrap())
        .await;
    assert_eq!(found.unwrap(), None);
}

/// Makes an order of two attempts, both paid: by `t1` and, as an extra payment, by `t2`.
pub(super) async fn pay_twice(store: &Arc<dyn Dump>, number: &str) {
    store.create(create(number)).await.unwrap();
    store
        .begin_attempt(begin_attempt(number, T0))
        .await
        .unwrap();
    store
        .attach_prepay(attach_prepay(number, number, T0))
        .await
        .unwrap();
    let later = T0 + CODE_URL_LIFE;
    let begun = store
        .begin_attempt(begin_attempt(number, later))
        .await
        .unwrap();
    let second = begun.order.current_attempt().unwrap().number.clone();
    store
        .mark_paid(mark_paid(number, number, "t1"))
        .await
        .unwrap();
    let extra = mark_paid(number, second.as_str(), "t2");
    let extra = store.mark_paid(extra).await.unwrap();
    assert_eq!(extra.outcome, Outcome::AppliedExtra);
    assert_eq!(extra.order.payments[1].role, Role::Extra);
}
