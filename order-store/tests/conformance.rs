//! What every backend must do, over the trait alone; here run on sled.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod support;

use std::{collections::HashSet, net::Ipv4Addr, sync::Arc};

use order_store::{
    ACCEPTED_MAX_BYTES, Claim, ExecuteError, Health, Kept, NotifyId, NotifyQuery, NotifyRecord,
    OrderQuery, OrderState, OrderStore, OrderStoreExt as _, OutboxKind, OutboxStatus, Outcome,
    Page, REFUSED_MAX_BYTES, Refusal, RelayId, SledOptions, SledStore, StoreError, Verdict,
};
use support::{MCH_ID, T0, TestClock, attach_prepay, begin_attempt, create, key, mark_paid, secs};
use tempfile::TempDir;
use wxpay_core::Fen;

fn open(folder: &TempDir, clock: &Arc<TestClock>) -> Arc<dyn OrderStore> {
    let options = SledOptions {
        clock: Arc::<TestClock>::clone(clock),
        ..SledOptions::default()
    };
    Arc::new(SledStore::open(folder.path(), options).unwrap())
}

fn fresh() -> (TempDir, Arc<TestClock>, Arc<dyn OrderStore>) {
    let (folder, clock) = (tempfile::tempdir().unwrap(), TestClock::new());
    let store = open(&folder, &clock);
    (folder, clock, store)
}

async fn reopen(
    store: Arc<dyn OrderStore>,
    folder: &TempDir,
    clock: &Arc<TestClock>,
) -> Arc<dyn OrderStore> {
    store.close().await.unwrap();
    assert_eq!(store.health(), Health::Closed);
    assert!(matches!(
        store.get(&key("order-1")).await,
        Err(StoreError::Closed)
    ));
    drop(store);
    open(folder, clock)
}

async fn pay(store: &dyn OrderStore, number: &str) {
    store.create(create(number)).await.unwrap();
    let paid = mark_paid(number, number, &format!("t-{number}"));
    assert_eq!(
        store.mark_paid(paid).await.unwrap().outcome,
        Outcome::Applied
    );
}

async fn claim(store: &dyn OrderStore) -> Vec<Claim> {
    store
        .claim(RelayId::new("relay"), secs(30), 100)
        .await
        .unwrap()
}

fn names(claims: &[Claim]) -> Vec<(&str, OutboxKind)> {
    claims
        .iter()
        .map(|claim| (claim.row.key.out_trade_no.as_str(), claim.row.kind))
        .collect()
}

