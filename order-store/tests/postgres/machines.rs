//! Several machines on one ledger: each is a store of its own.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use order_store::{
    Day, ExecuteError, OrderState, OrderStore, OrderStoreExt as _, Outcome, RelayId, StoreError,
    TotalsQuery,
    conformance::samples::{MCH_ID, T0, contradict, create, defer, key, mark_paid, secs},
};
use tokio::{task::JoinSet, time::timeout};

use crate::support::{LIMIT, Scratch, admin, close};

/// 64 connections, 8 callers an order, on two machines.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_all_callers_on_two_machines_one_pays() {
    const ORDERS: usize = 200;
    let scratch = Scratch::new();
    let mut machines = Vec::new();
    for _ in 0..2 {
        let options = order_store::PostgresOptions {
            committers: 8,
            readers: 24,
            // Who waits for a connection on a busy machine waits.
            busy_after: LIMIT,
            ..scratch.options()
        };
        machines.push(Arc::new(scratch.open_by(&scratch.url, options).await));
    }
    let number = |n: usize| format!("order-{n:04}");
    let mut callers = JoinSet::new();
    for n in 0..ORDERS {
        let store = Arc::clone(&machines[n % 2]);
        callers.spawn(async move { drop(store.create(create(&number(n))).await.unwrap()) });
    }
    callers.join_all().await;
    let mut callers = JoinSet::new();
    for n in 0..ORDERS {
        for caller in 0..8 {
            let store = Arc::clone(&machines[caller % 2]);
            callers.spawn(async move {
                let number = number(n);
                let paid = mark_paid(&number, &number, &format!("t-{number}"));
                let executed = store.mark_paid(paid).await.unwrap();
                assert_eq!(executed.order.state(), OrderState::Paid);
                // Reads too, so that all connections are in use.
                assert!(store.get(&key(&number)).await.unwrap().is_some());
                (number, executed.outcome)
            });
        }
    }
    let mut applied: HashMap<String, usize> = HashMap::new();
    for (number, outcome) in timeout(LIMIT, callers.join_all()).await.unwrap() {
        *applied.entry(number).or_default() += usize::from(outcome == Outcome::Applied);
    }
    assert_eq!(applied.len(), ORDERS);
    assert!(applied.values().all(|applied| *applied == 1), "{applied:?}");
    scratch.assert_each_paid_once(200).await;
    assert_eq!(scratch.outbox().await, 400);
    for store in machines {
        close(&store).await;
    }
}

/// One transaction told for many orders on two machines: the index lets one have it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_all_orders_on_two_machines_one_gets_a_transaction() {
    let scratch = Scratch::new();
    let machines = [
        Arc::new(scratch.open().await),
        Arc::new(scratch.open().await),
    ];
    let mut callers = JoinSet::new();
    for n in 0..64 {
        let store = Arc::clone(&machines[n % 2]);
        callers.spawn(async move {
            let number = format!("order-{n:02}");
            store.create(create(&number)).await.unwrap();
            match store.mark_paid(mark_paid(&number, &number, "t")).await {
                Ok(_) => true,
                Err(ExecuteError::Refused(refusal)) => {
                    assert_eq!(refusal.code(), "transaction_of_other_order");
                    false
                }
                Err(error) => panic!("{error}"),
            }
        });
    }
    let won = timeout(LIMIT, callers.join_all()).await.unwrap();
    assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
    scratch.assert_each_paid_once(1).await;
}

