//! Statements that the server rolls back, or whose answer is lost: what it says is what is done about it.

use std::time::Duration;

use order_store::{
    Claim, ExecuteError, OrderState, OrderStore as _, OrderStoreExt as _, Outcome, PostgresStore,
    RelayId, StoreError,
    conformance::samples::{create, key, mark_paid, secs},
};
use tokio::time::timeout;

use crate::proxy::{Cut, Proxy};
use crate::support::{LIMIT, Scratch, close};

/// What the server says of a statement that it rolled back and that is worth another try.
const ROLLED_BACK: [&str; 4] = ["40001", "40P01", "55P03", "57014"];
/// What leaves open whether the statement was done.
const UNKNOWN: [&str; 3] = ["40003", "57P01", "08006"];

impl Scratch {
    /// From now on so many statements of this kind on a table fail with this code. A sequence counts them: it alone is not rolled
    /// back with the statement.
    async fn fail(&self, table: &str, statement: &str, code: &str, times: u32) {
        self.run(&format!(
            "DROP SEQUENCE IF EXISTS {{s}}.failed CASCADE; CREATE SEQUENCE {{s}}.failed; \
             CREATE OR REPLACE FUNCTION {{s}}.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
               IF nextval('{{s}}.failed') <= {times} THEN \
                 RAISE EXCEPTION 'as the test wants it' USING ERRCODE = '{code}'; \
               END IF; RETURN NULL; END $$; \
             DROP TRIGGER IF EXISTS fail ON {{s}}.{table}; \
             CREATE TRIGGER fail AFTER {statement} ON {{s}}.{table} \
               FOR EACH STATEMENT EXECUTE FUNCTION {{s}}.fail()"
        ))
        .await;
    }

    /// How many statements were counted.
    async fn counted(&self) -> i64 {
        self.number("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {s}.failed")
            .await
    }
}

/// A payment that the server rolls back is tried again, and paid once; one whose fate it does not know is looked up first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_group_that_is_rolled_back_is_tried_again() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    let mut orders = 0;
    for code in ROLLED_BACK.into_iter().chain(UNKNOWN) {
        let number = format!("order-{code}");
        store.create(create(&number)).await.unwrap();
        scratch.fail("log", "INSERT", code, 3).await;
        let paid = mark_paid(&number, &number, &format!("t-{code}"));
        let executed = timeout(LIMIT, store.mark_paid(paid.clone()))
            .await
            .unwrap()
            .unwrap_or_else(|error| panic!("{code}: {error}"));
        assert_eq!(executed.outcome, Outcome::Applied, "{code}");
        assert_eq!(
            scratch.counted().await,
            4,
            "{code}: three failures and the one that held"
        );
        let again = store.mark_paid(paid).await.unwrap();
        assert_eq!(again.outcome, Outcome::AlreadyApplied, "{code}");
        orders += 1;
    }
    scratch.assert_each_paid_once(orders).await;
    assert_eq!(scratch.outbox().await, 2 * orders);
    close(&store).await;
}

/// What is rolled back for ever is given up, typed, and leaves nothing behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_group_that_never_holds_is_busy_and_unwritten() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    store.create(create("order-1")).await.unwrap();
    scratch.fail("log", "INSERT", "40P01", 1_000).await;
    let paid = mark_paid("order-1", "order-1", "t1");
    let refused = timeout(LIMIT, store.mark_paid(paid.clone())).await.unwrap();
    assert!(
        matches!(refused, Err(ExecuteError::Store(StoreError::Busy))),
        "{refused:?}"
    );
    assert!(scratch.counted().await > 10, "it was tried again");
    assert_eq!(scratch.outbox().await, 0);
    let order = store.get(&key("order-1")).await.unwrap().unwrap();
    assert_eq!(order.state(), OrderState::Unpaid);

    scratch.run("DROP TRIGGER fail ON {s}.log").await;
    let executed = store.mark_paid(paid).await.unwrap();
    assert_eq!(executed.outcome, Outcome::Applied);
    scratch.assert_each_paid_once(1).await;
    close(&store).await;
}

/// A row that contradicts its order is damage, and no rush that passes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_row_too_many_is_damage() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    for number in ["order-1", "order-2"] {
        store.create(create(number)).await.unwrap();
    }
    scratch
        .run(
            "INSERT INTO {s}.log (shard, mch_id, out_trade_no, n, commit_id, doc) \
             SELECT shard, mch_id, out_trade_no, n + 1, commit_id, doc FROM {s}.log \
             WHERE out_trade_no = 'order-1'",
        )
        .await;
    let paid = mark_paid("order-1", "order-1", "t1");
    let refused = timeout(LIMIT, store.mark_paid(paid)).await.unwrap();
    let Err(ExecuteError::Store(StoreError::Corrupt { what })) = refused else {
        panic!("{refused:?}")
    };
    assert!(what.contains("order-1"), "{what}");
    // It is this order's alone.
    let paid = mark_paid("order-2", "order-2", "t2");
    assert_eq!(
        store.mark_paid(paid).await.unwrap().outcome,
        Outcome::Applied
    );
    close(&store).await;
}

