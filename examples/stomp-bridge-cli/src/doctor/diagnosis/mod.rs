//! What is wrong, and how to mend it. Pure.

mod connect;
mod session;

use std::fmt;

use serde_json::{Value, json};

pub(crate) use connect::of_connect;
pub(crate) use session::{of_publish, of_subscribe, of_watch};

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    /// A stable name for programs.
    pub(crate) code: &'static str,
    /// What is wrong.
    pub(crate) says: String,
    /// How to mend it.
    pub(crate) mend: String,
}

impl Diagnosis {
    fn new(code: &'static str, says: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            code,
            says: says.into(),
            mend: mend.into(),
        }
    }

    /// Whether the broker said no, or closed without a word.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.code, "no_permission" | "refused_in_silence")
    }

    pub(crate) fn json(&self) -> Value {
        json!({"code": self.code, "says": self.says, "mend": self.mend})
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. To mend: {}", self.code, self.says, self.mend)
    }
}
