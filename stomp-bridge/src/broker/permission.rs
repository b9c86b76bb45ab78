//! Users and what they may do.

use super::pattern::{Pattern, PatternError};
use std::collections::BTreeSet;
use std::fmt;
use subtle::ConstantTimeEq;

/// The names of exchanges and queues that a right covers. SEND to a queue counts as a write to the
/// exchange `amq.default`, as in RabbitMQ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum May {
    /// None.
    #[default]
    Nothing,
    /// All.
    All,
    /// Exactly these.
    Only(BTreeSet<String>),
    /// Those in which a regular expression is found, as RabbitMQ's permissions have it.
    Matching(Pattern),
}

impl May {
    /// Exactly these names.
    pub fn only<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::Only(names.into_iter().map(Into::into).collect())
    }

    /// A permission as it stands in RabbitMQ's definitions, such as `^(paynotify|amq\.default)$`.
    /// The empty one stands for nothing.
    ///
    /// ```
    /// use stomp_bridge::broker::May;
    /// assert_eq!(May::matching("")?, May::Nothing);
    /// assert!(May::matching("^(paynotify").is_err());
    /// # Ok::<(), stomp_bridge::broker::PatternError>(())
    /// ```
    ///
    /// # Errors
    /// [`PatternError`] for what is no regular expression.
    pub fn matching(pattern: &str) -> Result<Self, PatternError> {
        if pattern.is_empty() {
            return Ok(Self::Nothing);
        }
        pattern.parse().map(Self::Matching)
    }

    pub(crate) fn is_nothing(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Only(names) => names.is_empty(),
            Self::All | Self::Matching(_) => false,
        }
    }

    pub(crate) fn covers(&self, name: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Only(names) => names.contains(name),
            Self::Matching(pattern) => pattern.is_in(name),
        }
    }
}

/// A user with RabbitMQ's three rights. `Debug` does not show the passcode.
#[derive(Clone)]
pub struct User {
    pub(crate) login: String,
    passcode: String,
    pub(crate) configure: May,
    pub(crate) write: May,
    pub(crate) read: May,
}

impl User {
    /// A user who may log in and nothing else.
    pub fn new(login: impl Into<String>, passcode: impl Into<String>) -> Self {
        let (login, passcode) = (login.into(), passcode.into());
        Self {
            login,
            passcode,
            configure: May::Nothing,
            write: May::Nothing,
            read: May::Nothing,
        }
    }

    /// Queues that the user may declare, which `/queue/NAME` and `x-queue-name` do.
    #[must_use]
    pub fn configure(mut self, names: May) -> Self {
        self.configure = names;
        self
    }

    /// Exchanges that the user may SEND to; `amq.default` stands for all queues. Queues that the
    /// user may bind, which `x-queue-name` does.
    #[must_use]
    pub fn write(mut self, names: May) -> Self {
        self.write = names;
        self
    }

    /// Exchanges and queues that the user may SUBSCRIBE to.
    #[must_use]
    pub fn read(mut self, names: May) -> Self {
        self.read = names;
        self
    }

    /// In constant time for passcodes of one length.
    pub(crate) fn has_passcode(&self, given: &str) -> bool {
        self.passcode.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("login", &self.login)
            .field("configure", &self.configure)
            .field("write", &self.write)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_found_anywhere_unless_it_is_anchored() {
        let webguest = May::matching(r"^(paynotify\.page$|stomp-subscription-)").unwrap();
        for name in ["paynotify.page", "stomp-subscription-x"] {
            assert!(webguest.covers(name), "{name}");
        }
        for name in ["paynotify", "paynotifyxpage", "my-stomp-subscription-x", ""] {
            assert!(!webguest.covers(name), "{name}");
        }
        assert!(May::matching("order").unwrap().covers("my_order_pay"));
        assert!(!May::matching("^$").unwrap().covers("order_pay"));
    }
}