/// A statement whose tables were changed under it is prepared anew, on the same connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_statement_that_was_prepared_for_another_schema_is_prepared_anew() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    store.create(create("order-1")).await.unwrap();
    store
        .mark_paid(mark_paid("order-1", "order-1", "t1"))
        .await
        .unwrap();
    assert_eq!(claim(&store).await.len(), 2);
    scratch
        .run(
            "ALTER TABLE {s}.orders ALTER COLUMN doc TYPE varchar; \
             ALTER TABLE {s}.outbox ALTER COLUMN doc TYPE varchar",
        )
        .await;
    let again = store.mark_paid(mark_paid("order-1", "order-1", "t1")).await;
    assert_eq!(again.unwrap().outcome, Outcome::AlreadyApplied);
    store.create(create("order-2")).await.unwrap();
    store
        .mark_paid(mark_paid("order-2", "order-2", "t2"))
        .await
        .unwrap();
    assert_eq!(claim(&store).await.len(), 2);
    close(&store).await;
}

async fn claim(store: &PostgresStore) -> Vec<Claim> {
    store
        .claim(RelayId::new("relay"), secs(600), 100)
        .await
        .unwrap()
}

/// What relays say of their rows is tried again too, and done once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_settlement_that_is_rolled_back_is_tried_again() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    for code in ROLLED_BACK.into_iter().chain(UNKNOWN) {
        let number = format!("order-{code}");
        store.create(create(&number)).await.unwrap();
        let paid = mark_paid(&number, &number, &format!("t-{code}"));
        store.mark_paid(paid).await.unwrap();
        let claims = claim(&store).await;
        let [first, second] = claims.as_slice() else {
            panic!("{code}: {claims:?}")
        };
        scratch.fail("outbox", "DELETE", code, 2).await;
        let acked = timeout(LIMIT, store.ack(first.token.clone()))
            .await
            .unwrap();
        acked.unwrap_or_else(|error| panic!("{code}: {error}"));
        assert_eq!(scratch.counted().await, 3, "{code}");
        scratch.fail("outbox", "UPDATE", code, 2).await;
        let parked = timeout(LIMIT, store.park(second.token.clone(), code.to_owned()))
            .await
            .unwrap();
        parked.unwrap_or_else(|error| panic!("{code}: {error}"));
        assert_eq!(scratch.counted().await, 3, "{code}");
        let parked = store.parked(99).await.unwrap();
        assert_eq!(parked.len(), 1, "{code}");
        assert_eq!(
            parked[0].attempts, 1,
            "{code}: one try, not one for each time that it was sent"
        );
        scratch
            .run("DROP TRIGGER fail ON {s}.outbox; DELETE FROM {s}.outbox")
            .await;
    }
    close(&store).await;
}

/// An ack whose answer was lost is looked up: it is done, whether the server had done it or never heard of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_ack_without_an_answer_is_looked_up() {
    let scratch = Scratch::new();
    let proxy = Proxy::start(&scratch.url).await;
    let store = scratch
        .open_by(&proxy.url(&scratch.url), scratch.options())
        .await;
    for (n, cut) in [Cut::Answer, Cut::Request, Cut::Answer, Cut::Request]
        .into_iter()
        .enumerate()
    {
        let number = format!("order-{n}");
        store.create(create(&number)).await.unwrap();
        let paid = mark_paid(&number, &number, &format!("t{n}"));
        store.mark_paid(paid).await.unwrap();
        let claims = claim(&store).await;
        assert_eq!(claims.len(), 2);
        for (done, claim) in claims.iter().enumerate() {
            proxy.arm_at(cut, &number);
            let acked = timeout(LIMIT, store.ack(claim.token.clone()))
                .await
                .unwrap();
            acked.unwrap_or_else(|error| panic!("{number}: {error}"));
            assert_eq!(proxy.cuts(), 2 * n + done + 1);
            // It settles once, also for who did not hear that it has.
            let again = store.ack(claim.token.clone()).await;
            assert!(
                matches!(again, Err(StoreError::LeaseLost { .. })),
                "{again:?}"
            );
        }
        assert_eq!(scratch.outbox().await, 0);
    }
    close(&store).await;
}

/// A row that is put off counts one try, however often that was sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_row_put_off_without_an_answer_counts_one_try() {
    let scratch = Scratch::new();
    let proxy = Proxy::start(&scratch.url).await;
    let store = scratch
        .open_by(&proxy.url(&scratch.url), scratch.options())
        .await;
    store.create(create("order-1")).await.unwrap();
    store
        .mark_paid(mark_paid("order-1", "order-1", "t1"))
        .await
        .unwrap();
    for (n, cut) in [Cut::Answer, Cut::Request, Cut::Answer]
        .into_iter()
        .enumerate()
    {
        let relay = RelayId::new("relay");
        let mut claims = store.claim(relay, secs(600), 1).await.unwrap();
        let claim = claims.pop().expect("the row is free again");
        assert_eq!(claim.row.attempts as usize, n);
        let reason = format!("try {n}");
        proxy.arm_at(cut, &reason);
        let put_off = store.retry_later(claim.token, Duration::ZERO, reason.clone());
        timeout(LIMIT, put_off).await.unwrap().unwrap();
        assert_eq!(proxy.cuts(), n + 1);
    }
    let claims = claim(&store).await;
    assert_eq!(claims[0].row.attempts, 3);
    assert_eq!(claims[0].row.last_error.as_deref(), Some("try 2"));
    close(&store).await;
}
