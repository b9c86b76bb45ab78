//! A schema of its own for each test, and a look at it past the store.

use std::{env, thread, time::Duration};

use order_store::{OrderStore as _, PostgresOptions, PostgresStore, PostgresUrl, Schema};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, types::ToSql};

/// How long anything may take before a test gives it up.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// The server that the tests were given.
pub(crate) fn url() -> String {
    env::var("POSTGRES_URL").expect("POSTGRES_URL is not set: run `cargo xtask test`")
}

/// A schema that goes with the test.
pub(crate) struct Scratch {
    pub(crate) url: String,
    pub(crate) schema: String,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self::on(url())
    }

    pub(crate) fn on(url: String) -> Self {
        let mut id = [0; 8];
        getrandom::fill(&mut id).unwrap();
        let schema = format!("t{:016x}", u64::from_be_bytes(id));
        Self { url, schema }
    }

    pub(crate) fn options(&self) -> PostgresOptions {
        PostgresOptions {
            schema: self.schema.parse::<Schema>().unwrap(),
            ..PostgresOptions::default()
        }
    }

    /// A store, as one machine has it.
    pub(crate) async fn open(&self) -> PostgresStore {
        self.open_by(&self.url, self.options()).await
    }

    pub(crate) async fn open_by(&self, url: &str, options: PostgresOptions) -> PostgresStore {
        let url: PostgresUrl = url.parse().unwrap();
        PostgresStore::open(&url, options).await.unwrap()
    }

    /// A count or number that a query gives; `{s}` in it is the schema.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.number_of(sql, &[]).await
    }

    pub(crate) async fn number_of(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> i64 {
        let client = admin(&self.url).await;
        let row = client
            .query_one(&sql.replace("{s}", &self.schema), params)
            .await;
        row.unwrap().get(0)
    }

    pub(crate) async fn run(&self, sql: &str) {
        let client = admin(&self.url).await;
        client
            .batch_execute(&sql.replace("{s}", &self.schema))
            .await
            .unwrap();
    }

    /// Whether each of so many orders was paid once and only once, told once, and logged once.
    pub(crate) async fn assert_each_paid_once(&self, orders: i64) {
        for (what, sql) in [
            (
                "orders",
                "SELECT count(*) FROM {s}.orders WHERE state = 'paid'",
            ),
            (
                "rows that came to paid",
                "SELECT count(*) FROM {s}.log WHERE doc LIKE '%\"what\":\"paid\"%'",
            ),
            ("transactions", "SELECT count(*) FROM {s}.transactions"),
        ] {
            assert_eq!(self.number(sql).await, orders, "{what}");
        }
        let counted = "SELECT (COALESCE((SELECT sum(payments) FROM {s}.totals), 0) \
                       + COALESCE((SELECT sum(payments) FROM {s}.tally), 0))::bigint";
        assert_eq!(self.number(counted).await, orders, "payments in the totals");
        // Per order, n counts without holes: what the order's row says is what is there.
        let holes = "SELECT count(*) FROM {s}.orders o WHERE o.logged <> (SELECT count(*) FROM {s}.log l \
                     WHERE (l.shard, l.mch_id, l.out_trade_no) = (o.shard, o.mch_id, o.out_trade_no))";
        assert_eq!(self.number(holes).await, 0, "orders whose log has holes");
    }

    /// The rows of the outbox that are there.
    pub(crate) async fn outbox(&self) -> i64 {
        self.number("SELECT count(*) FROM {s}.outbox").await
    }
}

/// A connection past the store.
pub(crate) async fn admin(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let (url, schema) = (self.url.clone(), self.schema.clone());
        let dropping = thread::spawn(move || {
            Runtime::new().unwrap().block_on(async {
                // The server may be gone by now.
                if let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await {
                    tokio::spawn(connection);
                    let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
                    drop(client.batch_execute(&sql).await);
                }
            });
        });
        drop(dropping.join());
    }
}

/// Closes the store, and says that it went well.
pub(crate) async fn close(store: &PostgresStore) {
    store.close().await.unwrap();
}
