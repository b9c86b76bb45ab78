//! The schema: made by whoever comes first, and brought up to date with what is in it.

use std::{sync::Arc, time::Duration};

use order_store::{
    Account, OrderQuery, OrderState, OrderStore as _, OrderStoreExt as _, Outcome, PostgresOptions,
    PostgresStore, RelayId, StoreError, check,
    conformance::samples::{create, key, mark_paid, secs},
    export,
};
use tokio::{task::JoinSet, time::timeout};

use crate::support::{LIMIT, Scratch, close};

/// How many steps there are.
const STEPS: i64 = 2;

const FORMAT_1: &str = include_str!("../../migrations/0001_ledger.sql");

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_services_make_the_schema_at_once() {
    for _ in 0..3 {
        let scratch = Arc::new(Scratch::new());
        let mut opening = JoinSet::new();
        for n in 0..10 {
            let scratch = Arc::clone(&scratch);
            opening.spawn(async move {
                let store = scratch.open().await;
                store.create(create(&format!("order-{n}"))).await.unwrap();
                close(&store).await;
            });
        }
        timeout(LIMIT, opening.join_all()).await.unwrap();
        let steps = "SELECT count(*) FROM {s}.migrations WHERE format > 0";
        assert_eq!(scratch.number(steps).await, STEPS);
        assert_eq!(scratch.number("SELECT count(*) FROM {s}.orders").await, 10);
    }
}

/// The limit on statements is for those of every day: making a table or an index takes longer.
#[tokio::test]
async fn the_schema_is_made_however_short_statements_are_to_be() {
    let scratch = Scratch::new();
    let options = PostgresOptions {
        statement_timeout: Duration::from_millis(1),
        patience: secs(5),
        ..scratch.options()
    };
    scratch.open_by(&scratch.url, options).await;
    let steps = "SELECT count(*) FROM {s}.migrations WHERE format > 0";
    assert_eq!(scratch.number(steps).await, STEPS);
}

#[tokio::test]
async fn a_schema_for_later_programs_is_refused_and_one_that_only_grew_is_not() {
    let scratch = Scratch::new();
    close(&scratch.open().await).await;
    scratch
        .run("INSERT INTO {s}.migrations (format, oldest_program) VALUES (3, 1)")
        .await;
    close(&scratch.open().await).await;
    scratch
        .run("INSERT INTO {s}.migrations (format, oldest_program) VALUES (4, 3)")
        .await;
    let url = scratch.url.parse().unwrap();
    let refused = PostgresStore::open(&url, scratch.options()).await;
    assert!(matches!(
        refused,
        Err(StoreError::NewerFormat { found: 4, known: 2 })
    ));
}

async fn exported(store: &PostgresStore) -> Vec<u8> {
    let mut lines = Vec::new();
    export(store, &mut lines, &mut |_| {}).await.unwrap();
    lines
}

/// A schema of the first format, with the rows that a service had written there, is what any other is after the next start.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_older_schema_keeps_its_rows() {
    let (filled, old) = (Scratch::new(), Arc::new(Scratch::new()));
    let store = filled.open().await;
    for n in 0..6 {
        let number = format!("order-{n}");
        store.create(create(&number)).await.unwrap();
        if n % 2 == 0 {
            let paid = mark_paid(&number, &number, &format!("t{n}"));
            store.mark_paid(paid).await.unwrap();
        }
    }
    let before = exported(&store).await;
    close(&store).await;

    old.run("CREATE SCHEMA {s}").await;
    old.run(FORMAT_1).await;
    old.run(
        "CREATE TABLE {s}.migrations (format integer NOT NULL PRIMARY KEY, \
         oldest_program integer NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()); \
         INSERT INTO {s}.migrations (format, oldest_program) VALUES (0, 0), (1, 1)",
    )
    .await;
    for table in [
        "orders",
        "numbers",
        "transactions",
        "log",
        "outbox",
        "accounts",
        "tally",
        "totals",
    ] {
        let from = &filled.schema;
        old.run(&format!(
            "INSERT INTO {{s}}.{table} SELECT * FROM {from}.{table}"
        ))
        .await;
    }

    let mut opening = JoinSet::new();
    for _ in 0..10 {
        let old = Arc::clone(&old);
        opening.spawn(async move { old.open().await });
    }
    let stores = timeout(LIMIT, opening.join_all()).await.unwrap();
    let steps = "SELECT count(*) FROM {s}.migrations WHERE format > 0";
    assert_eq!(old.number(steps).await, STEPS);
    let store = &stores[0];
    assert_eq!(exported(store).await, before);
    let all = store
        .list(OrderQuery {
            limit: 99,
            ..OrderQuery::default()
        })
        .await
        .unwrap();
    assert_eq!(all.orders.len(), 6);
    let unpaid = OrderQuery {
        state: Some(OrderState::Unpaid),
        limit: 99,
        ..OrderQuery::default()
    };
    assert_eq!(store.list(unpaid).await.unwrap().orders.len(), 3);
    let accounts: Vec<Account> = store.accounts().await.unwrap();
    assert_eq!(accounts[0].open_orders, 3);
    let paid = mark_paid("order-1", "order-1", "t1");
    assert_eq!(
        store.mark_paid(paid).await.unwrap().outcome,
        Outcome::Applied
    );
    let again = mark_paid("order-0", "order-0", "t0");
    assert_eq!(
        store.mark_paid(again).await.unwrap().outcome,
        Outcome::AlreadyApplied
    );
    let claims = store
        .claim(RelayId::new("relay"), secs(60), 99)
        .await
        .unwrap();
    assert_eq!(claims.len(), 8);
    assert_eq!(
        store.get(&key("order-1")).await.unwrap().unwrap().state(),
        OrderState::Paid
    );
    let report = check(store, &mut |_| {}).await.unwrap();
    assert!(report.findings.is_empty(), "{report:?}");
    for store in &stores {
        close(store).await;
    }
}

/// What somebody took out of the database is found, and hides nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_without_their_logs_are_found_and_exported() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    for n in 0..3 {
        store.create(create(&format!("order-{n}"))).await.unwrap();
    }
    scratch.run("DELETE FROM {s}.log").await;
    let report = check(&store, &mut |_| {}).await.unwrap();
    assert_eq!(report.records.orders, 3);
    assert!(report.found >= 3, "{report:?}");
    let lines = String::from_utf8(exported(&store).await).unwrap();
    for n in 0..3 {
        assert!(lines.contains(&format!("order-{n}")), "{lines}");
    }
    close(&store).await;
}

/// Nothing of a closed store is left on the server: not its readers' connections either.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_closed_store_has_no_connections() {
    let scratch = Scratch::new();
    let url = format!("{}?application_name={}", scratch.url, scratch.schema);
    let store = Arc::new(scratch.open_by(&url, scratch.options()).await);
    store.create(create("order-1")).await.unwrap();
    let mut reading = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        reading.spawn(async move { store.get(&key("order-1")).await.unwrap().unwrap() });
    }
    assert_eq!(reading.join_all().await.len(), 16);
    let count = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}'",
        scratch.schema
    );
    // A committer, the listener and a reader at least.
    assert!(scratch.number(&count).await >= 3);
    close(&store).await;
    // The server hears of the end a moment later.
    let gone = async { while scratch.number(&count).await > 0 {} };
    timeout(LIMIT, gone).await.unwrap();
    drop(store);
}
