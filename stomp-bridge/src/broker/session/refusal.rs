//! RabbitMQ's words for a no.

use crate::broker::permission::{May, User};
use crate::broker::router::{Declaration, RouteError};
use crate::broker::target::DEFAULT_EXCHANGE;
use crate::frame::Command;

/// The one virtual host.
pub(super) const VHOST: &str = "/";

/// An ERROR frame in the making.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) message: &'static str,
    pub(super) body: String,
}

impl Refusal {
    pub(super) fn new(message: &'static str, body: impl Into<String>) -> Self {
        Self {
            message,
            body: body.into(),
        }
    }

    pub(super) fn missing(message: &'static str, command: Command, header: &str) -> Self {
        let body = format!(
            "\"{}\" must include a '{header}' header\n",
            command.as_str()
        );
        Self::new(message, body)
    }

    /// RabbitMQ says no more than this; the body is ours.
    pub(super) fn processing(body: impl Into<String>) -> Self {
        Self::new("Processing error", body)
    }

    pub(super) fn bad_command(line: &str) -> Self {
        let body = format!("Could not interpret command \"{line}\"\n");
        Self::new("Bad command", body)
    }

    /// The broker holds as much as it may.
    pub(super) fn no_room() -> Self {
        let body = "RESOURCE_ERROR - no more messages may be held";
        Self::new("resource_error", body)
    }

    /// `name` is what the frame spoke of: an exchange, a queue, a subscription.
    pub(super) fn route(error: RouteError, name: &str) -> Self {
        match error {
            RouteError::NoExchange => Self::new(
                "not_found",
                format!("NOT_FOUND - no exchange '{name}' in vhost '{VHOST}'"),
            ),
            RouteError::NoQueue => Self::new(
                "not_found",
                format!("NOT_FOUND - no queue '{name}' in vhost '{VHOST}'"),
            ),
            RouteError::Locked => Self::new(
                "resource_locked",
                format!(
                    "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{name}' in \
                     vhost '{VHOST}'. It could be originally declared on another connection or the \
                     exclusive property value does not match that of the original declaration."
                ),
            ),
            RouteError::Reserved => Self::new(
                "access_refused",
                format!("ACCESS_REFUSED - queue name '{name}' contains reserved prefix 'amq.*'"),
            ),
            RouteError::Inequivalent(m) => Self::new(
                "precondition_failed",
                format!(
                    "PRECONDITION_FAILED - inequivalent arg '{}' for queue '{name}' in vhost \
                     '{VHOST}': received {} but current is {}",
                    m.argument, m.received, m.current
                ),
            ),
            RouteError::TooManyQueues => Self::new(
                "resource_error",
                "RESOURCE_ERROR - no more queues may be declared",
            ),
            RouteError::TooManySubscriptions => Self::new(
                "resource_error",
                "RESOURCE_ERROR - no more subscriptions on one connection",
            ),
            RouteError::DuplicateSubscription => Self::new(
                "Duplicated subscription identifier",
                format!("A subscription identified by '{name}' already exists."),
            ),
            RouteError::NoSubscription => Self::new(
                "No subscription found",
                format!(
                    "UNSUBSCRIBE must refer to an existing subscription.\n\
                     Subscription to {name} not found.\n"
                ),
            ),
            RouteError::UnknownTag => Self::new(
                "precondition_failed",
                format!("PRECONDITION_FAILED - unknown delivery tag {name}"),
            ),
        }
    }
}

/// Whether the user may declare this queue, and send its dead where it says.
pub(super) fn allow_declare(user: &User, declaration: &Declaration) -> Result<(), Refusal> {
    allow(user, &user.configure, "queue", &declaration.name)?;
    if let Some(to) = &declaration.arguments.dead_letter {
        allow(user, &user.read, "queue", &declaration.name)?;
        let exchange = match to.exchange.as_str() {
            "" => DEFAULT_EXCHANGE,
            name => name,
        };
        allow(user, &user.write, "exchange", exchange)?;
    }
    Ok(())
}

/// Rights come before existence, so that a refusal tells nothing about what there is.
pub(super) fn allow(user: &User, right: &May, kind: &str, name: &str) -> Result<(), Refusal> {
    if right.covers(name) {
        return Ok(());
    }
    let login = &user.login;
    let body = format!(
        "ACCESS_REFUSED - access to {kind} '{name}' in vhost '{VHOST}' refused for user '{login}'"
    );
    Err(Refusal::new("access_refused", body))
}

/// Who may send nothing has nothing to put into a transaction.
pub(super) fn allow_transactions(user: &User) -> Result<(), Refusal> {
    if !user.write.is_nothing() {
        return Ok(());
    }
    let login = &user.login;
    let body = format!("ACCESS_REFUSED - transactions refused for user '{login}'");
    Err(Refusal::new("access_refused", body))
}
