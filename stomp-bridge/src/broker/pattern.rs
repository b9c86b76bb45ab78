//! Regular expressions over names, as RabbitMQ's permissions and policies have them.

use regex::Regex;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A regular expression that is looked for anywhere in a name; `^` and `$` tie it to the ends.
/// Matching takes linear time; there are no look-arounds and back-references.
#[derive(Clone)]
pub struct Pattern(Regex);

/// A text that is no regular expression.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{pattern:?} is no pattern: {reason}")]
pub struct PatternError {
    pattern: String,
    reason: String,
}

impl Pattern {
    pub(crate) fn is_in(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(pattern: &str) -> Result<Self, PatternError> {
        Regex::new(pattern).map(Self).map_err(|e| PatternError {
            pattern: pattern.to_owned(),
            reason: e.to_string(),
        })
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.as_str())
    }
}
