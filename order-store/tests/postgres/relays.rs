//! The outbox by the database's own clock.

use std::{collections::HashSet, env, sync::Arc, time::Duration};

use order_store::{
    OrderStore as _, OrderStoreExt as _, OutboxStatus, RelayId, StoreError,
    conformance::{
        samples::{create, mark_paid, secs},
        turns::Turns,
    },
};
use tokio::{task::JoinSet, time::timeout};

use crate::support::{LIMIT, Scratch, close};

const LEASE: Duration = Duration::from_mins(10);

/// 60 000 rows, or `ORDER_STORE_RELAY_ROWS` of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_relays_on_two_machines_have_no_row_twice() {
    let rows: usize = env::var("ORDER_STORE_RELAY_ROWS").map_or(60_000, |rows| {
        rows.parse().expect("ORDER_STORE_RELAY_ROWS is a number")
    });
    let orders = rows / 2;
    let scratch = Scratch::new();
    let machines = [
        Arc::new(scratch.open().await),
        Arc::new(scratch.open().await),
    ];
    let mut callers = JoinSet::new();
    for caller in 0..128 {
        let store = Arc::clone(&machines[caller % 2]);
        callers.spawn(async move {
            for n in (caller..orders).step_by(128) {
                let number = format!("order-{n:06}");
                store.create(create(&number)).await.unwrap();
                let paid = mark_paid(&number, &number, &format!("t-{number}"));
                store.mark_paid(paid).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    assert_eq!(usize::try_from(scratch.outbox().await).unwrap(), orders * 2);

    let turns = Arc::new(Turns::default());
    let mut relays = JoinSet::new();
    for relay in 0..4 {
        let store = Arc::clone(&machines[relay % 2]);
        let turns = Arc::clone(&turns);
        relays.spawn(async move {
            let mut sent = Vec::new();
            let name = RelayId::new(&format!("relay-{relay}"));
            loop {
                // An odd number: so orders are split.
                let claims = store.claim(name.clone(), LEASE, 199).await.unwrap();
                if claims.is_empty() {
                    let left = store.outbox_status().await.unwrap();
                    if left.waiting + left.leased == 0 {
                        return sent;
                    }
                    tokio::task::yield_now().await;
                }
                let mut acks = JoinSet::new();
                for held in turns.claimed(claims) {
                    sent.push(held.claim.row.id.clone());
                    let (store, turns) = (Arc::clone(&store), Arc::clone(&turns));
                    acks.spawn(async move { assert!(turns.ack(&*store, &held).await) });
                }
                acks.join_all().await;
            }
        });
    }
    let limit = LIMIT + Duration::from_millis(rows as u64);
    let sent: Vec<_> = timeout(limit, relays.join_all())
        .await
        .unwrap()
        .into_iter()
        .flatten()
        .collect();
    let ids: HashSet<_> = sent.iter().collect();
    assert_eq!(ids.len(), orders * 2, "rows that were sent");
    assert_eq!(sent.len() - ids.len(), 0, "rows that were sent twice");
    assert_eq!(turns.assert_in_order(LEASE), orders * 2);
    assert_eq!(
        machines[0].outbox_status().await.unwrap(),
        OutboxStatus::default()
    );
}

/// Leases run by the database's clock, which no test puts forward: the lease is short, and the second relay asks until it is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_relay_settles_nothing() {
    let scratch = Scratch::new();
    let machines = [scratch.open().await, scratch.open().await];
    machines[0].create(create("order-1")).await.unwrap();
    let paid = mark_paid("order-1", "order-1", "t1");
    machines[0].mark_paid(paid).await.unwrap();
    let lease = Duration::from_millis(300);
    let early = machines[0]
        .claim(RelayId::new("early"), lease, 9)
        .await
        .unwrap();
    assert_eq!(early.len(), 2);
    let second = timeout(LIMIT, async {
        loop {
            let claims = machines[1]
                .claim(RelayId::new("second"), secs(600), 9)
                .await
                .unwrap();
            if !claims.is_empty() {
                return claims;
            }
        }
    })
    .await
    .unwrap();
    assert_eq!(second.len(), 2);
    assert!(second[0].until > early[0].until);
    for claim in early {
        let token = claim.token;
        let late = [
            machines[0].ack(token.clone()).await,
            machines[0]
                .retry_later(token.clone(), secs(1), String::new())
                .await,
            machines[0].park(token, String::new()).await,
        ];
        for result in late {
            assert!(
                matches!(result, Err(StoreError::LeaseLost { .. })),
                "{result:?}"
            );
        }
    }
    assert_eq!(scratch.outbox().await, 2);
    for claim in second {
        machines[1].ack(claim.token).await.unwrap();
    }
    assert_eq!(scratch.outbox().await, 0);
}

/// A relay that died holds its rows until its lease is over, and one that closed its store does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_store_gives_its_loans_back() {
    let scratch = Scratch::new();
    let machines = [scratch.open().await, scratch.open().await];
    machines[0].create(create("order-1")).await.unwrap();
    let paid = mark_paid("order-1", "order-1", "t1");
    machines[0].mark_paid(paid).await.unwrap();
    let relay = RelayId::new("relay");
    let claims = machines[0]
        .claim(relay.clone(), secs(600), 9)
        .await
        .unwrap();
    assert_eq!(claims.len(), 2);
    assert!(
        machines[1]
            .claim(relay.clone(), secs(600), 9)
            .await
            .unwrap()
            .is_empty()
    );
    close(&machines[0]).await;
    assert_eq!(
        machines[1].claim(relay, secs(600), 9).await.unwrap().len(),
        2
    );
}

/// Rows behind one that was set aside are not to be had: a poll that finds only such wakes nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_order_wakes_no_relay() {
    let scratch = Scratch::new();
    let writer = scratch.open().await;
    writer.create(create("order-1")).await.unwrap();
    let paid = mark_paid("order-1", "order-1", "t1");
    writer.mark_paid(paid).await.unwrap();
    let relay = RelayId::new("relay");
    let claim = writer.claim(relay.clone(), secs(600), 1).await.unwrap();
    let claim = claim.into_iter().next().unwrap();
    let id = claim.row.id.clone();
    writer
        .park(claim.token, "no luck".to_owned())
        .await
        .unwrap();
    let options = order_store::PostgresOptions {
        poll_every: Duration::from_millis(20),
        ..scratch.options()
    };
    let idle = scratch.open_by(&scratch.url, options).await;
    assert!(idle.claim(relay, secs(600), 9).await.unwrap().is_empty());
    let mut woken = idle.outbox_wakeup();
    woken.mark_unchanged();
    // Some twenty polls long.
    let quiet = timeout(Duration::from_millis(400), woken.changed()).await;
    assert!(quiet.is_err(), "woken for a row that nobody can claim");
    writer.requeue(&id).await.unwrap();
    timeout(LIMIT, woken.changed()).await.unwrap().unwrap();
}

