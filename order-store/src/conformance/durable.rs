//! What outlives a store that is closed and opened again.

use super::{
    DurableBackend,
    commands::{log_of, refusal},
    fresh,
    notifies::{accepted, long_body, record, refused},
    outbox::{claim, names},
    pay,
    reads::fill,
    samples::{MCH_ID, T0, create, key, mark_paid, secs},
    setup,
};
use crate::{
    Day, ExecuteError, Health, Kept, NotifyId, NotifyQuery, OrderQuery, OrderStoreExt as _,
    OutboxKind, Outcome, REFUSED_MAX_BYTES, Refusal, StoreError, TotalsQuery, check,
    conformance::samples::begin_refund,
};

/// Orders, logs, indexes, totals, the outbox.
pub async fn everything_is_there_after_a_reopen(backend: &dyn DurableBackend) {
    let (store, clock) = fresh(backend).await;
    fill(&store).await;
    let all = OrderQuery {
        limit: 100,
        ..OrderQuery::default()
    };
    let totals = TotalsQuery {
        from: Day::of(T0),
        to: Day::of(T0).plus(9),
        mch_id: None,
    };
    let before = (
        store.list(all.clone()).await.unwrap(),
        store.totals(totals.clone()).await.unwrap(),
        store.accounts().await.unwrap(),
        store.due(T0 + secs(99_999), 100).await.unwrap(),
        store.dump_size().await.unwrap(),
        store.log(&key("order-0")).await.unwrap(),
    );
    store.close().await.unwrap();
    assert_eq!(store.health(), Health::Closed);
    assert!(matches!(
        store.get(&key("order-0")).await,
        Err(StoreError::Closed)
    ));

    let store = backend.reopen(store, setup(&clock)).await;
    let after = (
        store.list(all).await.unwrap(),
        store.totals(totals).await.unwrap(),
        store.accounts().await.unwrap(),
        store.due(T0 + secs(99_999), 100).await.unwrap(),
        store.dump_size().await.unwrap(),
        store.log(&key("order-0")).await.unwrap(),
    );
    assert_eq!(before, after);
    log_of(&*store, "order-0").await;
    let mch_id = MCH_ID.parse().unwrap();
    let attempt = store
        .find_attempt(&mch_id, &"order-0-2".parse().unwrap())
        .await;
    assert_eq!(attempt.unwrap().unwrap().key, key("order-0"));
    let paid = store
        .find_transaction(&mch_id, &"t2".parse().unwrap())
        .await;
    assert_eq!(paid.unwrap().unwrap().key, key("order-0"));
    let refund = store.find_refund(&mch_id, &"r1".parse().unwrap()).await;
    assert_eq!(refund.unwrap().unwrap().key, key("order-1"));
    assert_eq!(check(&*store, &mut |_| ()).await.unwrap().findings, []);

    // What was taken stays taken, what was told stays told.
    assert!(matches!(
        store.create(create("order-0-2")).await,
        Err(ExecuteError::Refused(Refusal::NumberTaken { .. }))
    ));
    let taken = mark_paid("order-8", "order-8", "t2");
    assert_eq!(
        refusal(&*store, taken).await.code(),
        "transaction_of_other_order"
    );
    let taken = begin_refund("order-3", "r1", "t-order-3", T0);
    assert_eq!(refusal(&*store, taken).await.code(), "refund_number_taken");
    let again = mark_paid("order-1", "order-1", "t-order-1");
    let again = store.mark_paid(again).await.unwrap();
    assert_eq!(again.outcome, Outcome::AlreadyApplied);
    assert_eq!(claim(&*store).await.len(), 12);
}

/// A restart shortens no wait, forgets no try, and frees no parked row; a lease ends with it.
pub async fn waits_and_tries_outlive_a_reopen(backend: &dyn DurableBackend) {
    let (store, clock) = fresh(backend).await;
    for n in 1..=3 {
        pay(&*store, &format!("order-{n}")).await;
    }
    let claims = claim(&*store).await;
    let mut tokens = claims.iter().map(|claim| claim.token.clone());
    let (off, _, parked, _, leased) = (
        tokens.next().unwrap(),
        tokens.next().unwrap(),
        tokens.next().unwrap(),
        tokens.next().unwrap(),
        tokens.next().unwrap(),
    );
    let reason = "no".to_owned();
    store
        .retry_later(off, secs(60), reason.clone())
        .await
        .unwrap();
    store.park(parked.clone(), reason).await.unwrap();
    store.close().await.unwrap();

    let store = backend.reopen(store, setup(&clock)).await;
    let now = claim(&*store).await;
    let order_3 = [
        ("order-3", OutboxKind::PayNotify),
        ("order-3", OutboxKind::OrderPay),
    ];
    assert_eq!(names(&now), order_3);
    let late = store.ack(leased).await;
    assert!(
        matches!(late, Err(StoreError::LeaseLost { .. })),
        "{late:?}"
    );
    let status = store.outbox_status().await.unwrap();
    assert_eq!((status.parked, status.put_off), (1, 1));
    assert_eq!(store.parked(9).await.unwrap()[0].id, *parked.id());
    clock.advance(secs(60));
    for claim in now {
        store.ack(claim.token).await.unwrap();
    }
    let again = claim(&*store).await;
    let order_1 = [
        ("order-1", OutboxKind::PayNotify),
        ("order-1", OutboxKind::OrderPay),
    ];
    assert_eq!(names(&again), order_1);
    assert_eq!(again[0].row.attempts, 1);
    store.requeue(parked.id()).await.unwrap();
    assert_eq!(claim(&*store).await.len(), 2);
}

/// Numbers go on where they were.
pub async fn the_inbox_outlives_a_reopen(backend: &dyn DurableBackend) {
    let (store, clock) = fresh(backend).await;
    let long = store
        .record_notify(record(1, accepted(), long_body()))
        .await;
    let forged = store
        .record_notify(record(2, refused(), vec![7; 9000]))
        .await;
    let (long, forged) = (long.unwrap(), forged.unwrap());
    store.close().await.unwrap();
    let store = backend.reopen(store, setup(&clock)).await;
    assert_eq!(store.notify(long).await.unwrap().unwrap().body, long_body());
    assert_eq!(
        store.notify(forged).await.unwrap().unwrap().body,
        vec![7; REFUSED_MAX_BYTES]
    );
    let next = store.record_notify(record(3, accepted(), vec![1])).await;
    assert_eq!(next.unwrap(), NotifyId::Accepted(2));
    let all = NotifyQuery {
        kept: Kept::All,
        before: None,
        limit: 10,
    };
    assert_eq!(store.notifies(all).await.unwrap().len(), 3);
}
