//! What a statement's failure means for whoever sent it.

use std::{error::Error as _, fmt::Write as _};

use tokio_postgres::{Error, error::SqlState};

use crate::StoreError;

/// Why a statement has no result.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// Rolled back, and worth another try: a serialisation failure, a deadlock, a statement that took too long.
    Again,
    /// Rolled back: another machine was faster, and what was decided on is not so any more.
    Overtaken,
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
        let code = db.code();
        if *code == SqlState::T_R_SERIALIZATION_FAILURE
            || *code == SqlState::T_R_DEADLOCK_DETECTED
            || *code == SqlState::QUERY_CANCELED
            || *code == SqlState::LOCK_NOT_AVAILABLE
            || *code == SqlState::TOO_MANY_CONNECTIONS
        {
            tracing::debug!(code = code.code(), message = db.message(), "rolled back");
            return Self::Again;
        }
        // The group statement divides by zero when a guard has failed: see `sql::group::write`.
        if *code == SqlState::DIVISION_BY_ZERO || *code == SqlState::UNIQUE_VIOLATION {
            return Self::Overtaken;
        }
        // 57P: the server goes down or ends the connection, perhaps behind a commit. 40003 says that it does not know. 25006: it takes
        // no writes any more, and another one does.
        let text = code.code();
        if text.starts_with("57P") || text.starts_with("08") || matches!(text, "40003" | "25006") {
            return Self::Lost(db.message().to_owned());
        }
        Self::Refused {
            code: text.to_owned(),
            message: db.message().to_owned(),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Again | Fault::Overtaken => Self::Busy,
            Fault::Lost(why) => Self::Unavailable { why },
            Fault::Refused { code, message } => Self::Database { code, message },
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
