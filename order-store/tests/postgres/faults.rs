//! Connections that end at the worst moment.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use order_store::{
    ExecuteError, Health, NotifyRecord, OrderStore as _, OrderStoreExt as _, Outcome,
    PostgresOptions, RelayId, StoreError, Verdict,
    conformance::samples::{T0, create, key, mark_paid, secs},
};
use tokio::{
    task::JoinSet,
    time::{interval, timeout},
};

use crate::proxy::{Cut, Proxy};
use crate::support::{LIMIT, Scratch, admin, close};

/// Whether what went wrong may be tried again with the same facts.
fn is_passing(error: &ExecuteError) -> bool {
    matches!(
        error,
        ExecuteError::Store(
            StoreError::Busy | StoreError::NoAnswer | StoreError::Unavailable { .. }
        )
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_are_killed_lose_and_double_nothing() {
    const ORDERS: usize = 1200;
    let scratch = Scratch::new();
    let name = &scratch.schema;
    let url = format!("{}?application_name={name}", scratch.url);
    let store = Arc::new(scratch.open_by(&url, scratch.options()).await);
    let client = admin(&scratch.url).await;
    let done = Arc::new(AtomicBool::new(false));
    let ending = tokio::spawn({
        let (done, name) = (Arc::clone(&done), name.clone());
        async move {
            let mut killed = 0;
            let mut ticks = interval(Duration::from_millis(20));
            while !done.load(Ordering::Relaxed) {
                ticks.tick().await;
                let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                           WHERE application_name = $1 AND state = 'active'";
                let row = client.query_one(sql, &[&name]).await.unwrap();
                killed += row.get::<_, i64>(0);
            }
            killed
        }
    });
    let mut callers = JoinSet::new();
    for caller in 0..32 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let mut paid_here = 0;
            for n in (caller..ORDERS).step_by(32) {
                let number = format!("order-{n:04}");
                let paid = mark_paid(&number, &number, &format!("t-{number}"));
                loop {
                    match store.create(create(&number)).await {
                        Ok(_) => break,
                        Err(error) => assert!(is_passing(&error), "{error}"),
                    }
                }
                // Only who was left without an answer may find that it was done before.
                let mut unanswered = false;
                let outcome = loop {
                    match store.mark_paid(paid.clone()).await {
                        Ok(executed) => break executed.outcome,
                        Err(error) => {
                            assert!(is_passing(&error), "{error}");
                            unanswered |=
                                matches!(error, ExecuteError::Store(StoreError::NoAnswer));
                        }
                    }
                };
                assert!(
                    outcome == Outcome::Applied || unanswered,
                    "{number}: {outcome:?}"
                );
                paid_here += 1;
            }
            paid_here
        });
    }
    let paid: usize = timeout(LIMIT * 2, callers.join_all())
        .await
        .unwrap()
        .into_iter()
        .sum();
    done.store(true, Ordering::Relaxed);
    let killed = ending.await.unwrap();
    assert!(killed >= 10, "only {killed} connections were killed");
    assert_eq!(paid, ORDERS);
    scratch.assert_each_paid_once(1200).await;
    assert_eq!(scratch.outbox().await, 2400);
    close(&store).await;
}

/// A commit without an answer is looked up: it is `Applied` whether the server had done it or never heard of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_without_an_answer_is_read_back() {
    let scratch = Scratch::new();
    let proxy = Proxy::start(&scratch.url).await;
    let store = scratch
        .open_by(&proxy.url(&scratch.url), scratch.options())
        .await;
    for n in 0..20_usize {
        let number = format!("order-{n:02}");
        store.create(create(&number)).await.unwrap();
        let cut = if n % 2 == 0 {
            Cut::Answer
        } else {
            Cut::Request
        };
        proxy.arm(cut);
        let paid = mark_paid(&number, &number, &format!("t-{number}"));
        let executed = timeout(LIMIT, store.mark_paid(paid.clone())).await.unwrap();
        assert_eq!(executed.unwrap().outcome, Outcome::Applied, "{number}");
        assert_eq!(proxy.cuts(), n + 1);
        let again = store.mark_paid(paid).await.unwrap();
        assert_eq!(again.outcome, Outcome::AlreadyApplied);
    }
    scratch.assert_each_paid_once(20).await;
    assert_eq!(scratch.outbox().await, 40);
}

/// The server has it only after the store has begun to look what became of it: still it is the caller's own, and `Applied`.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_comes_while_it_is_looked_for_is_ones_own() {
    let scratch = Scratch::new();
    let proxy = Proxy::start(&scratch.url).await;
    let store = scratch
        .open_by(&proxy.url(&scratch.url), scratch.options())
        .await;
    for n in 0..4_usize {
        let number = format!("order-{n}");
        store.create(create(&number)).await.unwrap();
        proxy.arm(Cut::Late);
        let paid = mark_paid(&number, &number, &format!("t-{number}"));
        let executed = timeout(LIMIT, store.mark_paid(paid)).await.unwrap();
        assert_eq!(proxy.cuts(), n + 1);
        assert_eq!(executed.unwrap().outcome, Outcome::Applied, "{number}");
    }
    scratch.assert_each_paid_once(4).await;
    assert_eq!(scratch.outbox().await, 8);
}

