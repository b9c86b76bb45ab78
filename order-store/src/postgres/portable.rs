//! Whether the statements keep to what `CockroachDB` and `YugabyteDB` document: rules that a change breaks without PostgreSQL
//! saying a word.

use std::collections::{BTreeMap, HashSet};

use super::{
    migrate::{Database, render},
    sql::{Parts, Sql},
};

const MIGRATION: &str = concat!(
    include_str!("../../migrations/0001_ledger.sql"),
    include_str!("../../migrations/0002_lean_payments.sql")
);

const ALL: [Sql; 41] = [
    Sql::Now,
    Sql::ReadOrders,
    Sql::ReadFacts,
    Sql::ReadBack,
    Sql::Get,
    Sql::FindAttempt,
    Sql::FindTransaction,
    Sql::FindRefund,
    Sql::Log,
    Sql::List,
    Sql::ListState,
    Sql::Due,
    Sql::Accounts,
    Sql::OpenOrders,
    Sql::Totals,
    Sql::RollUp,
    Sql::ClaimAgain,
    Sql::ClaimFresh,
    Sql::ClaimTake,
    Sql::Ack,
    Sql::Hold,
    Sql::SettledBefore,
    Sql::HeldBack,
    Sql::Requeue,
    Sql::Parked,
    Sql::OutboxStatus,
    Sql::OutboxReady,
    Sql::KeepNotifies,
    Sql::KeptNotifies,
    Sql::ListNotifies,
    Sql::Notify,
    Sql::DumpOrders,
    Sql::DumpOutbox,
    Sql::DumpInbox,
    Sql::DumpSize,
    Sql::OutboxOf,
    Sql::LogsOf,
    Sql::NotifiesOf,
    Sql::NextNotify,
    Sql::Release,
    Sql::LoadInbox,
];

/// What one of them has not, or has otherwise.
const BARRED: [&str; 15] = [
    "collate",
    "advisory",
    "trigger",
    "function",
    "procedure",
    "serial",
    "nextval",
    "identity",
    "ctid",
    "pg_",
    "xml",
    "merge into",
    "share row",
    "lock table",
    "truncate",
];

fn words(text: &str) -> Vec<String> {
    let apart = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '"'));
    let code = text
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default());
    let code: Vec<&str> = code.collect();
    let words = code.iter().flat_map(|line| line.split(apart));
    words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// How often each table is written.
fn writes(text: &str) -> BTreeMap<String, usize> {
    let words = words(text);
    let mut writes = BTreeMap::new();
    for at in 0..words.len() {
        let table = match (words[at].as_str(), words.get(at + 1).map(String::as_str)) {
            ("insert", Some("into")) | ("delete", Some("from")) => words.get(at + 2),
            // Not a row lock's `FOR UPDATE`, nor `DO UPDATE SET`.
            ("update", Some(table)) if table.starts_with("\"s\".") => words.get(at + 1),
            _ => None,
        };
        if let Some(table) = table {
            *writes.entry(table.clone()).or_default() += 1;
        }
    }
    writes
}

/// All of them, the group's in each of its forms.
fn all() -> impl Iterator<Item = Sql> {
    ALL.into_iter().chain(Parts::every().map(Sql::WriteGroup))
}

#[test]
fn each_statement_is_looked_at() {
    let source = include_str!("sql/mod.rs");
    let (_, variants) = source.split_once("enum Sql {").unwrap();
    let (variants, _) = variants.split_once('}').unwrap();
    // The group's comes above all these.
    assert_eq!(variants.matches(',').count(), ALL.len() + 1);
    assert_eq!(ALL.iter().collect::<HashSet<_>>().len(), ALL.len());
}

#[test]
fn a_statement_writes_a_table_once() {
    let twice = writes("WITH a AS (INSERT INTO \"s\".log SELECT 1) UPDATE \"s\".log SET n = 1");
    assert_eq!(twice[r#""s".log"#], 2);
    let most = Parts::every().map(|parts| writes(&Sql::WriteGroup(parts).text("s")).len());
    assert_eq!(most.max(), Some(8));
    for sql in all() {
        for (table, times) in writes(&sql.text("s")) {
            assert!(table.starts_with("\"s\"."), "{sql:?} writes {table}");
            assert_eq!(times, 1, "{sql:?} writes {table}");
        }
    }
}

#[test]
fn nothing_is_used_that_another_database_lacks() {
    for (name, text) in all()
        .map(|sql| (format!("{sql:?}"), sql.text("s")))
        .chain([(
            "the migration".to_owned(),
            render(MIGRATION, "s", Database::Cockroach),
        )])
    {
        let text = words(&text).join(" ");
        for barred in BARRED {
            assert!(!text.contains(barred), "{name} has {barred}");
        }
    }
}

/// A row lock follows an order in which all take them, or steps over what is locked.
#[test]
fn locks_are_taken_in_order() {
    for sql in all() {
        let text = sql.text("s");
        for part in text
            .split("FOR UPDATE")
            .take(text.matches("FOR UPDATE").count())
        {
            assert!(part.contains("ORDER BY"), "{sql:?}");
        }
    }
}

#[test]
fn keys_are_led_by_the_shard() {
    let mut tables = 0;
    for table in MIGRATION.split("CREATE TABLE IF NOT EXISTS ").skip(1) {
        let (table, _) = table.split_once("\n);").unwrap();
        let name = table.split_whitespace().next().unwrap();
        let sharded = table.contains("shard ");
        if let Some((_, key)) = table.split_once("PRIMARY KEY (") {
            // What has no shard is small and not written by orders: rings, accounts, and totals, which are rolled up.
            let few = ["inbox", "inbox_writes", "accounts", "totals"]
                .iter()
                .any(|few| name.ends_with(few));
            assert_eq!(key.starts_with("shard,"), sharded, "{name}");
            assert_ne!(few, sharded, "{name}");
        } else {
            assert!(name.ends_with("inbox_next"), "{name}");
        }
        tables += 1;
    }
    assert_eq!(tables, 12);
}