/// Counting stops at a bound, which the outbox of a broker that is away may pass by far.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_outbox_is_counted_to_a_bound() {
    const BOUND: usize = 20_000;
    let scratch = Scratch::new();
    let store = scratch.open().await;
    store.create(create("order-1")).await.unwrap();
    store
        .mark_paid(mark_paid("order-1", "order-1", "t1"))
        .await
        .unwrap();
    // Rows of orders that are not there, as the count does not ask for them: never claimed, put off, and set aside.
    for (name, ready_at, rows) in [
        ("fresh", "0", BOUND),
        ("put-off", "9000000000000", BOUND + 1),
        ("aside", "NULL", BOUND + 7),
    ] {
        scratch
            .run(&format!(
                "INSERT INTO {{s}}.outbox (shard, mch_id, out_trade_no, n, id, kind, created_at, \
                   ready_at, attempts, last_error, doc) \
                 SELECT shard, mch_id, '{name}-' || g, n, '{name}-' || g, kind, created_at, \
                   {ready_at}, attempts, last_error, doc \
                 FROM {{s}}.outbox, generate_series(1, {rows}) g \
                 WHERE out_trade_no = 'order-1' AND n = (SELECT min(n) FROM {{s}}.outbox \
                   WHERE out_trade_no = 'order-1')"
            ))
            .await;
    }
    let status = store.outbox_status().await.unwrap();
    assert_eq!(
        (status.waiting, status.put_off, status.leased, status.parked),
        (2 * BOUND, BOUND, 0, BOUND),
        "those put off wait as well"
    );
    close(&store).await;
}
