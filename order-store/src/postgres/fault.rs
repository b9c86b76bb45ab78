//! What a statement's failure means for whoever sent it.

use std::{error::Error as _, fmt::Write as _};

use tokio_postgres::Error;

use crate::StoreError;

/// Why a statement has no result.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// Rolled back, and worth another try: a serialisation failure, a deadlock, a statement that took too long.
    Again,
    /// Rolled back: another machine was faster, and what was decided on is not so any more.
    Overtaken,
    /// Rolled back: what must be there once is there already, by this constraint. Another machine was faster; where none was, the
    /// ledger contradicts itself.
    Taken { constraint: String },
    /// Not begun: what was prepared is not known any more, or its tables have changed.
    Unprepared { code: String, message: String },
    /// The connection is gone, and nobody knows whether the statement was done.
    Lost(String),
    /// Rolled back, and would be again.
    Refused { code: String, message: String },
}

impl Fault {
    /// The answer of the client's own clock.
    pub(super) fn timed_out() -> Self {
        Self::Lost("no answer in time".to_owned())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let Some(db) = error.as_db_error() else {
            return Self::Lost(chain(&error));
        };
        Self::of_server(db.code().code(), db.message(), db.constraint())
    }
}

impl Fault {
    /// By SQLSTATE.
    fn of_server(code: &str, message: &str, constraint: Option<&str>) -> Self {
        match code {
            // A serialisation failure, a deadlock, a lock not had in time, a statement that took too long, no connection free; a
            // transaction that ended before.
            "40001" | "40P01" | "55P03" | "57014" | "53300" | "25P02" => {
                tracing::debug!(code, message, "rolled back");
                Self::Again
            }
            // The group statement divides by zero when a guard has failed: see `sql::group::write`.
            "22012" => Self::Overtaken,
            "23505" => Self::Taken {
                constraint: constraint.unwrap_or("a unique key").to_owned(),
            },
            // A schema that was migrated, and a pooler that put another connection behind this one.
            "0A000" | "26000" => Self::Unprepared {
                code: code.to_owned(),
                message: message.to_owned(),
            },
            // The server does not know what became of the statement. It takes no writes any more, and another one does.
            "40003" | "25006" => Self::Lost(message.to_owned()),
            // It goes down or ends the connection, perhaps behind a commit.
            _ if code.starts_with("57P") || code.starts_with("08") => {
                Self::Lost(message.to_owned())
            }
            _ => Self::Refused {
                code: code.to_owned(),
                message: message.to_owned(),
            },
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Again | Fault::Overtaken | Fault::Taken { .. } => Self::Busy,
            Fault::Lost(why) => Self::Unavailable { why },
            Fault::Unprepared { code, message } | Fault::Refused { code, message } => {
                Self::Database { code, message }
            }
        }
    }
}

/// Why an attempt came to no end.
pub(super) enum Attempt {
    Fault(Fault),
    /// What was read makes no sense.
    Broken(StoreError),
}

impl From<Fault> for Attempt {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Attempt {
    fn from(error: StoreError) -> Self {
        Self::Broken(error)
    }
}

/// An error with its causes; tokio-postgres names only the first. None of them has a password.
pub(super) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_says_what_to_do() {
        let of = |code| Fault::of_server(code, "said", Some("log_pkey"));
        for code in ["40001", "40P01", "55P03", "57014", "53300", "25P02"] {
            assert!(matches!(of(code), Fault::Again), "{code}");
        }
        assert!(matches!(of("22012"), Fault::Overtaken));
        assert!(matches!(of("23505"), Fault::Taken { constraint } if constraint == "log_pkey"));
        for code in ["0A000", "26000"] {
            assert!(matches!(of(code), Fault::Unprepared { .. }), "{code}");
        }
        // Whether it was done is not known: never taken for a failure.
        for code in [
            "40003", "25006", "57P01", "57P02", "57P03", "08000", "08006", "08007",
        ] {
            assert!(matches!(of(code), Fault::Lost(_)), "{code}");
        }
        for code in ["42P01", "53100", "23502", "42501", "XX000"] {
            assert!(matches!(of(code), Fault::Refused { .. }), "{code}");
        }
    }
}
