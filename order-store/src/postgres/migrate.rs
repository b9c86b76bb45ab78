//! The schema: embedded steps that only add, made by whoever comes first.
//!
//! Many services start at once. There are no advisory locks, which CockroachDB has not: the table of steps is made in a way
//! that may be repeated, and a row lock in it lets one service at a time look what is missing and make it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    fault::Fault,
    link::Backoff,
    session::{Connector, Purpose, Session},
};
use crate::StoreError;

/// A step. Its statements may be repeated.
struct Step {
    format: i32,
    /// The lowest format of a program that can still work on the schema behind this step.
    oldest_program: i32,
    text: &'static str,
}

const STEPS: [Step; 2] = [
    Step {
        format: 1,
        oldest_program: 1,
        text: include_str!("../../migrations/0001_ledger.sql"),
    },
    Step {
        format: 2,
        oldest_program: 1,
        text: include_str!("../../migrations/0002_lean_payments.sql"),
    },
];

/// Whose dialect a step is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Database {
    /// PostgreSQL, and what has its parser, as `YugabyteDB` does.
    Postgres,
    Cockroach,
}

impl Database {
    /// By what `version()` says.
    fn of(version: Option<String>) -> Self {
        match version {
            Some(version) if version.contains("CockroachDB") => Self::Cockroach,
            _ => Self::Postgres,
        }
    }
}

impl Step {
    fn rendered(&self, schema: &str, database: Database) -> String {
        render(self.text, schema, database)
    }
}

/// The text of a step in a schema. `CockroachDB` compares texts by their bytes, and refuses to be told so (`COLLATE "C"`, which others
/// need where their locale has an order of its own).
pub(super) fn render(text: &str, schema: &str, database: Database) -> String {
    let text = text.replace("{s}", schema);
    match database {
        Database::Postgres => text,
        Database::Cockroach => text.replace(" COLLATE \"C\"", ""),
    }
}

/// The longest that a step, or waiting for another service's, may take.
const STEP_LIMIT: Duration = Duration::from_hours(6);

/// The newest format that this program knows.
const FORMAT: i32 = STEPS[STEPS.len() - 1].format;

/// Brings the schema up to [`FORMAT`].
pub(super) async fn migrate(connector: &Connector, deadline: Instant) -> Result<(), StoreError> {
    let mut backoff = Backoff::new();
    // Building an index takes as long as it takes, whatever statements may take otherwise.
    let connector = &Connector {
        config: connector.config.clone(),
        tls: connector.tls.clone(),
        schema: connector.schema.clone(),
        statement_timeout: STEP_LIMIT.max(connector.statement_timeout),
    };
    loop {
        let fault = match attempt(connector).await {
            Ok(done) => return done,
            Err(fault) => fault,
        };
        let wait = backoff.next();
        if !is_race(&fault) || Instant::now() + wait >= deadline {
            return Err(fault.into());
        }
        tracing::debug!(?fault, "another service makes the schema; trying again");
        sleep(wait).await;
    }
}

/// Whether another service was making the same. `IF NOT EXISTS` does not keep two from it at once: the second gets a unique
/// violation of the catalogue, a duplicate, or "tuple concurrently updated" (XX000).
fn is_race(fault: &Fault) -> bool {
    match fault {
        Fault::Again | Fault::Overtaken | Fault::Taken { .. } | Fault::Lost(_) => true,
        Fault::Unprepared { .. } => false,
        Fault::Refused { code, .. } => {
            matches!(code.as_str(), "42P06" | "42P07" | "42710" | "XX000")
        }
    }
}