/// An order that another machine makes between the two halves of a read is known, and not "a number that someone else has".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_made_in_the_midst_of_a_read_is_known() {
    let scratch = Scratch::new();
    let store = Arc::new(scratch.open().await);
    // The sample goes to the same committer, which has its statements from it.
    let options = order_store::PostgresOptions {
        committers: 1,
        ..scratch.options()
    };
    let other = Arc::new(scratch.open_by(&scratch.url, options).await);
    other.create(create("order-0")).await.unwrap();
    store.create(create("order-1")).await.unwrap();
    scratch
        .run(
            "CREATE TABLE {s}.kept_orders AS SELECT * FROM {s}.orders WHERE out_trade_no = 'order-1'; \
             CREATE TABLE {s}.kept_numbers AS SELECT * FROM {s}.numbers WHERE out_trade_no = 'order-1'; \
             DELETE FROM {s}.orders WHERE out_trade_no = 'order-1'; \
             DELETE FROM {s}.numbers WHERE out_trade_no = 'order-1'",
        )
        .await;
    let machine = admin(&scratch.url).await;
    let sql = "BEGIN; LOCK TABLE {s}.numbers; \
               INSERT INTO {s}.orders SELECT * FROM {s}.kept_orders; \
               INSERT INTO {s}.numbers SELECT * FROM {s}.kept_numbers";
    let schema = &scratch.schema;
    machine
        .batch_execute(&sql.replace("{s}", schema))
        .await
        .unwrap();
    let creating = tokio::spawn({
        let other = Arc::clone(&other);
        async move { other.create(create("order-1")).await }
    });
    let waiting =
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '{s}.numbers'::regclass";
    timeout(LIMIT, async {
        while scratch.number(waiting).await == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    machine.batch_execute("COMMIT").await.unwrap();
    let created = timeout(LIMIT, creating).await.unwrap().unwrap();
    assert_eq!(created.unwrap().outcome, Outcome::AlreadyApplied);
}

/// One order that cannot be read is an error of its own, and none of those that came at the same time.
#[tokio::test]
async fn a_damaged_order_spoils_no_other() {
    const ORDERS: usize = 64;
    let scratch = Scratch::new();
    let options = order_store::PostgresOptions {
        committers: 1,
        ..scratch.options()
    };
    let store = Arc::new(scratch.open_by(&scratch.url, options).await);
    let number = |n: usize| format!("order-{n:02}");
    for n in 0..ORDERS {
        store.create(create(&number(n))).await.unwrap();
    }
    scratch
        .run("UPDATE {s}.orders SET doc = '{}' WHERE out_trade_no = 'order-30'")
        .await;
    let mut callers = JoinSet::new();
    for n in 0..ORDERS {
        let store = Arc::clone(&store);
        let paid = mark_paid(&number(n), &number(n), &format!("t-{n}"));
        callers.spawn(async move { (n, store.mark_paid(paid).await) });
    }
    for (n, result) in timeout(LIMIT, callers.join_all()).await.unwrap() {
        match result {
            Ok(executed) => assert_eq!((n != 30, executed.outcome), (true, Outcome::Applied)),
            Err(ExecuteError::Store(StoreError::Corrupt { .. })) => assert_eq!(n, 30),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(scratch.outbox().await, 126);
}

/// Groups that touch the same orders in opposite order, in a database of their own so that its deadlocks can be counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn groups_that_cross_do_not_deadlock() {
    const ORDERS: u64 = 32;
    const ROUNDS: u64 = 40;
    let outer = Scratch::new();
    let client = admin(&outer.url).await;
    let database = &outer.schema;
    client
        .batch_execute(&format!("CREATE DATABASE {database}"))
        .await
        .unwrap();
    let (server, _) = outer.url.rsplit_once('/').unwrap();
    let scratch = Scratch::on(format!("{server}/{database}"));
    let machines = [
        Arc::new(scratch.open().await),
        Arc::new(scratch.open().await),
    ];
    let number = |n: u64| format!("order-{n:02}");
    for n in 0..ORDERS {
        machines[0].create(create(&number(n))).await.unwrap();
    }
    let mut callers = JoinSet::new();
    for (machine, store) in machines.iter().enumerate() {
        for at in 0..ORDERS {
            let store = Arc::clone(store);
            callers.spawn(async move {
                let n = if machine == 0 { at } else { ORDERS - 1 - at };
                for round in 0..ROUNDS {
                    let due = T0 + secs(round * 2 + machine as u64);
                    store.defer(defer(&number(n), due)).await.unwrap();
                }
            });
        }
    }
    timeout(LIMIT, callers.join_all()).await.unwrap();
    for store in &machines {
        close(store).await;
    }
    // The server's counters come in when its sessions end.
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = $1";
    assert_eq!(outer.number_of(sql, &[database]).await, 0);
    let moved = "SELECT sum(version)::bigint FROM {s}.orders";
    assert!(scratch.number(moved).await > 32, "nothing was deferred");
    client
        .batch_execute(&format!("DROP DATABASE {database} WITH (FORCE)"))
        .await
        .unwrap();
}

/// A machine without any rows of its own hears of another's, by notification first and then by polling.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_wake_other_machines() {
    let scratch = Scratch::new();
    let writer = scratch.open().await;
    let options = order_store::PostgresOptions {
        poll_every: secs(3600),
        ..scratch.options()
    };
    let listener = scratch.open_by(&scratch.url, options).await;
    let mut woken = listener.outbox_wakeup();
    let pay = async |number: &str| {
        writer.create(create(number)).await.unwrap();
        let paid = mark_paid(number, number, &format!("t-{number}"));
        writer.mark_paid(paid).await.unwrap();
    };
    // Whether this is heard by its first poll or by a notification: afterwards it listens, and does not poll again.
    pay("order-1").await;
    timeout(LIMIT, woken.changed()).await.unwrap().unwrap();
    let relay = RelayId::new("relay");
    for claim in listener.claim(relay.clone(), secs(30), 9).await.unwrap() {
        listener.ack(claim.token).await.unwrap();
    }
    woken.mark_unchanged();
    pay("order-2").await;
    timeout(LIMIT, woken.changed()).await.unwrap().unwrap();

    // Rows that nobody tells of: those of a machine that died before it could.
    let polling = scratch.open().await;
    let claims = polling.claim(relay.clone(), secs(30), 9).await.unwrap();
    assert_eq!(claims.len(), 2);
    close(&writer).await;
    close(&listener).await;
    let mut woken = polling.outbox_wakeup();
    woken.mark_unchanged();
    scratch
        .run("UPDATE {s}.outbox SET ready_at = 0, owner = NULL")
        .await;
    timeout(LIMIT, woken.changed()).await.unwrap().unwrap();
}

async fn until_rolled_up(scratch: &Scratch) {
    timeout(LIMIT, async {
        while scratch.number("SELECT count(*) FROM {s}.tally").await > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn totals_are_the_same_before_and_after_they_are_rolled_up() {
    let scratch = Scratch::new();
    // A row that nothing else rolls up: when it is gone, the first roll-up is over.
    close(&scratch.open().await).await;
    scratch
        .run(
            "INSERT INTO {s}.tally (shard, mch_id, out_trade_no, n, day, payments, paid, refunds, refunded) \
             VALUES (0, 'marker', 'marker', 0, 0, 0, 0, 0, 0)",
        )
        .await;
    let options = order_store::PostgresOptions {
        roll_up_every: secs(3600),
        ..scratch.options()
    };
    let store = scratch.open_by(&scratch.url, options).await;
    // The first roll-up is at once; what follows is not rolled up.
    until_rolled_up(&scratch).await;
    for n in 0..30 {
        let number = format!("order-{n:02}");
        store.create(create(&number)).await.unwrap();
        let paid = mark_paid(&number, &number, &format!("t-{number}"));
        store.mark_paid(paid).await.unwrap();
    }
    let query = TotalsQuery {
        from: Day::of(T0),
        to: Day::of(T0),
        mch_id: Some(MCH_ID.parse().unwrap()),
    };
    let before = store.totals(query.clone()).await.unwrap();
    assert_eq!((before[0].payments, before[0].paid.get()), (30, 30));
    assert!(scratch.number("SELECT count(*) FROM {s}.tally").await > 0);

    let other = scratch.open().await;
    until_rolled_up(&scratch).await;
    assert_eq!(
        scratch
            .number("SELECT count(*) FROM {s}.totals WHERE mch_id <> 'marker'")
            .await,
        1
    );
    assert_eq!(other.totals(query.clone()).await.unwrap(), before);
    assert_eq!(store.totals(query).await.unwrap(), before);
}

/// Two machines roll up all the time while payments come in: whoever reads meanwhile has all that were answered before, none that
/// was not begun, and never fewer than before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn totals_never_dip_while_two_machines_roll_up() {
    const ORDERS: u64 = 400;
    let scratch = Scratch::new();
    let often = || order_store::PostgresOptions {
        roll_up_every: Duration::from_millis(1),
        ..scratch.options()
    };
    let machines = [
        Arc::new(scratch.open_by(&scratch.url, often()).await),
        Arc::new(scratch.open_by(&scratch.url, often()).await),
    ];
    let (begun, answered) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let store = Arc::clone(&machines[usize::from(caller % 2 == 0)]);
        let (begun, answered) = (Arc::clone(&begun), Arc::clone(&answered));
        callers.spawn(async move {
            for n in (caller..ORDERS).step_by(8) {
                let number = format!("order-{n:03}");
                store.create(create(&number)).await.unwrap();
                begun.fetch_add(1, Ordering::SeqCst);
                let paid = mark_paid(&number, &number, &format!("t-{number}"));
                store.mark_paid(paid).await.unwrap();
                answered.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    let query = TotalsQuery {
        from: Day::of(T0),
        to: Day::of(T0),
        mch_id: Some(MCH_ID.parse().unwrap()),
    };
    let mut reader = 0;
    let mut last = 0;
    let reads = async {
        while last < ORDERS {
            let at_least = answered.load(Ordering::SeqCst).max(last);
            reader = 1 - reader;
            let days = machines[reader].totals(query.clone()).await.unwrap();
            let most = begun.load(Ordering::SeqCst);
            let now = days.first().map_or(0, |day| day.payments);
            assert!(
                (at_least..=most).contains(&now),
                "{at_least} <= {now} <= {most}"
            );
            let paid = days.first().map_or(0, |day| day.paid.get());
            assert_eq!(paid, now, "a fen each");
            last = now;
        }
    };
    timeout(LIMIT, reads).await.unwrap();
    timeout(LIMIT, callers.join_all()).await.unwrap();
    until_rolled_up(&scratch).await;
    for store in &machines {
        let days = store.totals(query.clone()).await.unwrap();
        assert_eq!((days.len(), days[0].payments), (1, ORDERS));
        assert_eq!(days[0].paid.get(), ORDERS);
        close(store).await;
    }
    scratch.assert_each_paid_once(400).await;
}

/// What PostgreSQL's text cannot hold does not spoil the group that it is in.
#[tokio::test]
async fn text_with_a_zero_byte_goes_through() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    store.create(create("order-1")).await.unwrap();
    let paid = mark_paid("order-1", "order-1", "t1");
    store.mark_paid(paid).await.unwrap();
    let mut odd = contradict("order-1", "order-1", "t1");
    odd.reason = "a\0b".to_owned();
    assert_eq!(
        store.contradict(odd).await.unwrap().outcome,
        Outcome::Applied
    );
    let claims = store.claim(RelayId::new("re\0lay"), secs(30), 1).await;
    let claim = claims.unwrap().pop().unwrap();
    store
        .park(claim.token, "no\0luck".to_owned())
        .await
        .unwrap();
    assert_eq!(store.parked(1).await.unwrap().len(), 1);
}