#[tokio::test]
async fn everything_is_there_after_a_reopen() {
    let (folder, clock, store) = fresh();
    store.create(create("order-1")).await.unwrap();
    store
        .begin_attempt(begin_attempt("order-1", T0))
        .await
        .unwrap();
    store
        .attach_prepay(attach_prepay("order-1", "order-1", T0))
        .await
        .unwrap();
    let later = T0 + secs(7200);
    store
        .begin_attempt(begin_attempt("order-1", later))
        .await
        .unwrap();
    let paid = mark_paid("order-1", "order-1-2", "t2");
    let executed = store.mark_paid(paid.clone()).await.unwrap();
    store.create(create("order-2")).await.unwrap();
    let log = store.log(&key("order-1")).await.unwrap();

    let store = reopen(store, &folder, &clock).await;
    assert_eq!(
        store.get(&key("order-1")).await.unwrap(),
        Some(executed.order.clone())
    );
    assert_eq!(store.log(&key("order-1")).await.unwrap(), log);
    assert_eq!(log.len(), 5);
    let mch_id = MCH_ID.parse().unwrap();
    for number in ["order-1", "order-1-2"] {
        let found = store
            .find_attempt(&mch_id, &number.parse().unwrap())
            .await
            .unwrap();
        assert_eq!(found, Some(executed.order.clone()), "{number}");
    }
    assert_eq!(
        store
            .find_attempt(&mch_id, &"order-1-3".parse().unwrap())
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store.mark_paid(paid).await.unwrap().outcome,
        Outcome::AlreadyApplied
    );
    assert_eq!(store.log(&key("order-1")).await.unwrap().len(), 5);
    assert_eq!(claim(&*store).await.len(), 2);
    let due = store.due(T0 + secs(1800), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].key, key("order-2"));
    assert!(store.due(T0 + secs(1799), 10).await.unwrap().is_empty());
    let accounts = store.accounts().await.unwrap();
    assert_eq!((accounts.len(), accounts[0].open_orders), (1, 1));
    // Taken as an attempt, and as a transaction, before the restart.
    assert!(matches!(
        store.create(create("order-1-2")).await,
        Err(ExecuteError::Refused(Refusal::NumberTaken { .. }))
    ));
    assert!(matches!(
        store.mark_paid(mark_paid("order-2", "order-2", "t2")).await,
        Err(ExecuteError::Refused(
            Refusal::TransactionOfOtherOrder { .. }
        ))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_payment_from_sixty_four_sides_is_one() {
    let (_folder, _, store) = fresh();
    store.create(create("order-1")).await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let store = Arc::clone(&store);
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
        (1, 63)
    );
    let log = store.log(&key("order-1")).await.unwrap();
    assert_eq!(
        log.iter()
            .filter(|entry| entry.to == OrderState::Paid)
            .count(),
        1
    );
    assert_eq!(
        names(&claim(&*store).await),
        [
            ("order-1", OutboxKind::PayNotify),
            ("order-1", OutboxKind::OrderPay)
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_orders_that_race_for_a_transaction_one_gets_it() {
    let (_folder, _, store) = fresh();
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..32 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let number = format!("order-{n}");
            store.create(create(&number)).await.unwrap();
            store
                .mark_paid(mark_paid(&number, &number, "t1"))
                .await
                .is_ok()
        });
    }
    let won = callers
        .join_all()
        .await
        .into_iter()
        .filter(|won| *won)
        .count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_refusal_is_in_the_log_and_a_wakeup_comes_with_rows() {
    let (_folder, _, store) = fresh();
    let mut wakeup = store.outbox_wakeup();
    store.create(create("order-1")).await.unwrap();
    assert!(!wakeup.has_changed().unwrap());
    let mut wrong = mark_paid("order-1", "order-1", "t1");
    wrong.total_fee = Fen::new(2).unwrap();
    for _ in 0..3 {
        let refused = store.mark_paid(wrong.clone()).await;
        assert!(matches!(
            refused,
            Err(ExecuteError::Refused(Refusal::AmountMismatch { .. }))
        ));
    }
    let log = store.log(&key("order-1")).await.unwrap();
    assert_eq!(log.len(), 2);
    assert_eq!(
        (log[1].from, log[1].to),
        (Some(OrderState::Unpaid), OrderState::Unpaid)
    );
    store
        .mark_paid(mark_paid("order-1", "order-1", "t1"))
        .await
        .unwrap();
    tokio::time::timeout(secs(10), wakeup.changed())
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_lease_keeps_others_away_and_a_late_relay_out() {
    let (_folder, clock, store) = fresh();
    pay(&*store, "order-1").await;
    let first = claim(&*store).await;
    assert_eq!(first.len(), 2);
    assert!(claim(&*store).await.is_empty());
    assert_eq!(store.outbox_status().await.unwrap().leased, 2);

    clock.advance(secs(31));
    let second = claim(&*store).await;
    assert_eq!(names(&second), names(&first));
    for claim in first {
        let late = store.ack(claim.token).await;
        assert!(
            matches!(late, Err(StoreError::LeaseLost { .. })),
            "{late:?}"
        );
    }
    for claim in &second {
        store.ack(claim.token.clone()).await.unwrap();
        assert!(matches!(
            store.ack(claim.token.clone()).await,
            Err(StoreError::LeaseLost { .. })
        ));
    }
    assert_eq!(
        store.outbox_status().await.unwrap(),
        OutboxStatus::default()
    );
}

#[tokio::test]
async fn a_lease_that_ran_out_unclaimed_can_still_be_acked() {
    let (_folder, clock, store) = fresh();
    pay(&*store, "order-1").await;
    let claims = claim(&*store).await;
    clock.advance(secs(31));
    for claim in claims {
        store.ack(claim.token).await.unwrap();
    }
    assert!(claim(&*store).await.is_empty());
}

#[tokio::test]
async fn a_row_put_off_holds_its_order_and_no_other() {
    let (folder, clock, store) = fresh();
    pay(&*store, "order-1").await;
    pay(&*store, "order-2").await;
    let mut claims = store
        .claim(RelayId::new("relay"), secs(30), 1)
        .await
        .unwrap();
    let one = claims.pop().unwrap();
    assert_eq!(
        names(std::slice::from_ref(&one)),
        [("order-1", OutboxKind::PayNotify)]
    );
    // While it is on loan its order waits.
    let others = claim(&*store).await;
    assert_eq!(
        names(&others),
        [
            ("order-2", OutboxKind::PayNotify),
            ("order-2", OutboxKind::OrderPay)
        ]
    );
    store
        .retry_later(one.token, secs(60), "cut\nline".to_owned())
        .await
        .unwrap();
    for claim in others {
        store.ack(claim.token).await.unwrap();
    }
    assert!(claim(&*store).await.is_empty());

    let store = reopen(store, &folder, &clock).await;
    assert!(
        claim(&*store).await.is_empty(),
        "a restart does not shorten the wait"
    );
    let status = store.outbox_status().await.unwrap();
    assert_eq!(
        (status.waiting, status.next_retry),
        (2, Some(T0 + secs(60)))
    );
    clock.advance(secs(60));
    let again = claim(&*store).await;
    assert_eq!(
        names(&again),
        [
            ("order-1", OutboxKind::PayNotify),
            ("order-1", OutboxKind::OrderPay)
        ]
    );
    assert_eq!(again[0].row.attempts, 1);
    assert_eq!(again[0].row.last_error.as_deref(), Some("cut line"));
}

#[tokio::test]
async fn a_parked_row_stays_parked_until_it_is_requeued() {
    let (folder, clock, store) = fresh();
    pay(&*store, "order-1").await;
    let claims = claim(&*store).await;
    let id = claims[0].row.id.clone();
    let mut claims = claims.into_iter();
    store
        .park(claims.next().unwrap().token, "refused".repeat(99))
        .await
        .unwrap();
    store
        .retry_later(claims.next().unwrap().token, secs(0), String::new())
        .await
        .unwrap();
    assert!(
        claim(&*store).await.is_empty(),
        "the later row waits behind the parked one"
    );

    let store = reopen(store, &folder, &clock).await;
    assert!(claim(&*store).await.is_empty());
    let parked = store.parked(10).await.unwrap();
    assert_eq!(
        (parked.len(), &parked[0].id, parked[0].attempts),
        (1, &id, 1)
    );
    assert_eq!(store.outbox_status().await.unwrap().parked, 1);
    let unknown = order_store::OutboxId::from_text("nothing");
    assert!(matches!(
        store.requeue(&unknown).await,
        Err(StoreError::NoSuchRow { .. })
    ));
    store.requeue(&id).await.unwrap();
    let claims = claim(&*store).await;
    assert_eq!(
        (claims.len(), &claims[0].row.id, claims[0].row.attempts),
        (2, &id, 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lists_go_page_by_page_newest_first() {
    let (_folder, _, store) = fresh();
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..50 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let number = format!("order-{n:02}");
            let mut create = create(&number);
            create.now = T0 + secs(n / 10);
            store.create(create).await.unwrap();
            if n % 2 == 0 {
                let paid = mark_paid(&number, &number, &format!("t{n}"));
                store.mark_paid(paid).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    let mut query = OrderQuery {
        state: Some(OrderState::Paid),
        since: Some(T0 + secs(1)),
        cursor: None,
        limit: 7,
    };
    let mut seen = Vec::new();
    loop {
        let Page { orders, next } = store.list(query.clone()).await.unwrap();
        assert!(orders.len() <= 7);
        seen.extend(orders);
        match next {
            Some(next) => query.cursor = Some(next.to_string().parse().unwrap()),
            None => break,
        }
    }
    assert_eq!(seen.len(), 20);
    assert!(seen.is_sorted_by(|a, b| (a.created_at, &a.key) > (b.created_at, &b.key)));
    assert!(seen.iter().all(|order| order.state() == OrderState::Paid));
    let all = OrderQuery {
        limit: 100,
        ..OrderQuery::default()
    };
    assert_eq!(store.list(all).await.unwrap().orders.len(), 50);
}

fn record(n: u8, verdict: Verdict, body: Vec<u8>) -> NotifyRecord {
    NotifyRecord {
        at: T0 + secs(n.into()),
        peer: Ipv4Addr::new(192, 0, 2, n).into(),
        verdict,
        millis: 12,
        answer: "<xml>".repeat(100),
        body,
    }
}

#[tokio::test]
async fn the_inbox_keeps_accepted_notifies_whole_and_refused_ones_short() {
    let (folder, clock, store) = fresh();
    let body: Vec<u8> = (0..ACCEPTED_MAX_BYTES)
        .map(|n| u8::try_from(n % 251).unwrap())
        .collect();
    let accepted = Verdict::Accepted {
        outcome: Outcome::Applied,
    };
    let refused = Verdict::Refused {
        reason: "bad sign".to_owned(),
    };
    let a = store
        .record_notify(record(1, accepted.clone(), body.clone()))
        .await
        .unwrap();
    let r = store
        .record_notify(record(2, refused, vec![7; 9000]))
        .await
        .unwrap();
    let small = store
        .record_notify(record(3, accepted, b"<xml/>".to_vec()))
        .await
        .unwrap();
    assert_eq!((a, r), (NotifyId::Accepted(1), NotifyId::Refused(1)));

    let store = reopen(store, &folder, &clock).await;
    assert_eq!(store.notify(a).await.unwrap().unwrap().body, body);
    assert_eq!(store.notify(small).await.unwrap().unwrap().body, b"<xml/>");
    assert_eq!(
        store.notify(r).await.unwrap().unwrap().body,
        vec![7; REFUSED_MAX_BYTES]
    );
    assert_eq!(store.notify(NotifyId::Accepted(3)).await.unwrap(), None);
    let mut query = NotifyQuery {
        kept: Kept::All,
        before: None,
        limit: 10,
    };
    let ids = |list: Vec<order_store::NotifySummary>| list.iter().map(|n| n.id).collect::<Vec<_>>();
    let list = store.notifies(query).await.unwrap();
    assert_eq!((list[1].body_bytes, list[2].body_bytes), (9000, 65_536));
    assert_eq!(ids(list), [small, r, a]);
    query.before = Some(T0 + secs(2));
    assert_eq!(ids(store.notifies(query).await.unwrap()), [a]);
    query = NotifyQuery {
        kept: Kept::Refused,
        before: None,
        limit: 10,
    };
    assert_eq!(ids(store.notifies(query).await.unwrap()), [r]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_inbox_is_bounded() {
    let (_folder, _, store) = fresh();
    let verdicts = [
        Verdict::Refused {
            reason: "no sign".to_owned(),
        },
        Verdict::Accepted {
            outcome: Outcome::AlreadyApplied,
        },
    ];
    let counts = [1_100_u64, 10_100];
    for (verdict, count) in verdicts.into_iter().zip(counts) {
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..100 {
            let (store, verdict) = (Arc::clone(&store), verdict.clone());
            callers.spawn(async move {
                for _ in 0..count / 100 {
                    store
                        .record_notify(record(caller, verdict.clone(), vec![1]))
                        .await
                        .unwrap();
                }
            });
        }
        callers.join_all().await;
    }
    assert_eq!(store.notify(NotifyId::Refused(76)).await.unwrap(), None);
    assert!(store.notify(NotifyId::Refused(77)).await.unwrap().is_some());
    assert!(
        store
            .notify(NotifyId::Refused(1_100))
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(store.notify(NotifyId::Accepted(100)).await.unwrap(), None);
    assert!(
        store
            .notify(NotifyId::Accepted(101))
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        store
            .notify(NotifyId::Accepted(10_100))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_relays_never_have_a_row_at_once() {
    let (_folder, _, store) = fresh();
    for n in 0..40 {
        pay(&*store, &format!("order-{n:02}")).await;
    }
    let mut relays = tokio::task::JoinSet::new();
    for relay in 0..4 {
        let store = Arc::clone(&store);
        relays.spawn(async move {
            let mut sent = Vec::new();
            loop {
                let relay = RelayId::new(&format!("relay-{relay}"));
                let claims = store.claim(relay, secs(30), 3).await.unwrap();
                if claims.is_empty() {
                    let left = store.outbox_status().await.unwrap();
                    if left.waiting + left.leased == 0 {
                        return sent;
                    }
                    tokio::task::yield_now().await;
                }
                for claim in claims {
                    sent.push(claim.row.id);
                    store.ack(claim.token).await.unwrap();
                }
            }
        });
    }
    let sent: Vec<_> = relays.join_all().await.into_iter().flatten().collect();
    assert_eq!(sent.len(), 80);
    assert_eq!(sent.iter().collect::<HashSet<_>>().len(), 80);
}