async fn attempt(connector: &Connector) -> Result<Result<(), StoreError>, Fault> {
    let session = match connector.connect(Purpose::Records, None).await {
        Ok(session) => session,
        Err(StoreError::Unavailable { why }) => return Err(Fault::Lost(why)),
        Err(error) => return Ok(Err(error)),
    };
    if let Err(error) = check_settings(&session).await? {
        return Ok(Err(error));
    }
    let schema = &connector.schema;
    // A service that may not make schemas finds all there, and makes nothing.
    match formats(&session, schema).await {
        Ok((found, oldest)) if found >= FORMAT => return Ok(fits(found, oldest)),
        Ok(_) | Err(Fault::Refused { .. }) => {}
        Err(fault) => return Err(fault),
    }
    session
        .batch(&format!(
            "CREATE SCHEMA IF NOT EXISTS \"{schema}\"; \
             CREATE TABLE IF NOT EXISTS \"{schema}\".migrations ( \
                 format integer NOT NULL PRIMARY KEY, \
                 oldest_program integer NOT NULL, \
                 applied_at timestamptz NOT NULL DEFAULT now()); \
             INSERT INTO \"{schema}\".migrations (format, oldest_program) VALUES (0, 0) \
                 ON CONFLICT DO NOTHING"
        ))
        .await?;
    let database = Database::of(session.texts("SELECT version()").await?.pop().flatten());
    session.batch("BEGIN").await?;
    session
        .batch(&format!(
            "SELECT 1 FROM \"{schema}\".migrations WHERE format = 0 FOR UPDATE"
        ))
        .await?;
    let (found, oldest) = formats(&session, schema).await?;
    for step in STEPS.iter().filter(|step| step.format > found) {
        session.batch(&step.rendered(schema, database)).await?;
        session
            .batch(&format!(
                "INSERT INTO \"{schema}\".migrations (format, oldest_program) VALUES ({}, {})",
                step.format, step.oldest_program
            ))
            .await?;
    }
    session.batch("COMMIT").await?;
    Ok(fits(found, oldest))
}

/// The format of the schema, and the lowest of a program that can work on it.
async fn formats(session: &Session, schema: &str) -> Result<(i32, i32), Fault> {
    let text = format!("SELECT max(format), max(oldest_program) FROM \"{schema}\".migrations");
    let found = session.texts(&text).await?;
    let number = |at: usize| {
        let text = found.get(at).cloned().flatten();
        text.and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    Ok((number(0), number(1)))
}

fn fits(found: i32, oldest_program: i32) -> Result<(), StoreError> {
    if oldest_program > FORMAT {
        return Err(StoreError::NewerFormat {
            found: found.unsigned_abs(),
            known: FORMAT.unsigned_abs(),
        });
    }
    Ok(())
}

/// A server that does not sync loses what the ledger has promised; one that writes no full pages can be torn by the power cut
/// that it is to outlive. Who turns that off has a file system that writes pages whole, so it is only said.
async fn check_settings(session: &Session) -> Result<Result<(), StoreError>, Fault> {
    if session.setting("full_page_writes").await?.as_deref() == Some("off") {
        tracing::warn!(
            "full_page_writes is off: a power cut can tear the ledger unless the file system writes whole pages"
        );
    }
    Ok(match session.setting("fsync").await?.as_deref() {
        Some("off") => Err(StoreError::Unsafe {
            why: "fsync is off".to_owned(),
        }),
        _ => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_count_up_and_only_add() {
        for (step, format) in STEPS.iter().zip(1..) {
            assert_eq!(step.format, format);
            assert!(step.oldest_program <= step.format);
            let text = step.text.to_uppercase();
            for word in ["ALTER COLUMN", "RENAME", "TRUNCATE", "DELETE FROM"] {
                assert!(!text.contains(word), "step {format} has {word}");
            }
            for dropped in text.split("DROP ").skip(1) {
                // An index holds nothing that is not in its table.
                assert!(
                    dropped.starts_with("INDEX "),
                    "step {format} drops {dropped}"
                );
            }
        }
        assert!(fits(9, FORMAT).is_ok());
        assert!(matches!(
            fits(9, FORMAT + 1),
            Err(StoreError::NewerFormat { found: 9, .. })
        ));
    }

    #[test]
    fn cockroach_is_not_told_how_to_compare() {
        let said = "CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu, built 2024/05/15)";
        assert_eq!(Database::of(Some(said.to_owned())), Database::Cockroach);
        let yugabyte = "PostgreSQL 11.2-YB-2.20.1.0-b0 on x86_64-pc-linux-gnu";
        assert_eq!(Database::of(Some(yugabyte.to_owned())), Database::Postgres);
        assert_eq!(Database::of(None), Database::Postgres);
        for step in &STEPS {
            let words = |database| {
                let text = step.rendered("ledger", database).to_uppercase();
                assert!(text.contains("LEDGER") && !text.contains("{S}"));
                text.matches("COLLATE").count()
            };
            assert_eq!(words(Database::Cockroach), 0, "step {}", step.format);
        }
        let first = STEPS[0].rendered("ledger", Database::Postgres);
        assert!(first.contains("out_trade_no text COLLATE \"C\""), "{first}");
    }
}
