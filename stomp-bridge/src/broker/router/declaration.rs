//! A queue as it is asked for.

use std::time::Duration;

/// Where a queue's dead go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLetter {
    /// Empty: straight to the queue that the key names.
    pub(crate) exchange: String,
    /// `None` keeps the message's own.
    pub(crate) key: Option<String>,
}

/// A queue's bounds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) expires: Option<Duration>,
    pub(crate) max_length: Option<usize>,
    pub(crate) max_length_bytes: Option<usize>,
    pub(crate) dead_letter: Option<DeadLetter>,
}

/// A queue as a client asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declaration {
    pub(crate) name: String,
    /// For this connection alone, and gone with it.
    pub(crate) exclusive: bool,
    /// Gone with its last consumer.
    pub(crate) auto_delete: bool,
    pub(crate) arguments: Arguments,
}

impl Declaration {
    pub(crate) fn durable(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            exclusive: false,
            auto_delete: false,
            arguments: Arguments::default(),
        }
    }
}