/// Health tells of now: it does not wait for whoever failed to connect to try again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_comes_back_without_a_call() {
    let scratch = Scratch::new();
    let proxy = Proxy::start(&scratch.url).await;
    let options = PostgresOptions {
        patience: Duration::from_millis(300),
        ..scratch.options()
    };
    let store = scratch.open_by(&proxy.url(&scratch.url), options).await;
    // The task that listens, the one that rolls up and a committer have their connections.
    store.create(create("order-1")).await.unwrap();
    let refused = async {
        let mut reads = JoinSet::new();
        let store = Arc::new(store);
        loop {
            // As many at once as there are connections for, so that new ones are needed.
            for _ in 0..8 {
                let store = Arc::clone(&store);
                reads.spawn(async move { store.get(&key("order-1")).await.is_err() });
            }
            let mut failed = false;
            while let Some(result) = reads.join_next().await {
                failed |= result.unwrap();
            }
            if failed {
                return store;
            }
        }
    };
    proxy.refusing.store(true, Ordering::SeqCst);
    let store = timeout(LIMIT, refused).await.unwrap();
    assert!(matches!(store.health(), Health::Away { .. }));
    proxy.refusing.store(false, Ordering::SeqCst);
    let mut ticks = interval(Duration::from_millis(20));
    timeout(LIMIT / 4, async {
        while store.health() != Health::Writable {
            ticks.tick().await;
        }
    })
    .await
    .expect("the database is back, and health does not say so");
}

/// A database that does not answer fills the queue, and then who comes is told so; what was in the queue is done in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_queue_is_busy() {
    const CALLERS: usize = 6000;
    let scratch = Scratch::new();
    let proxy = Proxy::start(&scratch.url).await;
    let options = PostgresOptions {
        committers: 1,
        busy_after: Duration::from_millis(10),
        statement_timeout: secs(30),
        ..scratch.options()
    };
    let store = scratch.open_by(&proxy.url(&scratch.url), options).await;
    store.create(create("order-first")).await.unwrap();
    let store = Arc::new(store);
    proxy.stalled.store(true, Ordering::SeqCst);
    let busy = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for n in 0..CALLERS {
        let (store, busy) = (Arc::clone(&store), Arc::clone(&busy));
        callers.spawn(async move {
            let created = store.create(create(&format!("order-{n:04}"))).await;
            match created {
                Ok(executed) => usize::from(executed.outcome == Outcome::Applied),
                Err(ExecuteError::Store(StoreError::Busy)) => {
                    busy.fetch_add(1, Ordering::SeqCst);
                    0
                }
                Err(error) => panic!("{error}"),
            }
        });
    }
    timeout(LIMIT, async {
        while busy.load(Ordering::SeqCst) < 100 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    proxy.stalled.store(false, Ordering::SeqCst);
    proxy.resumed.notify_waiters();
    let made: usize = timeout(LIMIT, callers.join_all())
        .await
        .unwrap()
        .into_iter()
        .sum();
    let busy = busy.load(Ordering::SeqCst);
    assert_eq!(made + busy, CALLERS);
    assert!(busy >= 100 && made > 0, "{made} made, {busy} busy");
    let count = "SELECT count(*) FROM {s}.orders";
    assert_eq!(
        usize::try_from(scratch.number(count).await).unwrap(),
        made + 1
    );
}

/// A requeue whose answer was lost is done, and says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_requeue_without_an_answer_is_done() {
    let scratch = Scratch::new();
    let proxy = Proxy::start(&scratch.url).await;
    let store = scratch
        .open_by(&proxy.url(&scratch.url), scratch.options())
        .await;
    store.create(create("order-1")).await.unwrap();
    let paid = mark_paid("order-1", "order-1", "t1");
    store.mark_paid(paid).await.unwrap();
    let park = async || {
        let relay = RelayId::new("relay");
        let claims = store.claim(relay, secs(600), 1).await.unwrap();
        let claim = claims.into_iter().next().unwrap();
        let id = claim.row.id.clone();
        store.park(claim.token, "no luck".to_owned()).await.unwrap();
        id
    };
    let id = park().await;
    for (n, cut) in [Cut::Answer, Cut::Request].into_iter().enumerate() {
        assert_eq!(store.parked(9).await.unwrap().len(), 1);
        proxy.arm(cut);
        timeout(LIMIT, store.requeue(&id)).await.unwrap().unwrap();
        assert_eq!(proxy.cuts(), n + 1);
        assert!(store.parked(9).await.unwrap().is_empty());
        // What is not held back cannot be let go.
        let again = store.requeue(&id).await;
        assert!(
            matches!(again, Err(StoreError::NoSuchRow { .. })),
            "{again:?}"
        );
        assert_eq!(park().await, id);
    }
}

/// The write of a notify that was given up and comes late, behind its repeat, leaves no trace.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_notify_whose_write_comes_late_is_kept_once() {
    let scratch = Scratch::new();
    let proxy = Proxy::start(&scratch.url).await;
    let store = scratch
        .open_by(&proxy.url(&scratch.url), scratch.options())
        .await;
    let record = NotifyRecord {
        at: T0,
        peer: [192, 0, 2, 1].into(),
        verdict: Verdict::Accepted {
            outcome: Outcome::Applied,
        },
        millis: 1,
        answer: "<xml/>".to_owned(),
        // What the proxy knows a write by.
        body: b"/paid/pay_notify".to_vec(),
    };
    let count = "SELECT count(*) FROM {s}.inbox";
    for (n, cut) in [Cut::Late, Cut::Answer, Cut::Request]
        .into_iter()
        .enumerate()
    {
        let late = cut == Cut::Late;
        proxy.arm(cut);
        let id = timeout(LIMIT, store.record_notify(record.clone()))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(proxy.cuts(), n + 1);
        if late {
            proxy.let_go().await;
        }
        assert_eq!(store.notify(id).await.unwrap(), Some(record.clone()));
        let kept = i64::try_from(n + 1).unwrap();
        assert_eq!(scratch.number(count).await, kept, "after {n}");
    }
    close(&store).await;
}
